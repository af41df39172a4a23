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
		if a, ok := c.endOfPod(s, p); ok {
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
		if stalled {
			out = append(out, Act{Kind: TouchSet, Set: set.Name, Value: "end-" + strconv.Itoa(len(c.Episode.Steps))})
		}
	}
	return out
}

// endOfPod returns what a pod needs at the end.
func (c *Course) endOfPod(s *history.State, p *history.Event) (Act, bool) {
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
	case set != nil && c.outsider(p):
		// Adopted, it lacks the volumes of the set's own pods, and those of a pod cannot be changed.
		act.Kind = DeletePod
	case set == nil:
		// An orphan of a set that is there is adopted; what is not may have the name of a pod that the set needs.
		owner := s.Get(history.Sets, act.Set)
		if owner == nil || (p.Controller() == nil && p.Labels["app"] == act.Set && memberOf(act.Set, p.Name)) {
			return act, false
		}
		act.Kind = DeletePod
	case gated(p) && !p.Pod.Is(Gate):
		act.Kind = ReleasePod
	case c.faulty(p) && c.template(set.Name).Fault == "" && history.Ordinal(p.Name) >= int(set.Set.Start) && !updated(set, p):
		// Under OrderedReady a rollout waits for a pod that is not Ready, also if that is of a template with a fault.
		act.Kind = DeletePod
	default:
		return act, false
	}
	return act, true
}

// outsider reports whether an act of the episode made the pod, and not a set.
func (c *Course) outsider(p *history.Event) bool {
	if _, ofTemplate := p.Labels[history.Prefix+"template"]; ofTemplate {
		return false
	}
	return slices.ContainsFunc(c.Episode.Steps, func(s Step) bool { return s.Act.Kind == MakeOutsider && s.Act.Object == p.Name })
}

// nameOf is the name of the set whose pod it is, was or may become.
func (c *Course) nameOf(p *history.Event) string {
	for _, name := range setNames() {
		if memberOf(name, p.Name) || p.Name == name+"-other" {
			return name
		}
	}
	return setNames()[0]
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
