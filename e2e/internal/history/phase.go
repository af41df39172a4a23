package history

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Phase is something that a set is in the middle of. A set is in several at once, a rollout during a scale down for instance, and in AtRest
// only where it is in no other.
type Phase string

// The phases of a set.
const (
	AtRest      Phase = "at rest"         // it has the pods that it asks for, all Ready and as new as its strategy wants them
	Creating    Phase = "being created"   // some ordinal that it was created with has never had a Ready pod
	ScalingUp   Phase = "scaling up"      // some ordinal that was added later has not had a Ready pod since
	ScalingDown Phase = "scaling down"    // some pod is out of range
	RollingOut  Phase = "rolling out"     // some pod is to be replaced by one of a newer template, or has just been; under OnDelete: some pods were
	PodDown     Phase = "with a pod down" // some pod has failed, crashes, cannot start, is no longer Ready, or is gone and not replaced yet
	Deleting    Phase = "being deleted"   // its deletion was asked for, and the set or some pod of it is still there
)

// AllPhases lists the phases in the order of a set's life.
func AllPhases() []Phase {
	return []Phase{AtRest, Creating, ScalingUp, ScalingDown, RollingOut, PodDown, Deleting}
}

// Phases follows the phases of all sets of a namespace, event by event. It knows what was recorded and not what the controller sees: a
// phase is a description of the moment, and no ground for a verdict.
type Phases struct {
	state *State
	sets  map[types.UID]*progress
}

// progress is what the present objects do not show of a set.
type progress struct {
	set   *Event // its newest version, the last one where it is gone
	gone  bool
	first interval // the ordinals that it was created with and that have been in range ever since
	// ready has the ordinals that had a Ready pod since they came into range, readyPods all pods that were ever Ready.
	ready     map[int]bool
	readyPods map[types.UID]bool
	// templated is the generation that brought the newest template, 0 where that is the first one.
	templated int64
}

// interval is a range of ordinals: lo belongs to it, hi does not.
type interval struct{ lo, hi int }

func (i interval) has(n int) bool { return n >= i.lo && n < i.hi }

func (i interval) and(o interval) interval { return interval{max(i.lo, o.lo), min(i.hi, o.hi)} }

// lacks reports whether some ordinal of the interval is not among those.
func (i interval) lacks(ordinals map[int]bool) bool {
	n := i.hi - i.lo
	for o := range ordinals {
		if i.has(o) {
			n--
		}
	}
	return n > 0
}

func rangeOf(s *Set) interval { return interval{int(s.Start), int(s.Start) + int(s.Replicas)} }

// NewPhases returns the phases of a namespace without sets.
func NewPhases() *Phases {
	return &Phases{state: NewState(), sets: map[types.UID]*progress{}}
}

// Apply takes note of the next event.
func (p *Phases) Apply(e *Event) {
	p.state.Apply(e)
	switch e.Resource {
	case Sets:
		p.applySet(e)
	case Pods:
		if c := e.Controller(); c != nil {
			if s := p.sets[c.UID]; s != nil && e.Pod.RunningAndReady() {
				s.note(e)
			}
		}
	}
}

func (p *Phases) applySet(e *Event) {
	s := p.sets[e.UID]
	now := rangeOf(e.Set)
	if s == nil {
		s = &progress{set: e, first: now, ready: map[int]bool{}, readyPods: map[types.UID]bool{}}
		p.sets[e.UID] = s
	}
	if SetChanged(s.set.Set, e.Set, FieldTemplate) {
		s.templated = e.Generation
	}
	s.set, s.gone, s.first = e, e.Gone(), s.first.and(now)
	for n := range s.ready {
		if !now.has(n) {
			delete(s.ready, n)
		}
	}
	for _, pod := range p.state.PodsOf(e.UID) {
		if pod.Pod.RunningAndReady() {
			s.note(pod)
		}
	}
}

