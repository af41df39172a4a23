package diagnose

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// unobserved is a set whose last change its controller has not looked at.
func (v *view) unobserved() Finding {
	set := v.setRef()
	f := Finding{
		Cause: Note, Area: Controller, Object: set, Path: []Ref{set}, What: "was changed, and its controller has not looked at it since",
		Seen: "the controller has not observed the last change of the set", Evidence: v.statusEvidence(),
		Do: []string{"wait, and ask again"}, Look: []string{getYAML(set)},
	}
	known := slices.ContainsFunc(v.set.ManagedFields, func(m metav1.ManagedFieldsEntry) bool { return m.Time != nil && m.Subresource == "" })
	if since := v.lastMove(0); known && v.now.Sub(since) > patience {
		f.Cause = Unknown
		f.What += fmt.Sprintf(" (%s)", v.ago(since))
		f.Do = []string{"see whether kube-controller-manager runs and what its log says of the set; providers of clusters run it themselves"}
	} else if known {
		f.What += fmt.Sprintf(" (%s)", v.ago(since))
	}
	return f
}

// standsStill reports how long nothing has happened to the set's pods, longer than a rollout waits between two of them.
func (v *view) standsStill() (time.Duration, bool) {
	const slow = 10 * time.Minute
	last := v.lastMove(v.start())
	for i := range v.s.Pods {
		p := &v.s.Pods[i]
		if !v.controls(p) {
			continue
		}
		last = latest(last, p.CreationTimestamp.Time)
		for _, c := range p.Status.Conditions {
			last = latest(last, c.LastTransitionTime.Time)
		}
	}
	idle := v.now.Sub(last)
	return idle, idle > slow+time.Duration(v.set.Spec.MinReadySeconds)*time.Second
}

// idle is a pod with which the kubelet of its node has not begun, nil if it has.
func (v *view) idle(p *corev1.Pod) *Finding {
	scheduled := condition(p, corev1.PodScheduled)
	if p.Status.StartTime != nil || len(p.Status.ContainerStatuses) > 0 || scheduled == nil || scheduled.Status != corev1.ConditionTrue || v.now.Sub(scheduled.LastTransitionTime.Time) < patience {
		return nil
	}
	node := clusterRef("node", p.Spec.NodeName)
	return &Finding{
		Cause: "kubelet-idle", Area: Node, Object: node, Seen: v.podSeen(p),
		What:     fmt.Sprintf("has not begun with pod %s, which was given to it %s ago", p.Name, v.ago(scheduled.LastTransitionTime.Time)),
		Evidence: []Evidence{{v.ref("pod", p.Name), "status.startTime", "(absent)"}, {v.ref("pod", p.Name), "status.conditions[PodScheduled]", shown(scheduled)}},
		Why:      "its kubelet sends heartbeats, and does not look at the pod: it hangs, or cannot read pods from the API server",
		Do:       []string{"read the kubelet's log on that node, and restart the kubelet"},
		Look:     []string{describe(node), describe(v.ref("pod", p.Name))},
	}
}

// closed is the note that policies let the set's pods receive nothing from each other, nil if they may or nobody waits for it. What they say to each
// other is not known, nor whether the network enforces policies.
func (v *view) closed(pods []Finding) *Finding {
	if v.replicas() < 2 || !slices.ContainsFunc(pods, mayAskNames) {
		return nil
	}
	own := labels.Set(v.set.Spec.Template.Labels)
	var names []string
	var evidence []Evidence
	for i := range v.s.Policies {
		p := &v.s.Policies[i]
		selector, err := metav1.LabelSelectorAsSelector(&p.Spec.PodSelector)
		if err != nil || !selector.Matches(own) || !slices.Contains(p.Spec.PolicyTypes, networkingv1.PolicyTypeIngress) {
			continue
		}
		if slices.ContainsFunc(p.Spec.Ingress, func(r networkingv1.NetworkPolicyIngressRule) bool { return admits(r, own) }) {
			return nil // What one policy allows is allowed, whatever others leave out.
		}
		names = append(names, p.Name)
		evidence = append(evidence, Evidence{v.ref("networkpolicy", p.Name), "spec.ingress", fmt.Sprintf("%d rules, none from pods with %s", len(p.Spec.Ingress), own)})
	}
	if len(names) == 0 {
		return nil
	}
	policy := v.ref("networkpolicy", names[0])
	f := &Finding{
		Cause: Note, Area: Network, Object: policy, Path: []Ref{v.setRef(), policy},
		What: "selects the set's pods and lets them receive nothing from each other: where they have to talk before they are Ready, they never are",
		Seen: "pods of the set are not Ready; policies that select them: " + strings.Join(names, ", "), Evidence: evidence,
		Do:   []string{"if they have to: add an ingress rule from pods with the set's own labels"},
		Look: []string{getYAML(policy)},
	}
	if v.talks() && slices.ContainsFunc(pods, notRefused) {
		f.Cause, f.What = "policy-peers", "selects the set's pods and lets them receive nothing from each other, and the set's template asks for pods of the set by name"
		f.Evidence = append(f.Evidence, Evidence{v.setRef(), "spec.template, names of the cluster", strings.Join(v.s.Names, ", ")})
		f.Do = []string{"add an ingress rule from pods with the set's own labels: a policy that selects pods allows nothing else"}
	}
	return f
}

// talks reports whether the set's template asks for pods of the set by their names.
func (v *view) talks() bool {
	return slices.ContainsFunc(v.s.Names, func(name string) bool {
		a, ok := parts(name)
		return ok && v.ownPod(a.pod) && (a.service == "" || a.service == v.set.Spec.ServiceName)
	})
}

// notRefused reports whether a finding is of a program that may wait for another in vain: who is refused, or gets another answer, has reached somebody.
func notRefused(f Finding) bool {
	return mayAskNames(f) && f.Known() && !unresolved(f) && !slices.ContainsFunc(f.Evidence, func(e Evidence) bool {
		return contains(strings.ToLower(e.Value))("refused", "statuscode", "not found", "denied")
	})
}

// admits reports whether a rule may let in pods with some labels of the same namespace. Namespaces and addresses are not looked at.
func admits(r networkingv1.NetworkPolicyIngressRule, own labels.Set) bool {
	return len(r.From) == 0 || slices.ContainsFunc(r.From, func(p networkingv1.NetworkPolicyPeer) bool {
		if p.PodSelector == nil {
			return true
		}
		selector, err := metav1.LabelSelectorAsSelector(p.PodSelector)
		return err != nil || selector.Matches(own)
	})
}
