package preflight

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// probeClaim is the name of the claim template of a probe's set.
const probeClaim = "probe"

// probeMount is where its pods have the volume.
const probeMount = "/probe"

// claim is a claim of the least size that specs ask for, with the run's StorageClass and size.
func (p *prober) claim(namespace string) *corev1.PersistentVolumeClaim {
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: probeClaim, Namespace: namespace},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(runconfig.SmallestClaim)}},
		},
	}
	p.settings.ApplyToClaims(claim)
	return claim
}

// claimProblem says why a pod that did not start has no volume, nil if something else may be the cause.
func (p *prober) claimProblem(ctx context.Context, pod *corev1.Pod) *Problem {
	list, err := p.client.CoreV1().PersistentVolumeClaims(pod.Namespace).List(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, probeClaim+"-"+pod.Name).String(),
	})
	if err != nil || len(list.Items) != 1 || list.Items[0].Status.Phase == corev1.ClaimBound {
		return nil
	}
	claim := list.Items[0]
	warning := p.lastWarning(ctx, "PersistentVolumeClaim", &claim)
	// Volumes of many classes are made only for a pod that has a node.
	unscheduled := slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodScheduled && c.Status != corev1.ConditionTrue && c.Message != "" && !strings.Contains(c.Message, "PersistentVolumeClaim")
	})
	if warning == "" && unscheduled {
		return nil
	}
	size := claim.Spec.Resources.Requests[corev1.ResourceStorage]
	return &Problem{Text: oneLine(fmt.Sprintf("claims: expected one of %s and class %q to be Bound within %v, found it %s: %s; ask for more with CLAIM_SIZE= where the storage has a least size, "+
		"name another class with STORAGE_CLASS=, or give it more time with LIMITS=claim-bound=5m", size.String(), p.settings.Facts.StorageClass, p.settings.Limits.ClaimBound,
		cmp.Or(claim.Status.Phase, corev1.ClaimPending), cmp.Or(warning, "no event says why")))}
}

// lastWarning returns the newest warning among an object's events, "" if there is none or the account may not list them.
func (p *prober) lastWarning(ctx context.Context, kind string, o metav1.Object) string {
	warnings := p.events(ctx, o.GetNamespace(), fields.Set{"involvedObject.kind": kind, "involvedObject.name": o.GetName(), "type": corev1.EventTypeWarning})
	if len(warnings) == 0 {
		return ""
	}
	at := func(e corev1.Event) int64 {
		return max(e.LastTimestamp.Unix(), e.EventTime.Unix(), e.CreationTimestamp.Unix())
	}
	last := slices.MaxFunc(warnings, func(a, b corev1.Event) int { return cmp.Compare(at(a), at(b)) })
	return last.Reason + ": " + last.Message
}

// events returns the events of a namespace that fields select, none if the account may not list them.
func (p *prober) events(ctx context.Context, namespace string, of fields.Set) []corev1.Event {
	list, err := p.client.CoreV1().Events(namespace).List(ctx, metav1.ListOptions{FieldSelector: of.String()})
	if err != nil {
		return nil
	}
	return list.Items
}

// withoutProbes takes what the probe's pod, its claim, or its set, uses of a quota off what a spec needs. The pod is the first of those that are like a spec's.
func (p *prober) withoutProbes(pp podProbe, need map[corev1.ResourceName]resource.Quantity, namespace string, like ...*corev1.Pod) {
	one := resource.MustParse("1")
	uses := map[corev1.ResourceName]resource.Quantity{corev1.ResourcePods: one, "count/pods": one}
	if len(like) > 0 {
		maps.Copy(uses, compute(like[0]))
	}
	if pp.claim {
		uses[corev1.ResourcePersistentVolumeClaims], uses["count/persistentvolumeclaims"] = one, one
		uses[corev1.ResourceRequestsStorage] = p.claim(namespace).Spec.Resources.Requests[corev1.ResourceStorage]
	}
	if pp.byController {
		for _, name := range []corev1.ResourceName{
			corev1.ResourceServices, "count/services", "count/statefulsets.apps", "count/controllerrevisions.apps", "count/endpointslices.discovery.k8s.io",
		} {
			uses[name] = one
		}
	}
	for name, held := range uses {
		left := need[name]
		left.Sub(held)
		need[name] = left
	}
}
