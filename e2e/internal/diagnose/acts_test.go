package diagnose_test

import (
	"context"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
)

// acts are what has to be done after a cause's manifest was applied.
func (b *testCluster) acts() map[string]func(*testing.T, string) {
	return map[string]func(*testing.T, string){
		"finalizer": func(t *testing.T, ns string) {
			t.Helper()
			must(t, b.client.CoreV1().Pods(ns).Delete(t.Context(), "web-0", metav1.DeleteOptions{}))
		},
		"service-not-headless":   func(*testing.T, string) {},
		"service-selector":       func(*testing.T, string) {},
		"service-missing":        func(*testing.T, string) {},
		"service-selects-others": func(*testing.T, string) {},
		"earlier-data": func(t *testing.T, ns string) {
			t.Helper()
			sets := b.client.AppsV1().StatefulSets(ns)
			was, err := sets.Get(t.Context(), "web", metav1.GetOptions{})
			must(t, err)
			must(t, sets.Delete(t.Context(), "web", metav1.DeleteOptions{}))
			b.awaitGone(t, ns)
			set := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: was.Spec}
			set.Spec.Template.Spec.Containers[0].Env[0].Value = "second"
			_, err = sets.Create(t.Context(), set, metav1.CreateOptions{})
			must(t, err)
		},
		"volume-released": func(t *testing.T, ns string) {
			t.Helper()
			b.patchSet(t, ns, `{"spec":{"replicas":0}}`)
			b.awaitGone(t, ns)
			claims := b.client.CoreV1().PersistentVolumeClaims(ns)
			must(t, claims.Delete(t.Context(), "data-web-0", metav1.DeleteOptions{}))
			must(t, wait.PollUntilContextTimeout(t.Context(), time.Second, within, true, func(ctx context.Context) (bool, error) {
				_, err := claims.Get(ctx, "data-web-0", metav1.GetOptions{})
				return apierrors.IsNotFound(err), nil
			}))
			b.patchSet(t, ns, `{"spec":{"replicas":1}}`)
		},
		"forced-rollback": func(t *testing.T, ns string) {
			t.Helper()
			image := func(name string) {
				b.patchSet(t, ns, `{"spec":{"template":{"spec":{"containers":[{"name":"main","image":"`+name+`"}]}}}}`)
			}
			image("registry.invalid/shop/web:2")
			must(t, wait.PollUntilContextTimeout(t.Context(), time.Second, within, true, func(ctx context.Context) (bool, error) {
				p, err := b.client.CoreV1().Pods(ns).Get(ctx, "web-1", metav1.GetOptions{})
				return err == nil && len(p.Status.ContainerStatuses) == 1 && failsToPull(p.Status.ContainerStatuses[0].State.Waiting), nil
			}))
			image(*busybox)
		},
	}
}

func failsToPull(w *corev1.ContainerStateWaiting) bool {
	return w != nil && (w.Reason == "ErrImagePull" || w.Reason == "ImagePullBackOff")
}

func (b *testCluster) patchSet(t *testing.T, ns, patch string) {
	t.Helper()
	_, err := b.client.AppsV1().StatefulSets(ns).Patch(t.Context(), "web", types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{})
	must(t, err)
}

// awaitGone waits until the set has no pod.
func (b *testCluster) awaitGone(t *testing.T, ns string) {
	t.Helper()
	must(t, wait.PollUntilContextTimeout(t.Context(), time.Second, within, true, func(ctx context.Context) (bool, error) {
		_, err := b.client.CoreV1().Pods(ns).Get(ctx, "web-0", metav1.GetOptions{})
		return apierrors.IsNotFound(err), nil
	}))
}
