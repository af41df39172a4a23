package explore

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Condition is what a pod or a set is, as far as the recording shows.
type Condition string

// The conditions of pods, and after them those of sets.
const (
	Gone        Condition = "gone"
	Pending     Condition = "pending"
	Running     Condition = "running" // and not Ready
	Ready       Condition = "Ready"
	Crashed     Condition = "crashed" // a container has ended with an error and is not running again
	Finished    Condition = "finished"
	Terminating Condition = "terminating"

	Observed Condition = "observed" // the controller's status is of the newest generation
	AtRest   Condition = "at rest"
)

// Moment is a state after which an act is due. The zero value is no matter what.
type Moment struct {
	// Pod or Set is what it is about.
	Pod string `json:"pod,omitempty"`
	Set string `json:"set,omitempty"`
	// Is is what it is then.
	Is Condition `json:"is,omitempty"`
	// Updated says of a pod that it is of the newest template.
	Updated bool `json:"updated,omitempty"`
}

// Words says when, for a person.
func (m Moment) Words() string {
	switch {
	case m.Set != "":
		return fmt.Sprintf("once the set %s is %s", m.Set, m.Is)
	case m.Pod == "":
		return "at once"
	case m.Updated:
		return fmt.Sprintf("once the pod %s of the newest template is %s", m.Pod, m.Is)
	}
	return fmt.Sprintf("once the pod %s is %s", m.Pod, m.Is)
}

// Met returns "" where the recorded state is that of the moment, otherwise what stands against it.
func (m Moment) Met(s *history.State) string {
	switch {
	case m.Set != "":
		set := s.Get(history.Sets, m.Set)
		switch {
		case set == nil && m.Is == Gone, set != nil && m.Is == Terminating && set.Terminating():
		case set != nil && m.Is == Observed && observed(set), set != nil && m.Is == AtRest && Unsettled(s, set) == "":
		default:
			return fmt.Sprintf("the set %s is not %s", m.Set, m.Is)
		}
	case m.Pod != "":
		if is := podIs(s, m.Pod); is.Is != m.Is || m.Updated && !is.Updated {
			return fmt.Sprintf("the pod %s is %s (of the newest template: %t)", m.Pod, is.Is, is.Updated)
		}
	}
	return ""
}

func observed(set *history.Event) bool { return set.Set.Status.ObservedGeneration >= set.Generation }

// podIs returns the moment that the pod of that name is at.
func podIs(s *history.State, name string) Moment {
	m := Moment{Pod: name, Is: Gone}
	pod := s.Get(history.Pods, name)
	if pod == nil {
		return m
	}
	switch {
	case pod.Terminating():
		m.Is = Terminating
	case pod.Pod.Finished():
		m.Is = Finished
	case pod.Pod.Crashed():
		m.Is = Crashed
	case pod.Pod.RunningAndReady():
		m.Is = Ready
	case pod.Pod.Phase == corev1.PodRunning:
		m.Is = Running
	default:
		m.Is = Pending
	}
	if c := pod.Controller(); c != nil {
		set := s.Get(history.Sets, c.Name)
		m.Updated = set != nil && set.UID == c.UID && observed(set) && updated(set, pod)
	}
	return m
}

func updated(set, pod *history.Event) bool {
	return pod.Labels[appsv1.ControllerRevisionHashLabelKey] == set.Set.Status.UpdateRevision
}

// Moments returns the moments that all pods and sets of the state are at, by their names.
func Moments(s *history.State) map[string]Moment {
	out := map[string]Moment{}
	for _, p := range s.List(history.Pods) {
		out["pod "+p.Name] = podIs(s, p.Name)
	}
	for _, set := range s.List(history.Sets) {
		switch {
		case set.Terminating():
			out["set "+set.Name] = Moment{Set: set.Name, Is: Terminating}
		case observed(set):
			out["set "+set.Name] = Moment{Set: set.Name, Is: Observed}
		default:
			out["set "+set.Name] = Moment{}
		}
	}
	return out
}

// Turn returns the moment that something has come to since the moments before, the first by name; false if nothing has.
func Turn(before map[string]Moment, s *history.State) (Moment, bool) {
	now := Moments(s)
	for _, name := range sorted(now) {
		if m := now[name]; m != before[name] && m != (Moment{}) {
			return m, true
		}
	}
	for _, name := range sorted(before) {
		if _, there := now[name]; !there {
			m := before[name]
			return Moment{Pod: m.Pod, Set: m.Set, Is: Gone}, m != Moment{}
		}
	}
	return Moment{}, false
}

// Unsettled says what a set still has to do to be as it was last asked for, "" if nothing: all of its pods and no others are there, are Ready
// and are as new as its strategy wants them, and its status says so.
func Unsettled(s *history.State, set *history.Event) string {
	v := set.Set
	pods := s.PodsOf(set.UID)
	switch {
	case set.Terminating():
		return set.Name + " is terminating"
	case !observed(set):
		return "the status of " + set.Name + " is of an older generation"
	case len(pods) != int(v.Replicas):
		return fmt.Sprintf("%s has %d pods of %d", set.Name, len(pods), v.Replicas)
	case v.Status.Replicas != v.Replicas || v.Status.Ready != v.Replicas || v.Status.Available != v.Replicas:
		return fmt.Sprintf("the status of %s counts %d pods, %d Ready, %d available, of %d", set.Name, v.Status.Replicas, v.Status.Ready, v.Status.Available, v.Replicas)
	}
	for _, p := range pods {
		n := history.Ordinal(p.Name)
		due := v.Strategy != appsv1.OnDeleteStatefulSetStrategyType && n >= int(v.Start+v.Partition)
		switch {
		case outOfRange(set, p):
			return p.Name + " is out of range"
		case p.Terminating() || !p.Pod.RunningAndReady():
			return p.Name + " is not Ready"
		case due && !updated(set, p):
			return p.Name + " is of an older template"
		}
	}
	return ""
}
