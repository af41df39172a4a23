package diagnose

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// autoscaled says of a pod without a node what an autoscaler of nodes says: that it adds one, or why it does not. A node that has just joined is
// not ready yet, which is no trouble.
func (v *view) autoscaled(p *corev1.Pod, f Finding) Finding {
	const joins = 5 * time.Minute
	if n := v.node(f.Object.Name); f.Cause == byCondition && n != nil && !n.CreationTimestamp.IsZero() && v.now.Sub(n.CreationTimestamp.Time) < joins {
		f.Cause = Note
		f.Evidence = append(f.Evidence, Evidence{f.Object, "metadata.creationTimestamp", v.ago(n.CreationTimestamp.Time) + " ago"})
		f.Why, f.Do = "the node has just joined the cluster", []string{"wait, and ask again"}
		return f
	}
	e := v.newest("Pod", p.Name, p.UID, "TriggeredScaleUp", "NotTriggerScaleUp", "Nominated")
	if e == nil {
		return f
	}
	f.Evidence = append(f.Evidence, eventEvidence(e))
	if e.Reason == "NotTriggerScaleUp" {
		f.Do = append([]string{"the autoscaler adds no node for it, and says why (above): raise what is at its limit, or have a group of nodes that fits the pod"}, f.Do...)
		return f
	}
	if help := []Cause{byResources, byPort, byTaint, byCondition, byCordon, "pod-anti-affinity", "existing-anti-affinity", "topology-spread", "volume-limit"}; slices.Contains(help, f.Cause) {
		f.What += fmt.Sprintf("; the autoscaler has been adding a node for %s", v.ago(at(e)))
		f.Do = append([]string{"see whether the node that the autoscaler adds joins the cluster"}, f.Do...)
		if v.now.Sub(at(e)) < joins {
			f.Cause, f.Do = Note, []string{"wait, and ask again"}
		}
	}
	return f
}
