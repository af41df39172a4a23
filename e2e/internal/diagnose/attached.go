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
