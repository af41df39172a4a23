package diagnose

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// besides says which pods a pod has to be with, or to keep away from, by the rules that it must keep; "" if it has none.
func besides(p *corev1.Pod, cause Cause) string {
	a := p.Spec.Affinity
	switch {
	case a == nil:
	case cause == "pod-affinity" && a.PodAffinity != nil:
		return rulesText("; it has to be with ", a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution)
	case cause == "pod-anti-affinity" && a.PodAntiAffinity != nil:
		return rulesText("; it keeps away from ", a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution)
	}
	return ""
}

func rulesText(verb string, terms []corev1.PodAffinityTerm) string {
	var texts []string
	for _, t := range terms {
		text := fmt.Sprintf("pods with %s in the same %s", metav1.FormatLabelSelector(t.LabelSelector), t.TopologyKey)
		switch {
		case len(t.Namespaces) > 0:
			text += ", of the namespaces " + list(slices.Clone(t.Namespaces))
		case t.NamespaceSelector != nil:
			text += ", of the namespaces with " + metav1.FormatLabelSelector(t.NamespaceSelector)
		}
		texts = append(texts, text)
	}
	if len(texts) == 0 {
		return ""
	}
	return verb + strings.Join(texts, ", and ")
}

// KeepsAway are the rules of a pod that runs which keep another away from it. Rules for namespaces by their labels, which are not read, are not among
// them, unless they are for all.
func KeepsAway(p, other *corev1.Pod) []KeepAway {
	if p.Spec.Affinity == nil || p.Spec.Affinity.PodAntiAffinity == nil {
		return nil
	}
	var out []KeepAway
	for _, t := range p.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution {
		selector, err := metav1.LabelSelectorAsSelector(t.LabelSelector)
		there := slices.Contains(t.Namespaces, other.Namespace) || t.NamespaceSelector != nil && len(t.NamespaceSelector.MatchLabels)+len(t.NamespaceSelector.MatchExpressions) == 0 ||
			len(t.Namespaces) == 0 && t.NamespaceSelector == nil && p.Namespace == other.Namespace
		if rule := (KeepAway{p.Namespace + "/" + p.Name, metav1.FormatLabelSelector(t.LabelSelector), t.TopologyKey}); err == nil && there && selector.Matches(labels.Set(other.Labels)) {
			out = append(out, rule)
		}
	}
	return out
}

// keptAway names the pods whose own rules keep one away, the first few of them.
func (v *view) keptAway(f *Finding) {
	const most = 5
	var names []string
	rule := KeepAway{}
	for _, u := range v.s.Usage {
		for _, k := range u.KeepAway {
			if slices.Contains(names, k.Pod) {
				continue
			}
			if names = append(names, k.Pod); len(names) <= most {
				namespace, name, _ := strings.Cut(k.Pod, "/")
				f.Evidence = append(f.Evidence, Evidence{
					Ref{Kind: "pod", Namespace: namespace, Name: name}, "spec.affinity.podAntiAffinity", fmt.Sprintf("%s by %s, on node %s", k.Selector, k.TopologyKey, u.Node),
				})
				rule = k
			}
		}
	}
	if len(names) == 0 {
		return
	}
	who, verb := list(names[:min(len(names), most)]), "keep"
	switch {
	case len(names) == 1:
		verb = "keeps"
	case len(names) > most:
		who = fmt.Sprintf("%s (and %d more)", who, len(names)-most)
	}
	f.What += fmt.Sprintf("; %s %s pods with %s away", who, verb, rule.Selector)
	f.Do = []string{"add nodes, or move these pods", "or change their rule, or the labels in the set's template that it matches"}
}

// emptyDomains says which nodes count as domains of a pod's spread over nodes although it may not go there, "" if none do: unless its constraint
// honours taints, a node that it does not tolerate is a domain without pods for ever.
func (v *view) emptyDomains(p *corev1.Pod, nodes []nodeObstacles) string {
	var names []string
	for _, n := range nodes {
		if slices.ContainsFunc(n.all, func(o obstacle) bool { return o.cause == byTaint || o.cause == byCordon || o.cause == byCondition }) {
			names = append(names, n.node)
		}
	}
	for _, c := range p.Spec.TopologySpreadConstraints {
		ignores := c.NodeTaintsPolicy == nil || *c.NodeTaintsPolicy == corev1.NodeInclusionPolicyIgnore
		if few := v.fewDomains(&c, names, ignores); few != "" {
			return few
		}
		if c.WhenUnsatisfiable == corev1.DoNotSchedule && c.TopologyKey == corev1.LabelHostname && ignores && len(names) > 0 {
			return fmt.Sprintf("; it is to spread over all nodes with at most %s of difference (maxSkew), and %s counts as one without pods, though its taints keep the pod away", plural(int(c.MaxSkew), "pod", "pods"), list(names))
		}
	}
	return ""
}

// fewDomains says that a spread asks for more domains than the nodes have, "" if it does not. As long as there are fewer, those that lack count as
// domains without pods. kept are nodes whose taints keep the pod away, which count unless the constraint honours taints.
func (v *view) fewDomains(c *corev1.TopologySpreadConstraint, kept []string, ignoresTaints bool) string {
	if c.WhenUnsatisfiable != corev1.DoNotSchedule || c.MinDomains == nil || v.unread("nodes") != "" {
		return ""
	}
	domains := map[string]bool{}
	for i := range v.s.Nodes {
		if value, has := v.s.Nodes[i].Labels[c.TopologyKey]; has && (ignoresTaints || !slices.Contains(kept, v.s.Nodes[i].Name)) {
			domains[value] = true
		}
	}
	if len(domains) >= int(*c.MinDomains) {
		return ""
	}
	return fmt.Sprintf("; it is to spread over at least %d domains of %s (minDomains), and there are %d: until there are as many, none may have more than %s (maxSkew)", *c.MinDomains, c.TopologyKey, len(domains), plural(int(c.MaxSkew), "pod", "pods"))
}

// ownNamespace reports whether a pod has to be with others of its own namespace alone, which is what a rule without namespaces means.
func ownNamespace(p *corev1.Pod) bool {
	return p.Spec.Affinity != nil && p.Spec.Affinity.PodAffinity != nil && slices.ContainsFunc(p.Spec.Affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution,
		func(t corev1.PodAffinityTerm) bool {
			selector, err := metav1.LabelSelectorAsSelector(t.LabelSelector)
			return err == nil && !selector.Matches(labels.Set(p.Labels)) && len(t.Namespaces) == 0 && t.NamespaceSelector == nil
		})
}
