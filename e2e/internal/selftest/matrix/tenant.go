package matrix

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// tenants is how many namespaces somebody else has made.
const tenants = 10

// roomy is a quota with room for what a spec has, of everything that the suite counts.
func roomy() corev1.ResourceList {
	return corev1.ResourceList{
		corev1.ResourcePods: resource.MustParse("12"), corev1.ResourceServices: resource.MustParse("6"),
		corev1.ResourcePersistentVolumeClaims: resource.MustParse("16"), corev1.ResourceRequestsStorage: resource.MustParse("4Gi"),
		corev1.ResourceRequestsCPU: resource.MustParse("1"), corev1.ResourceRequestsMemory: resource.MustParse("1Gi"), corev1.ResourceLimitsMemory: resource.MustParse("4Gi"),
		"count/statefulsets.apps": resource.MustParse("6"),
	}
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
