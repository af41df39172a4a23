package explore

import (
	"slices"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Ending returns the acts that take everything out of the way which the episode has put there, in the present state: a disrupted node, budgets,
// finalizers, outsiders, pods that were relabelled, templates with a fault and the pods of them, and readiness that is held. It returns none when a correct
// controller has all that it needs. stalled says that nothing has happened for a while: sets are touched, since not everything that a set
// may wait for has its controller look again.
func (c *Course) Ending(s *history.State, stalled bool) []Act {
	var out []Act
	switch c.disrupted() {
	case CordonNode:
		out = append(out, Act{Kind: UncordonNode, Set: setNames()[0]})
	case StopNode:
		out = append(out, Act{Kind: StartNode, Set: setNames()[0]})
	}
	for _, name := range setNames() {
		if c.budget(name) {
			out = append(out, Act{Kind: RemoveBudget, Set: name})
		}
	}
	for _, p := range s.List(history.Pods) {
		if a, ok := c.endOfPod(s, p, stalled); ok {
			out = append(out, a)
		}
	}
	for _, set := range s.List(history.Sets) {
		if set.Terminating() {
			continue
		}
		if t := c.template(set.Name); t != nil && t.Fault != "" {
			spec := Spec{Template: c.newTemplate("", set.Set.ClaimTemplates), Strategy: appsv1.RollingUpdateStatefulSetStrategyType, Partition: new(int32)}
			spec.Template.Gate = false
			out = append(out, Act{Kind: NewTemplate, Set: set.Name, Spec: &spec})
			continue
		}
		if set.Set.Partition > 0 && c.keepsFaulty(s, set) {
			out = append(out, Act{Kind: SetPartition, Set: set.Name, Spec: &Spec{Partition: new(int32)}})
			continue
		}
		if stalled {
			out = append(out, Act{Kind: TouchSet, Set: set.Name, Value: "end-" + strconv.Itoa(len(c.Episode.Steps))})
		}
	}
	return out
}

// endOfPod returns what a pod needs at the end.
func (c *Course) endOfPod(s *history.State, p *history.Event, stalled bool) (Act, bool) {
	var set *history.Event
	if o := p.Controller(); o != nil {
		if e := s.Get(history.Sets, o.Name); e != nil && e.UID == o.UID {
			set = e
		}
	}
	act := Act{Set: c.nameOf(p), Object: p.Name}
	switch {
	case slices.Contains(p.Finalizers, Finalizer):
		act.Kind = RemoveFinalizer
	case p.Terminating():
		return act, false
	case set != nil && !hasClaims(set, p):
		// It was adopted, and the volumes of a pod cannot be changed: its set can do nothing more, or does not make the claim again that it waits for.
		act.Kind = DeletePod
	case set == nil:
		// An orphan of a set that is there is adopted, unless the set is terminating: it may use a claim that the set's deletion waits for. What is not
		// adopted may have the name of a pod that the set needs.
		owner := s.Get(history.Sets, act.Set)
		if owner == nil || (!owner.Terminating() && p.Controller() == nil && p.Labels["app"] == act.Set && memberOf(act.Set, p.Name)) {
			return act, false
		}
		act.Kind = DeletePod
	case held(p):
		act.Kind = ReleasePod
	case c.faulty(p) && c.template(set.Name).Fault == "" && !updated(set, p):
		// Under OrderedReady a rollout waits for a pod that is not Ready, also if that is of a template with a fault.
		act.Kind = DeletePod
	case stalled && !p.Pod.RunningAndReady() && outOfRange(set, p):
		// Under OrderedReady a scale down waits for each pod that is not Ready but the lowest such pod, and nothing makes a failed one Ready.
		act.Kind = DeletePod
	default:
		return act, false
	}
	return act, true
}

func outOfRange(set, p *history.Event) bool {
	n := history.Ordinal(p.Name) - int(set.Set.Start)
	return n < 0 || n >= int(set.Set.Replicas)
}

// keepsFaulty reports whether the partition has the set make a pod of a template with a fault again and again.
func (c *Course) keepsFaulty(s *history.State, set *history.Event) bool {
	return slices.ContainsFunc(s.PodsOf(set.UID), func(p *history.Event) bool {
		n := history.Ordinal(p.Name) - int(set.Set.Start)
		return n >= 0 && n < int(set.Set.Partition) && c.faulty(p)
	})
}

// hasClaims reports whether the pod of a set has the claims of its ordinal and no others.
func hasClaims(set, p *history.Event) bool {
	return len(p.Pod.Claims) == len(set.Set.ClaimTemplates) &&
		!slices.ContainsFunc(set.Set.ClaimTemplates, func(t string) bool { return p.Pod.Claims[t] != ClaimOf(t, p.Name) })
}

// nameOf is the name of the set whose pod it is, was or may become, "" if it is of none, as the one that names are looked up in.
func (c *Course) nameOf(p *history.Event) string {
	for _, name := range setNames() {
		if memberOf(name, p.Name) || p.Name == name+"-other" {
			return name
		}
	}
	return ""
}

// faulty reports whether the pod is of a template with a fault.
func (c *Course) faulty(p *history.Event) bool {
	name := p.Labels[history.Prefix+"template"]
	return slices.ContainsFunc(c.Episode.Steps, func(s Step) bool {
		return s.Act.Spec != nil && s.Act.Spec.Template != nil && s.Act.Spec.Template.Name == name && s.Act.Spec.Template.Fault != ""
	})
}

// Settled says what is left to do for the sets of the state, "" if nothing.
func Settled(s *history.State) string {
	for _, set := range s.List(history.Sets) {
		if why := Unsettled(s, set); why != "" {
			return why
		}
	}
	for _, p := range s.List(history.Pods) {
		if p.Terminating() {
			return "the pod " + p.Name + " is terminating"
		}
	}
	return ""
}
