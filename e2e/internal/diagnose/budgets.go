package diagnose

import (
	"fmt"
	"slices"

	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// budgets follows what keeps the set's pods from being evicted although all of them are Ready: it blocks every drain of their nodes.
func (v *view) budgets() []Finding {
	var found, single []Finding
	type counted struct {
		f    Finding
		pods []string
	}
	var all []counted // budgets that let none of their pods be evicted
	over := map[string][]string{}
	for i := range v.s.Budgets {
		b := &v.s.Budgets[i]
		selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
		if err != nil || b.Spec.Selector == nil {
			continue
		}
		var pods, unhealthy, drained []string
		for j := range v.s.Pods {
			p := &v.s.Pods[j]
			if !v.controls(p) || !selector.Matches(labels.Set(p.Labels)) {
				continue
			}
			pods = append(pods, p.Name)
			over[p.Name] = append(over[p.Name], b.Name)
			if !isReady(p) {
				unhealthy = append(unhealthy, p.Name)
			}
			if n := v.node(p.Spec.NodeName); n != nil && n.Spec.Unschedulable {
				drained = append(drained, p.Name)
			}
		}
		if len(pods) == 0 || b.Status.DisruptionsAllowed > 0 || (len(unhealthy) > 0 && len(drained) == 0) || b.Status.ObservedGeneration < b.Generation {
			continue
		}
		if b.Status.ExpectedPods > 0 {
			all = append(all, counted{v.budget(b, pods, unhealthy, drained), pods})
		} // Else it has not counted its pods.
	}
	for _, c := range all {
		// Of pods under several budgets none counts right.
		if !slices.ContainsFunc(c.pods, func(name string) bool { return len(over[name]) > 1 }) {
			single = append(single, c.f)
		}
	}
	for i := range v.s.Pods {
		p := &v.s.Pods[i]
		if names := over[p.Name]; len(names) > 1 {
			budget := v.ref("poddisruptionbudget", names[0])
			found = append(found, Finding{
				Cause: "several-budgets", Area: Disruption, Object: budget, What: fmt.Sprintf("shares pods with %s: a pod under two budgets cannot be evicted at all", list(names[1:])),
				Seen: fmt.Sprintf("every eviction of %s is answered with an error", p.Name), Path: []Ref{v.setRef(), v.ref("pod", p.Name), budget},
				Evidence: []Evidence{{v.ref("pod", p.Name), "selected by", list(names)}},
				Do:       []string{"have each pod selected by one budget"}, Look: []string{kubectl(budget, "get poddisruptionbudgets")},
			})
			break
		}
	}
	return slices.Concat(found, single, v.unbudgeted(over))
}

// unbudgeted are the notes of budgets that select no pod, and seem to be meant for the set's: they share the key of a label with them, and no other
// budget has the set's pods. over are the budgets of each.
func (v *view) unbudgeted(over map[string][]string) []Finding {
	if len(over) > 0 || v.replicas() < 2 {
		return nil
	}
	var found []Finding
	for i := range v.s.Budgets {
		b := &v.s.Budgets[i]
		if b.Spec.Selector == nil || b.Status.ExpectedPods > 0 || b.Status.ObservedGeneration < b.Generation {
			continue
		}
		template, budget := v.set.Spec.Template.Labels, v.ref("poddisruptionbudget", b.Name)
		var differ []string
		for key, want := range b.Spec.Selector.MatchLabels {
			if has, there := template[key]; there && has != want {
				differ = append(differ, fmt.Sprintf("%s=%s, where the set's pods have %s", key, want, has))
			}
		}
		if len(differ) == 0 {
			continue
		}
		slices.Sort(differ)
		found = append(found, Finding{
			Cause: Note, Area: Disruption, Object: budget, Path: []Ref{v.setRef(), budget}, What: "selects no pod: it asks for " + list(differ),
			Seen:     "if it is meant for the set: a drain may evict all of its pods at once",
			Evidence: []Evidence{{budget, "spec.selector.matchLabels", labels.Set(b.Spec.Selector.MatchLabels).String()}, {v.setRef(), "spec.template.metadata.labels", labels.Set(template).String()}},
			Do:       []string{"if the set's pods are meant: make its selector equal to labels of theirs"},
			Look:     []string{kubectl(budget, "get poddisruptionbudgets")},
		})
	}
	return found
}

func (v *view) budget(b *policyv1.PodDisruptionBudget, pods, unhealthy, drained []string) Finding {
	budget := v.ref("poddisruptionbudget", b.Name)
	f := Finding{
		Cause: "budget", Area: Disruption, Object: budget, Path: []Ref{v.setRef(), budget},
		What: fmt.Sprintf("lets none of %s be evicted: %d healthy pods are wanted, and %d are", list(pods), b.Status.DesiredHealthy, b.Status.CurrentHealthy),
		Seen: "every eviction is refused, so a drain of their nodes waits without an end",
		Evidence: []Evidence{
			{budget, "status.disruptionsAllowed", fmt.Sprint(b.Status.DisruptionsAllowed)},
			{budget, "status.currentHealthy", fmt.Sprint(b.Status.CurrentHealthy)},
			{budget, "status.desiredHealthy", fmt.Sprint(b.Status.DesiredHealthy)},
		},
		Look: []string{kubectl(budget, "get poddisruptionbudget %s -o yaml", b.Name)},
	}
	if m := b.Spec.MinAvailable; m != nil {
		f.Evidence = append(f.Evidence, Evidence{budget, "spec.minAvailable", m.String()})
	}
	if m := b.Spec.MaxUnavailable; m != nil {
		f.Evidence = append(f.Evidence, Evidence{budget, "spec.maxUnavailable", m.String()})
	}
	if len(drained) > 0 {
		n := v.pod(drained[0]).Spec.NodeName
		f.Seen = fmt.Sprintf("node %s is cordoned and %s stays on it: the drain waits", n, list(drained))
		f.Evidence = append(f.Evidence, Evidence{clusterRef("node", n), "spec.unschedulable", "true"})
	}
	if len(unhealthy) > 0 {
		f.Why = fmt.Sprintf("%s not Ready, so the budget has nothing to spare: the budget follows the pods' trouble", list(unhealthy))
		f.Do = []string{"fix what keeps the pods from being Ready (above)"}
		return f
	}
	f.Why = "the budget asks for as many healthy pods as the set has"
	f.Do = []string{"lower minAvailable or raise maxUnavailable, or run more replicas", "to drain now, delete the pod instead: a deletion does not ask the budget"}
	return f
}
