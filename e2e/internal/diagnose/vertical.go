package diagnose

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// vpaAnnotation is what the admission controller of the VerticalPodAutoscaler writes to a pod whose requests or limits it has changed.
const vpaAnnotation = "metadata.annotations[vpaUpdates]"

// updatedByVPA is what that annotation of a pod says, "" where there is none.
func updatedByVPA(p *corev1.Pod) string {
	if p == nil {
		return ""
	}
	return oneLine(p.Annotations["vpaUpdates"])
}

// recommended says of a pod that fits on no node for its requests that an autoscaler has raised them: the template's may fit.
func (v *view) recommended(p *corev1.Pod, f Finding) Finding {
	said := updatedByVPA(p)
	if said == "" || f.Cause != byResources {
		return f
	}
	var raised []string
	for i := range p.Spec.Containers {
		c := &p.Spec.Containers[i]
		own := specOf(v.set.Spec.Template.Spec.Containers, c.Name)
		for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
			asks, has := c.Resources.Requests[name]
			if wants, declared := own.Resources.Requests[name]; !has || asks.Cmp(wants) <= 0 {
				continue
			} else if declared {
				raised = append(raised, fmt.Sprintf("%s %s instead of %s", name, asks.String(), wants.String()))
			} else {
				raised = append(raised, fmt.Sprintf("%s %s instead of none", name, asks.String()))
			}
		}
	}
	if len(raised) == 0 {
		return f
	}
	slices.Sort(raised)
	f.What += "; its requests are not those of the set's template: a VerticalPodAutoscaler has raised them (" + strings.Join(raised, ", ") + ")"
	f.Evidence = append(f.Evidence, Evidence{v.ref("pod", p.Name), vpaAnnotation, said})
	f.Why = "the autoscaler recommends what the program has used, and knows no node's size unless it is told a bound"
	f.Do = append([]string{"give its resourcePolicy a maxAllowed that fits on a node beside what else runs there; until then updateMode Off, and delete the pod: it is then made with the template's requests"}, f.Do...)
	return f
}

// limitFromVPA says of a container that its limit of memory ended that an autoscaler has lowered it, and reports whether that is so.
func (v *view) limitFromVPA(p *corev1.Pod, f *Finding) bool {
	said := updatedByVPA(p)
	if said == "" {
		return false
	}
	for _, c := range p.Spec.Containers {
		has, limited := c.Resources.Limits[corev1.ResourceMemory]
		wants, declared := specOf(v.set.Spec.Template.Spec.Containers, c.Name).Resources.Limits[corev1.ResourceMemory]
		if !limited || !declared || has.Cmp(wants) >= 0 || !contains(f.What)("container "+c.Name+" ") {
			continue
		}
		f.What += fmt.Sprintf("; a VerticalPodAutoscaler has lowered it from the %s of the set's template", wants.String())
		f.Evidence = append(f.Evidence, Evidence{v.ref("pod", p.Name), vpaAnnotation, said})
		f.Why = "the autoscaler keeps the proportion of limit to request that the template has, and has lowered the request to what the program had used"
		f.Do = []string{"give its resourcePolicy a minAllowed, or controlledValues: RequestsOnly, so that it leaves limits alone; raising the limit in the set's template alone raises the proportion only"}
		return true
	}
	return false
}
