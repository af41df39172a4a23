package diagnose

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// dnsPort is the port on which the cluster's DNS answers.
const dnsPort = 53

// policies follows NetworkPolicies under which the set's pods may not ask the cluster's DNS. Whether the network enforces them is not known:
// while all pods are well it is a note. Which peers a rule means is not looked at: a rule that allows the port to some peer counts as allowing it.
func (v *view) policies(pods []Finding) []Finding {
	var names []string
	var evidence []Evidence
	for i := range v.s.Policies {
		p := &v.s.Policies[i]
		selector, err := metav1.LabelSelectorAsSelector(&p.Spec.PodSelector)
		if err != nil || !selector.Matches(labels.Set(v.set.Spec.Template.Labels)) || !slices.Contains(p.Spec.PolicyTypes, networkingv1.PolicyTypeEgress) {
			continue
		}
		if slices.ContainsFunc(p.Spec.Egress, allowsDNS) {
			return nil // What one policy allows is allowed, whatever others leave out.
		}
		names = append(names, p.Name)
		evidence = append(evidence, Evidence{v.ref("networkpolicy", p.Name), "spec.egress", fmt.Sprintf("%d rules, none with port 53", len(p.Spec.Egress))})
	}
	if len(names) == 0 {
		return nil
	}
	policy := v.ref("networkpolicy", names[0])
	f := Finding{
		Cause: "policy-dns", Area: Network, Object: policy, Path: []Ref{v.setRef(), policy},
		What:     "selects the set's pods and lets them send nothing to port 53: they cannot ask the cluster's DNS",
		Seen:     "pods may send only what a policy that selects them allows",
		Evidence: append(evidence, Evidence{v.setRef(), "spec.template.metadata.labels", labels.Set(v.set.Spec.Template.Labels).String()}),
		Do:       []string{"add an egress rule for UDP and TCP port 53 to a policy that selects them"},
		Look:     []string{getYAML(policy), kubectl(policy, "get networkpolicies")},
	}
	if len(names) > 1 {
		f.Seen += "; the same of " + strings.Join(names[1:], ", ")
	}
	if !v.unresolvedBy(f, pods) {
		f.Cause = Note
	}
	return []Finding{f}
}

// allowsDNS reports whether a rule lets pods send to port 53, to whomever.
func allowsDNS(r networkingv1.NetworkPolicyEgressRule) bool {
	if len(r.Ports) == 0 {
		return true
	}
	return slices.ContainsFunc(r.Ports, func(p networkingv1.NetworkPolicyPort) bool {
		switch {
		case p.Protocol != nil && *p.Protocol != corev1.ProtocolUDP && *p.Protocol != corev1.ProtocolTCP:
			return false
		case p.Port == nil || p.Port.StrVal != "":
			return true
		case p.EndPort != nil:
			return p.Port.IntVal <= dnsPort && *p.EndPort >= dnsPort
		}
		return p.Port.IntVal == dnsPort
	})
}
