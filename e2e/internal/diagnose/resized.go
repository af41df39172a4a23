package diagnose

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// resizes follows pods whose resources were changed in place, which their nodes have not done.
func (v *view) resizes() []Finding {
	var found []Finding
	for i := range v.s.Pods {
		p := &v.s.Pods[i]
		if !v.controls(p) || p.DeletionTimestamp != nil {
			continue
		}
		if f := v.resized(p); f != nil {
			found = append(found, *f)
		}
	}
	return found
}

// resized is a pod that has not got the resources it was given, nil if it has, or has not been waiting for long. The kubelet says which of three
// it is: its node can never do it, cannot do it now, or has failed at it.
func (v *view) resized(p *corev1.Pod) *Finding {
	pod, node := v.ref("pod", p.Name), p.Spec.NodeName
	f := &Finding{
		Area: Node, Object: pod, Path: []Ref{v.setRef(), pod}, Seen: "pod " + p.Name + " goes on with the resources that it had",
		Look: []string{kubectl(pod, "get pod %s -o jsonpath='{.spec.containers[*].resources}{.status.containerStatuses[*].resources}'", p.Name), describe(clusterRef("node", node))},
	}
	const anew = "the set's template keeps what it says: a pod that is made anew has the template's resources, so change them there as well"
	pending, going := condition(p, corev1.PodResizePending), condition(p, corev1.PodResizeInProgress)
	switch {
	case pending != nil && pending.Status == corev1.ConditionTrue && pending.Reason == corev1.PodReasonInfeasible:
		f.Cause, f.What = "resize-infeasible", fmt.Sprintf("was given other resources in place, which node %s can never provide: %s", node, oneLine(pending.Message))
		f.Evidence = []Evidence{{pod, "status.conditions[PodResizePending]", shown(pending)}}
		f.Do = []string{"ask for what the node has (kubectl edit pod --subresource resize), or have the set's template ask for it, so that the scheduler chooses a node", anew}
	case pending != nil && pending.Status == corev1.ConditionTrue:
		f.Cause, f.What = "resize-deferred", fmt.Sprintf("was given more resources in place, which node %s does not have left now: %s", node, oneLine(pending.Message))
		f.Evidence = []Evidence{{pod, "status.conditions[PodResizePending]", shown(pending)}}
		f.Do = []string{"make room on the node: the kubelet tries again when pods go", "or have the set's template ask for it, so that the scheduler chooses a node with room", anew}
		if v.now.Sub(pending.LastTransitionTime.Time) < patience {
			f.Cause = Note
		}
	case going != nil && going.Status == corev1.ConditionTrue && going.Reason == corev1.PodReasonError:
		f.Cause, f.What = "resize-fails", fmt.Sprintf("was given other resources in place, which node %s fails to apply: %s", node, oneLine(going.Message))
		f.Evidence = []Evidence{{pod, "status.conditions[PodResizeInProgress]", shown(going)}}
		f.Do = []string{"read the kubelet's message above: a limit of memory below what is in use is not applied; it tries again by itself", anew}
	default:
		return nil
	}
	return f
}
