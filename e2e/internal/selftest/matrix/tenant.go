package matrix

import (
	"context"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/preflight"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// tenants is how many namespaces somebody else has made.
const tenants = 10

// exact is a quota with room for what preflight says that a spec needs, and no more.
func exact() corev1.ResourceList {
	pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Resources: corev1.ResourceRequirements{
		Requests: limits().Spec.Limits[0].DefaultRequest, Limits: limits().Spec.Limits[0].Default,
	}}}}}
	quota := corev1.ResourceList{}
	maps.Copy(quota, preflight.Needs(nil, pod))
	// Every namespace has one already, with the certificate of the API server.
	for _, name := range []corev1.ResourceName{corev1.ResourceConfigMaps, "count/configmaps"} {
		has := quota[name]
		has.Add(resource.MustParse("1"))
		quota[name] = has
	}
	return quota
}

// narrow is a quota without room for a spec.
func narrow() corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourcePods: resource.MustParse("2")}
}

// tenant makes namespaces with a quota and a LimitRange each, and has the run use them.
func tenant(quota corev1.ResourceList) func(context.Context, *On) error {
	return func(ctx context.Context, on *On) error {
		for i := range tenants {
			name := fmt.Sprintf("tenant-%d", i)
			namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{runconfig.PodSecurityLabel: "baseline"}}}
			if _, err := on.client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
				return err
			}
			_, err := on.client.CoreV1().ResourceQuotas(name).Create(ctx, &corev1.ResourceQuota{
				ObjectMeta: metav1.ObjectMeta{Name: "tenant"}, Spec: corev1.ResourceQuotaSpec{Hard: quota},
			}, metav1.CreateOptions{})
			if err != nil {
				return err
			}
			if _, err := on.client.CoreV1().LimitRanges(name).Create(ctx, limits(), metav1.CreateOptions{}); err != nil {
				return err
			}
			on.Settings.Namespaces = append(on.Settings.Namespaces, name)
		}
		return nil
	}
}

// limits is what a tenant's containers get that ask for nothing, and what its claims must at least ask for.
func limits() *corev1.LimitRange {
	return &corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Name: "tenant"}, Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{{
		Type:           corev1.LimitTypeContainer,
		Default:        corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("64Mi")},
		DefaultRequest: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("5m"), corev1.ResourceMemory: resource.MustParse("16Mi")},
	}, {
		Type: corev1.LimitTypePersistentVolumeClaim,
		Min:  corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Mi")}, Max: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")},
	}}}}
}
