package disturbances

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// pod draws a pod of one of the suite's sets that nobody has deleted.
func (s *Env) pod(ctx context.Context, chance *rand.Rand) (*corev1.Pod, error) {
	ns, err := s.namespace(ctx, chance)
	if err != nil {
		return nil, err
	}
	list, err := s.Client.CoreV1().Pods(ns).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	var ours []*corev1.Pod
	for i := range list.Items {
		p := &list.Items[i]
		if c := metav1.GetControllerOf(p); c != nil && c.Kind == "StatefulSet" && p.DeletionTimestamp == nil {
			ours = append(ours, p)
		}
	}
	if len(ours) == 0 {
		return nil, fmt.Errorf("namespace %s has no pod of a set just now", ns)
	}
	return ours[chance.IntN(len(ours))], nil
}

// deletePod deletes a pod of a set with those options, as a person or a tool does that knows nothing of the suite.
func deletePod(options metav1.DeleteOptions) action {
	return func(ctx context.Context, s *Env, chance *rand.Rand) error {
		pod, err := s.pod(ctx, chance)
		if err != nil {
			return err
		}
		return s.Client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, options)
	}
}

// evictPod evicts a pod of a set, as a descheduler or a drain does.
func evictPod(ctx context.Context, s *Env, chance *rand.Rand) error {
	pod, err := s.pod(ctx, chance)
	if err != nil {
		return err
	}
	return s.Client.CoreV1().Pods(pod.Namespace).EvictV1(ctx, &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace}})
}

// failPod ends a running pod's phase as its kubelet does under node pressure: Failed, with the reason Evicted and the condition that says so.
func failPod(ctx context.Context, s *Env, chance *rand.Rand) error {
	pod, err := s.pod(ctx, chance)
	if err != nil {
		return err
	}
	if pod.Status.Phase != corev1.PodRunning {
		return fmt.Errorf("pod %s does not run just now", pod.Name)
	}
	patch := `{"status":{"phase":"Failed","reason":"Evicted","message":"The node was low on resource: memory.","conditions":[` +
		`{"type":"DisruptionTarget","status":"True","reason":"TerminationByKubelet","message":"The node was low on resource: memory."}]}}`
	_, err = s.Client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{}, "status")
	return err
}

// deleteClaim deletes the claim of a set's pod; it goes when no pod uses it any more.
func deleteClaim(ctx context.Context, s *Env, chance *rand.Rand) error {
	pod, err := s.pod(ctx, chance)
	if err != nil {
		return err
	}
	for _, v := range pod.Spec.Volumes {
		if v.PersistentVolumeClaim != nil {
			return s.Client.CoreV1().PersistentVolumeClaims(pod.Namespace).Delete(ctx, v.PersistentVolumeClaim.ClaimName, metav1.DeleteOptions{})
		}
	}
	return fmt.Errorf("pod %s has no claim", pod.Name)
}

// deleteSet deletes one of the suite's sets.
func deleteSet(ctx context.Context, s *Env, chance *rand.Rand) error {
	ns, err := s.namespace(ctx, chance)
	if err != nil {
		return err
	}
	sets, err := s.Client.AppsV1().StatefulSets(ns).List(ctx, metav1.ListOptions{})
	if err != nil || len(sets.Items) == 0 {
		return errors.Join(err, errors.New("there is no set just now"))
	}
	return s.Client.AppsV1().StatefulSets(ns).Delete(ctx, sets.Items[chance.IntN(len(sets.Items))].Name, metav1.DeleteOptions{})
}

// limitLate gives a namespace in which the suite is at work a quota that leaves no room for another pod, or takes it back.
func limitLate(ctx context.Context, s *Env, chance *rand.Rand) error {
	ns, err := s.namespace(ctx, chance)
	if err != nil {
		return err
	}
	quotas := s.Client.CoreV1().ResourceQuotas(ns)
	const name = "late"
	err = quotas.Delete(ctx, name, metav1.DeleteOptions{})
	if !apierrors.IsNotFound(err) {
		return err
	}
	_, err = quotas.Create(ctx, &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("1")}},
	}, metav1.CreateOptions{})
	return err
}
