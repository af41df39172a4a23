package diagnose

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// usedBy are the pods that the attach controller names as those that have a volume.
var usedBy = regexp.MustCompile(`already used by pod\(s\) (.+?)(?: and \d+ pod\(s\).*)?$`)

// attached is a pod whose volume is attached to another node: why it is not detached from there depends on who has it.
func (v *view) attached(l podInspector, e *corev1.Event) *Finding {
	f := &Finding{
		Cause: "volume-attached-elsewhere", Area: Storage, Object: l.pod, Seen: l.seen, What: "waits for a volume that is still attached to another node",
		Evidence: []Evidence{eventEvidence(e)}, Look: []string{describe(l.pod), "kubectl get volumeattachments"},
		Why: "a pod that used the volume still exists on the other node, or that node is lost, or the driver has not detached it yet",
		Do:  []string{"see whether the other node runs; once it is really off, the taint node.kubernetes.io/out-of-service frees its volumes"},
	}
	holder := v.holder(l.p, e)
	if holder == nil {
		return f
	}
	node := holder.Spec.NodeName
	pod := v.ref("pod", holder.Name)
	if lost, is := v.nodeTrouble(node); is {
		lost.Seen = fmt.Sprintf("%s, and waits for a volume that pod %s has on node %s", l.seen, holder.Name, node)
		lost.Evidence = append(lost.Evidence, f.Evidence...)
		lost.Path = []Ref{pod}
		return lost
	}
	f.Evidence = append(f.Evidence, Evidence{pod, "spec.nodeName", node})
	f.What += fmt.Sprintf(": pod %s on node %s has it", holder.Name, node)
	f.Why = "a volume like this can be used on one node at a time"
	f.Do = []string{"see whether pod " + holder.Name + " is meant to use the volume; it is free once that pod has ended"}
	if holder.DeletionTimestamp != nil {
		f.What += ", and is being deleted"
		f.Do = []string{"wait until it has ended; if it does not, see what holds it"}
	}
	for _, name := range ClaimNames(l.p) {
		c := v.claim(name)
		if c == nil || !slices.Contains(ClaimNames(holder), name) || holder.DeletionTimestamp != nil {
			continue
		}
		f.Cause, f.Object, f.Path = "claim-shared", v.ref("persistentvolumeclaim", name), []Ref{v.ref("persistentvolumeclaim", name)}
		f.What = fmt.Sprintf("can be used on one node at a time (%s), pod %s uses it on node %s, and pod %s is on node %s", modesText(c.Spec.AccessModes), holder.Name, node, l.p.Name, l.p.Spec.NodeName)
		f.Evidence = append(f.Evidence, Evidence{f.Object, "spec.accessModes", modesText(c.Spec.AccessModes)})
		f.Why = "several pods name the same claim"
		f.Do = []string{
			"give each pod a claim of its own (volumeClaimTemplates instead of a claim in the template's volumes)",
			"or use a class whose volumes can be shared (ReadWriteMany), or keep these pods on one node",
		}
		return f
	}
	return f
}

// attacherSilent is what the attach controller says where the part of a CSI driver that attaches volumes does not answer.
var attacherSilent = regexp.MustCompile(`timed out waiting for external-attacher of (\S+) CSI driver`)

// notAttached is a volume that cannot be attached to the pod's node for another reason than that it is attached to a node, nil if the words are none
// that are known.
func (v *view) notAttached(l podInspector, e *corev1.Event) *Finding {
	if e.Reason != "FailedAttachVolume" {
		return nil
	}
	node, message := l.p.Spec.NodeName, oneLine(e.Message)
	f := &Finding{Area: Storage, Object: l.pod, Seen: l.seen, Evidence: []Evidence{eventEvidence(e)}, Look: []string{"kubectl get volumeattachments", describe(l.pod)}}
	switch has := contains(strings.ToLower(message)); {
	case attacherSilent.MatchString(message):
		driver := attacherSilent.FindStringSubmatch(message)[1]
		f.Cause, f.What = "attacher-down", fmt.Sprintf("waits for a volume that nobody attaches: the controller of driver %s does not answer", driver)
		f.Why = "the part of the driver that attaches volumes (external-attacher, in the pod of its controller) does not run, hangs, or cannot reach the storage"
		f.Do = []string{"see whether the pods of the driver's controller are Ready, and their logs; a driver that attaches nothing says so in its CSIDriver (attachRequired: false)"}
		f.Look = append(f.Look, "kubectl get csidriver "+driver+" -o yaml")
	case has("attachment limit", "attach limit", "maximum number of", "too many volumes", "resourceexhausted", "max data disks", "more data disks"):
		f.Cause, f.Object = "volume-limit", clusterRef("node", node)
		f.What = fmt.Sprintf("cannot have another volume attached, and pod %s was given it: %s", l.p.Name, message)
		f.Why = "the node has as many volumes as its machine may have, and the scheduler did not know: the driver's count of them (CSINode) is too high, or other disks are attached"
		f.Do = []string{"cordon the node and delete the pod, which is then placed elsewhere; have the driver count less for such machines", "or detach from the machine what nothing uses"}
		f.Look = append(f.Look, getYAML(clusterRef("csinode", node)))
	case has("attachment is being deleted"):
		f.Cause, f.What = "detaching", "waits for a volume whose earlier attachment to its node is still being taken away: "+message
		f.Why = "the driver has not finished detaching it, or its controller does not run"
		f.Do = []string{"see whether the pods of the driver's controller are Ready, and their logs: it tries again by itself"}
	case has("code = notfound", "volume not found", "volumenotfound", "diskblob not found") && !has("node", "instance"):
		f.Cause, f.What = "volume-gone", "needs a volume that the storage does not have any more: "+message
		f.Why = "the disk behind the volume was deleted, or the cluster's account does not see it"
		f.Do = []string{"restore the disk under its identifier (the volume's spec names it), or delete claim and pod to start from an empty one"}
	default:
		return nil
	}
	return f
}

// holder is the pod that has a volume on another node, as the attach controller says; nil if it names none that was read.
func (v *view) holder(p *corev1.Pod, e *corev1.Event) *corev1.Pod {
	m := usedBy.FindStringSubmatch(oneLine(e.Message))
	if m == nil {
		return nil
	}
	for name := range strings.SplitSeq(m[1], ", ") {
		if q := v.pod(name); q != nil && q.Name != p.Name && q.Spec.NodeName != "" && q.Spec.NodeName != p.Spec.NodeName {
			return q
		}
	}
	return nil
}
