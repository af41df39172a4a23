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

// emptyDomains says which nodes count as domains of a pod's spread over nodes although it may not go there, "" if none do: unless its constraint
// honours taints, a node that it does not tolerate is a domain without pods for ever.
func emptyDomains(p *corev1.Pod, nodes []nodeObstacles) string {
	var names []string
	for _, n := range nodes {
		if slices.ContainsFunc(n.all, func(o obstacle) bool { return o.cause == byTaint || o.cause == byCordon || o.cause == byCondition }) {
			names = append(names, n.node)
		}
	}
	for _, c := range p.Spec.TopologySpreadConstraints {
		ignores := c.NodeTaintsPolicy == nil || *c.NodeTaintsPolicy == corev1.NodeInclusionPolicyIgnore
		if c.WhenUnsatisfiable == corev1.DoNotSchedule && c.TopologyKey == corev1.LabelHostname && ignores && len(names) > 0 {
			return fmt.Sprintf("; it is to spread over all nodes with at most %s of difference (maxSkew), and %s counts as one without pods, though its taints keep the pod away", plural(int(c.MaxSkew), "pod", "pods"), list(names))
		}
	}
	return ""
}

// ownNamespace reports whether a pod has to be with others of its own namespace alone, which is what a rule without namespaces means.
func ownNamespace(p *corev1.Pod) bool {
	return p.Spec.Affinity != nil && p.Spec.Affinity.PodAffinity != nil && slices.ContainsFunc(p.Spec.Affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution,
		func(t corev1.PodAffinityTerm) bool {
			selector, err := metav1.LabelSelectorAsSelector(t.LabelSelector)
			return err == nil && !selector.Matches(labels.Set(p.Labels)) && len(t.Namespaces) == 0 && t.NamespaceSelector == nil
		})
}
