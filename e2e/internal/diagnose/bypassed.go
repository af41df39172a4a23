package diagnose

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// misplaced is a claim that waits for a node which it cannot get: the one that was chosen for it is gone, or the scheduler, which chooses it, is
// not asked; nil if neither is so.
func (v *view) misplaced(p *corev1.Pod, c *corev1.PersistentVolumeClaim) *Finding {
	if c == nil || c.DeletionTimestamp != nil || c.Status.Phase == corev1.ClaimBound || c.Spec.VolumeName != "" || c.Spec.StorageClassName == nil {
		return nil
	}
	class := v.class(*c.Spec.StorageClassName)
	if class == nil || !firstConsumer(class) {
		return nil
	}
	claim, node := v.ref("persistentvolumeclaim", c.Name), c.Annotations[selectedNode]
	f := &Finding{
		Area: Storage, Object: claim, Path: []Ref{claim}, Seen: fmt.Sprintf("%s, because its claim %s is not bound", v.podSeen(p), c.Name),
		Evidence: []Evidence{{claim, claimCondition, string(c.Status.Phase)}}, Look: []string{describe(claim), "kubectl get nodes"},
	}
	switch {
	case node != "" && p.Spec.NodeName == "" && v.unread("nodes") == "" && len(v.s.Nodes) > 0 && v.node(node) == nil:
		f.Cause = "selected-node-gone"
		f.What = fmt.Sprintf("is to have its volume made for node %s, which does not exist any more: pod %s may go nowhere else", node, p.Name)
		f.Evidence = append(f.Evidence, Evidence{claim, "metadata.annotations[" + selectedNode + "]", node})
		f.Why = "the scheduler chose that node and wrote it into the claim, and the node went before the volume was made"
		f.Do = []string{"take the choice back, which loses nothing: " + kubectl(claim, "annotate pvc %s %s-", c.Name, selectedNode)}
	case node == "" && p.Spec.NodeName != "":
		f.Cause = "scheduler-bypassed"
		f.What = fmt.Sprintf("waits until the scheduler chooses a node for its pod, and pod %s was given node %s without it", p.Name, p.Spec.NodeName)
		f.Evidence = append(f.Evidence, Evidence{v.ref("pod", p.Name), "spec.nodeName", p.Spec.NodeName}, Evidence{clusterRef("storageclass", class.Name), "volumeBindingMode", string(*class.VolumeBindingMode)})
		f.Why = "a class with WaitForFirstConsumer makes the volume when the scheduler chooses a node; it never sees a pod that has one"
		f.Do = []string{"see who gives the pod its node, and have that done through the scheduler (nodeSelector kubernetes.io/hostname)"}
		if v.set.Spec.Template.Spec.NodeName != "" {
			f.What += " (nodeName in the set's template)"
			f.Do = []string{"replace nodeName in the set's template with nodeSelector kubernetes.io/hostname, and delete the pod"}
		}
	default:
		return nil
	}
	return f
}