// note takes note of a Ready pod.
func (s *progress) note(pod *Event) {
	s.readyPods[pod.UID] = true
	if n := Ordinal(pod.Name); rangeOf(s.set.Set).has(n) && !pod.Terminating() {
		s.ready[n] = true
	}
}

// Of returns the phases of the set of that UID as of the last event, none where it was never seen or nothing is left of it.
func (p *Phases) Of(set types.UID) []Phase {
	s := p.sets[set]
	if s == nil {
		return nil
	}
	pods := p.state.PodsOf(set)
	if s.gone || s.set.Terminating() {
		if s.gone && len(pods) == 0 {
			return nil
		}
		return []Phase{Deleting}
	}
	now := rangeOf(s.set.Set)
	rolling := s.rollingOut(pods)
	var out []Phase
	for _, phase := range []struct {
		name Phase
		is   bool
	}{
		{Creating, s.first.lacks(s.ready)},
		{ScalingUp, interval{now.lo, min(now.hi, s.first.lo)}.lacks(s.ready) || interval{max(now.lo, s.first.hi), now.hi}.lacks(s.ready)},
		{ScalingDown, slices.ContainsFunc(pods, func(pod *Event) bool { return !now.has(Ordinal(pod.Name)) })},
		{RollingOut, rolling},
		{PodDown, s.podDown(pods, rolling)},
	} {
		if phase.is {
			out = append(out, phase.name)
		}
	}
	if len(out) == 0 {
		return []Phase{AtRest}
	}
	return out
}

// rollingOut reports whether a rollout is on the way.
func (s *progress) rollingOut(pods []*Event) bool {
	set := s.set.Set
	if set.Status.UpdateRevision == "" {
		return false // its controller has not seen it yet
	}
	due := rangeOf(set)
	if set.Strategy == appsv1.RollingUpdateStatefulSetStrategyType {
		due.lo += int(set.Partition) // the controller counts it from the first ordinal
	}
	observed := set.Status.ObservedGeneration >= s.templated
	var older, newer int
	up := map[int]bool{}
	for _, pod := range pods {
		n := Ordinal(pod.Name)
		switch {
		case !due.has(n):
		case !observed || pod.Labels[appsv1.ControllerRevisionHashLabelKey] != set.Status.UpdateRevision:
			older++
		default:
			newer++
			up[n] = pod.Pod.RunningAndReady() && !pod.Terminating()
		}
	}
	if set.Strategy == appsv1.OnDeleteStatefulSetStrategyType {
		return older > 0 && newer > 0
	}
	// An ordinal that is not due is not part of the rollout, whatever its pod does.
	for n := range s.ready {
		up[n] = up[n] || !due.has(n)
	}
	return older > 0 || (set.Status.CurrentRevision != set.Status.UpdateRevision && s.lost(up))
}

// podDown reports whether a pod is down that neither a rollout nor a scale down has taken down.
func (s *progress) podDown(pods []*Event, rolling bool) bool {
	up := map[int]bool{}
	for _, pod := range pods {
		n := Ordinal(pod.Name)
		if !rangeOf(s.set.Set).has(n) || pod.Terminating() {
			continue
		}
		up[n] = pod.Pod.RunningAndReady()
		if pod.Pod.Finished() || pod.Pod.Crashed() || cannotStart(pod.Pod) || (s.readyPods[pod.UID] && !up[n]) {
			return true
		}
	}
	return !rolling && s.lost(up)
}

// lost reports whether some ordinal that had a Ready pod is not among those.
func (s *progress) lost(up map[int]bool) bool {
	for n := range s.ready {
		if !up[n] {
			return true
		}
	}
	return false
}

// cannotStart reports whether the pod cannot be scheduled, or a container of it cannot be started.
func cannotStart(p *Pod) bool {
	if c := p.Condition(corev1.PodScheduled); c != nil && c.Status == corev1.ConditionFalse {
		return true
	}
	return slices.ContainsFunc(p.Containers, func(c Container) bool {
		return c.State == ContainerWaiting && !slices.Contains([]string{"", "ContainerCreating", "PodInitializing"}, c.Reason)
	})
}
