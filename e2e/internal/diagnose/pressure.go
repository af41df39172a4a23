package diagnose

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// troubles are conditions of a node under which its pods run on and are in danger, and what may become of them. The last ones are set by the
// node-problem-detector.
func troubles() []struct {
	kind   corev1.NodeConditionType
	danger string
} {
	return []struct {
		kind   corev1.NodeConditionType
		danger string
	}{
		{corev1.NodeMemoryPressure, "the kubelet evicts pods until it has passed, those first that use more than they request; none without requests is placed there"},
		{corev1.NodeDiskPressure, "the kubelet deletes images and evicts pods until it has passed; no other pod is placed there"},
		{corev1.NodePIDPressure, "programs on it cannot start others, and the kubelet evicts pods"},
		{corev1.NodeNetworkUnavailable, "its network is not set up: pods on it may not be reached"},
		{"ReadonlyFilesystem", "a file system of the node has become read-only: what its pods write there is lost"},
		{"KernelDeadlock", "the node's kernel hangs: pods on it may neither run on nor end"},
	}
}

// pressed follows nodes on which pods of the set run and which say that they are in trouble, though they are Ready.
func (v *view) pressed(pods []Finding) []Finding {
	if v.unread("nodes") != "" {
		return nil
	}
	var found []Finding
	var seen []string
	for i := range v.s.Pods {
		at := v.s.Pods[i].Spec.NodeName
		n := v.node(at)
		if n == nil || !v.controls(&v.s.Pods[i]) || slices.Contains(seen, at) || slices.ContainsFunc(pods, func(f Finding) bool { return f.Object == clusterRef("node", at) }) {
			continue
		}
		seen = append(seen, at)
		if _, lost := v.nodeTrouble(at); lost {
			continue
		}
		var on []string
		for j := range v.s.Pods {
			if p := &v.s.Pods[j]; v.controls(p) && p.Spec.NodeName == at {
				on = append(on, p.Name)
			}
		}
		for _, t := range troubles() {
			k := slices.IndexFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool { return c.Type == t.kind && c.Status == corev1.ConditionTrue })
			if k < 0 {
				continue
			}
			c, node := &n.Status.Conditions[k], clusterRef("node", at)
			found = append(found, Finding{
				Cause: "node-in-danger", Area: Node, Object: node, Path: []Ref{v.setRef(), v.ref("pod", on[0]), node},
				What:     fmt.Sprintf("is in %s, with %s of the set on it: %s", t.kind, list(on), firstOf(oneLine(c.Message), c.Reason)),
				Seen:     fmt.Sprintf("the node is Ready, and has been in this state for %s", v.ago(c.LastTransitionTime.Time)),
				Evidence: []Evidence{{node, "status.conditions[" + string(c.Type) + "]", oneLine(string(c.Status) + " " + c.Reason + ": " + c.Message)}},
				Why:      t.danger,
				Do:       []string{"see what uses up node " + at + " (kubectl describe node, kubectl top pods -A), and end or move that", "to save the set's pods: cordon the node, and delete them one after another, if their volumes can be used elsewhere"},
				Look:     []string{describe(node), podsOn(at)},
			})
		}
	}
	return found
}

// together is the note that all pods of a set run on one node, though there are others; nil if it is not so.
func (v *view) together() *Finding {
	at := ""
	var names []string
	for i := range v.s.Pods {
		p := &v.s.Pods[i]
		if !v.controls(p) {
			continue
		}
		if p.Spec.NodeName == "" || !isReady(p) || at != "" && p.Spec.NodeName != at {
			return nil
		}
		at = p.Spec.NodeName
		names = append(names, p.Name)
	}
	other := slices.IndexFunc(v.s.Nodes, func(n corev1.Node) bool { return n.Name != at && TakesPods(&n) })
	if len(names) < 2 || len(names) < v.replicas() || other < 0 {
		return nil
	}
	set, node := v.setRef(), clusterRef("node", at)
	f := &Finding{
		Cause: Note, Area: Scheduling, Object: set, Path: []Ref{set, node},
		What:     fmt.Sprintf("has all of its %d pods on node %s: what becomes of that node becomes of all of them", len(names), at),
		Seen:     "all of its pods are Ready, and there are other nodes",
		Evidence: []Evidence{{v.ref("pod", names[0]), "spec.nodeName, as of all others", at}, {clusterRef("node", v.s.Nodes[other].Name), "spec.unschedulable", "false"}},
		Why:      "the scheduler spreads pods by preference only, unless the template asks for it",
		Do:       []string{"to keep them apart: topologySpreadConstraints with topologyKey kubernetes.io/hostname in the set's template; pods whose volumes are of one node stay there until their claims are made anew"},
		Look:     []string{kubectl(set, "get pods -o wide")},
	}
	if rule := v.misses(); rule != "" {
		f.What, f.Why = fmt.Sprintf("has all of its %d pods on node %s, though its template has %s", len(names), at, rule), "a rule concerns the pods that its labelSelector matches, and no others"
		f.Do = []string{"if the rule is to keep the set's own pods apart: make its labelSelector equal to labels of theirs (" + labels.Set(v.set.Spec.Template.Labels).String() + ")"}
	}
	if selector := v.set.Spec.Template.Spec.NodeSelector; len(selector) > 0 {
		f.Why = "the template's nodeSelector may leave them no other"
		f.Evidence = append(f.Evidence, Evidence{set, "spec.template.spec.nodeSelector", fmt.Sprint(selector)})
	}
	return f
}

// misses is a rule of the set's template that spreads pods over nodes or keeps them apart, and whose selector does not match the set's own; "" if there is none.
func (v *view) misses() string {
	spec, own := &v.set.Spec.Template.Spec, labels.Set(v.set.Spec.Template.Labels)
	missed := func(selector *metav1.LabelSelector) bool {
		s, err := metav1.LabelSelectorAsSelector(selector)
		return err == nil && !s.Matches(own)
	}
	for _, c := range spec.TopologySpreadConstraints {
		if missed(c.LabelSelector) {
			return fmt.Sprintf("a topologySpreadConstraint over %s: that counts pods with %s, which the set's do not have", c.TopologyKey, metav1.FormatLabelSelector(c.LabelSelector))
		}
	}
	if spec.Affinity == nil || spec.Affinity.PodAntiAffinity == nil {
		return ""
	}
	rules := slices.Clone(spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution)
	for _, w := range spec.Affinity.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution {
		rules = append(rules, w.PodAffinityTerm)
	}
	for _, t := range rules {
		if missed(t.LabelSelector) {
			return fmt.Sprintf("a podAntiAffinity by %s: that keeps them away from pods with %s, which the set's do not have", t.TopologyKey, metav1.FormatLabelSelector(t.LabelSelector))
		}
	}
	return ""
}

// TakesPods reports whether a node takes pods that tolerate nothing.
func TakesPods(n *corev1.Node) bool {
	ready := slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
	return ready && !n.Spec.Unschedulable && !slices.ContainsFunc(n.Spec.Taints, func(t corev1.Taint) bool { return t.Effect != corev1.TaintEffectPreferNoSchedule })
}
