package preflight

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

// What one spec's namespace holds at most of each kind, as recorded histories show: pods of which some are still ending, sets without pods, and the revisions of
// those. few are claims, services and budgets, and containers are of pods with two.
const pods, sets, revisions, few, containers = 10, 20, 40, 5, 12

// Needs is as much as one spec's namespace ever holds, by the resource names of quotas, where claims ask for claimSize or more if it is not nil, and
// pods for as much as these do. The cluster tenant of the matrix has quotas of exactly that, so that a spec which needs more shows there.
func Needs(claimSize *resource.Quantity, like ...*corev1.Pod) map[corev1.ResourceName]resource.Quantity {
	storage := resource.MustParse("256Mi")
	if claimSize != nil {
		storage.Add(times(few, *claimSize))
	}
	out := map[corev1.ResourceName]resource.Quantity{corev1.ResourceRequestsStorage: storage}
	for name, n := range map[corev1.ResourceName]int64{
		corev1.ResourcePods: pods, "count/pods": pods, "count/statefulsets.apps": sets, "count/controllerrevisions.apps": revisions,
		corev1.ResourceServices: few, "count/services": few, corev1.ResourcePersistentVolumeClaims: few, "count/persistentvolumeclaims": few,
		"count/endpointslices.discovery.k8s.io": few,
		corev1.ResourceConfigMaps:               1, "count/configmaps": 1, "count/poddisruptionbudgets.policy": few,
	} {
		out[name] = *resource.NewQuantity(n, resource.DecimalSI)
	}
	for _, pod := range like {
		for name, one := range compute(pod) {
			if all := times(containers, one); all.Cmp(out[name]) > 0 {
				out[name] = all
			}
		}
	}
	return out
}

// times returns n times as much.
func times(n int, one resource.Quantity) resource.Quantity {
	sum := one.DeepCopy()
	for range n - 1 {
		sum.Add(one)
	}
	return sum
}

// compute is what a pod asks for, by the resource names of quotas.
func compute(pod *corev1.Pod) corev1.ResourceList {
	out := corev1.ResourceList{}
	add := func(prefix string, list corev1.ResourceList) {
		for name, one := range list {
			sum := out[corev1.ResourceName(prefix)+name]
			sum.Add(one)
			out[corev1.ResourceName(prefix)+name] = sum
		}
	}
	for _, c := range pod.Spec.Containers {
		add("", c.Resources.Requests)
		add("requests.", c.Resources.Requests)
		add("limits.", c.Resources.Limits)
	}
	return out
}

// quotaFollows is how long a quota may count what has just been removed.
const quotaFollows = 15 * time.Second

// quotas returns the quotas of a namespace that leave no room for a spec whose pods are like these.
func (p *prober) quotas(ctx context.Context, pp podProbe, namespace string, like []*corev1.Pod) (problems []Problem) {
	need := Needs(p.settings.ClaimSize, like...)
	p.withoutProbes(pp, need, namespace, like...)
	_ = wait.PollUntilContextTimeout(ctx, time.Second, quotaFollows, true, func(ctx context.Context) (bool, error) {
		found := p.tight(ctx, namespace, need)
		if ctx.Err() == nil { // else what was found before counts
			problems = found
		}
		return len(problems) == 0, nil
	})
	return problems
}

// tight returns the quotas of a namespace that leave less than is needed, or why they could not be read.
func (p *prober) tight(ctx context.Context, namespace string, need map[corev1.ResourceName]resource.Quantity) []Problem {
	list, err := p.client.CoreV1().ResourceQuotas(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return []Problem{{Text: oneLine(fmt.Sprintf("quota: expected a list of the quotas of namespace %s, found: %v", namespace, err))}}
	}
	return checkQuotas(list.Items, p.settings.Facts.StorageClass, need)
}

// checkQuotas compares what quotas leave, in all or for one StorageClass, with what a spec needs.
func checkQuotas(quotas []corev1.ResourceQuota, class string, need map[corev1.ResourceName]resource.Quantity) []Problem {
	var problems []Problem
	for _, q := range quotas {
		for _, name := range slices.Sorted(maps.Keys(q.Status.Hard)) {
			wanted, known := need[corev1.ResourceName(strings.TrimPrefix(string(name), class+".storageclass.storage.k8s.io/"))]
			if !known {
				continue
			}
			left := q.Status.Hard[name].DeepCopy()
			left.Sub(q.Status.Used[name])
			if left.Cmp(wanted) < 0 {
				problems = append(problems, Problem{Text: fmt.Sprintf("quota: expected quota %s of namespace %s to leave %s %s, found it leaves %s; raise it",
					q.Name, q.Namespace, wanted.String(), name, left.String())})
			}
		}
	}
	return problems
}
