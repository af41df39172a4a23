package judge

import (
	"fmt"
	"slices"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// checkCompletion: a set gets every pod that it asks for and loses every other one. Where replicas had changed again and again, a pod too few
// or too many means that the last value did not win.
func checkCompletion(m *model, res *results) {
	overdue := m.actDeadline()
	for _, a := range m.actions {
		for _, c := range a.creations {
			if c.reason != replaced {
				res.exercised(contract.OrderingCreateCompletes)
			}
		}
		for _, r := range a.removals {
			if r.outOfRange {
				res.exercised(contract.OrderingScaleDownCompletes)
			}
		}
		f, ok := m.frontierOf(a.set)
		if !ok {
			continue
		}
		if n, since, due := m.dueCreation(a.set, f); due {
			res.notCreated(a, n, since, overdue)
		} else if m.refused(a.set, f.since) {
			res.excuse(a.guaranteeOf(contract.OrderingCreateCompletes), Refused)
		}
		if p, since := m.dueRemoval(a.set, f); p != nil {
			res.notRemoved(a, p, since, overdue)
		}
	}
}

func (a *actions) guaranteeOf(settled contract.ID) contract.ID {
	if a.unsettled {
		return contract.OrderingChangeOfMind
	}
	return settled
}

func (res *results) notCreated(a actions, n int, since, overdue time.Duration) {
	waited, v := res.m.h.Duration()-since, a.set.specs[len(a.set.specs)-1]
	if waited <= overdue {
		return
	}
	before := "every pod before it was available and "
	if !a.set.ordered() {
		before = "the policy is Parallel and "
	}
	res.notDone(a.guaranteeOf(contract.OrderingCreateCompletes), evidence{
		set: a.set, since: since, also: []history.Resource{history.Pods, history.Claims, history.Events}, events: []*history.Event{v},
		text: fmt.Sprintf("%s asks for %s-%d (%s), which was not created to the end of the recording, though %snothing had stood in its way for %.1f s",
			a.set.name, a.set.name, n, v.Aside(), before, waited.Seconds()),
	}, since+overdue)
}

func (res *results) notRemoved(a actions, p *podLife, since, overdue time.Duration) {
	waited, v := res.m.h.Duration()-since, a.set.specs[len(a.set.specs)-1]
	if waited <= overdue {
		return
	}
	res.notDone(a.guaranteeOf(contract.OrderingScaleDownCompletes), evidence{
		set: a.set, since: since, also: []history.Resource{history.Pods, history.Events}, events: []*history.Event{v, p.events[len(p.events)-1]},
		text: fmt.Sprintf("%s is out of the range of %s (%s) and was not deleted to the end of the recording, though nothing had stood in the way for %.1f s",
			p.name, a.set.name, v.Aside(), waited.Seconds()),
	}, since+overdue)
}

// dueCreation returns the lowest ordinal, of those that the set had no pod to replace of, that the controller had to create a pod of at the
// end, and since when; false if there is none.
func (m *model) dueCreation(s *setLife, f frontier) (ordinal int, since time.Duration, due bool) {
	v := s.specs[len(s.specs)-1]
	from, end := int(v.Set.Start), int(v.Set.Start+v.Set.Replicas)
	if s.ordered() {
		from, end = f.ordinal, min(end, f.ordinal+1)
	}
	for n := from; n < min(end, f.ordinal+1); n++ {
		if since, due := m.creationDue(s, n, f.since); due {
			return n, since, true
		}
	}
	return 0, 0, false
}

// creationDue returns since when, after a moment, the controller had to create a first pod of an ordinal in range, or the first one since the
// ordinal came to be in range again.
func (m *model) creationDue(s *setLife, n int, since time.Duration) (time.Duration, bool) {
	name := fmt.Sprintf("%s-%d", s.name, n)
	if lives := s.byOrdinal[n]; len(lives) > 0 {
		if l, lost := m.lossOf(s, lives[len(lives)-1]); lost && (l.reason != released || l.unselected()) {
			return 0, false // a guarantee of its own
		}
	}
	needsSync := false
	if named := m.podsNamed[name]; len(named) > 0 {
		last := named[len(named)-1]
		if last.gone == nil {
			return 0, false
		}
		since, needsSync = max(since, last.gone.At), last.owner() != s
	}
	if m.firstBlockedOrdinal(s, n+1, m.h.Duration()) <= n {
		return 0, false
	}
	return m.creatableSince(s, name, needsSync, since)
}

// dueRemoval returns the pod out of range that the controller had to delete next at the end, and since when; nil if there is none.
func (m *model) dueRemoval(s *setLife, f frontier) (*podLife, time.Duration) {
	v := s.specs[len(s.specs)-1]
	if f.ordinal < int(v.Set.Start+v.Set.Replicas) || (v.Set.MinReadySeconds > 0 && !m.atLeast("1.34", true)) {
		return nil, 0 // before 1.34 a pod that was not Ready for minReadySeconds stays (kubernetes issue 123918)
	}
	since, tried := m.triedAgain(s, f.since)
	if !tried {
		return nil, 0
	}
	var outside []*podLife // the highest first
	for _, ordinal := range slices.Backward(s.ordinals) {
		lives := s.byOrdinal[ordinal]
		p := lives[len(lives)-1]
		switch {
		case inRange(v, p.ordinal):
		case p.owner() == s && p.gone == nil && p.owners[len(p.owners)-1].nameFits:
			outside = append(outside, p)
		case p.gone != nil:
			since = max(since, p.gone.At)
		}
	}
	if s.ordered() {
		return nextOrderedRemoval(s, v, outside, since)
	}
	for _, p := range outside {
		if p.deleting == nil && s.stillMatches(p) {
			return p, max(since, p.owners[len(p.owners)-1].from.At)
		}
	}
	return nil, 0
}

// nextOrderedRemoval returns the highest of the pods out of range if the controller had to delete it: it waits for one that is terminating,
// and for one that is not available unless all others are.
func nextOrderedRemoval(s *setLife, v *history.Event, outside []*podLife, since time.Duration) (*podLife, time.Duration) {
	for i, p := range outside {
		if p.deleting != nil || !s.stillMatches(p) {
			return nil, 0
		}
		since = max(since, p.owners[len(p.owners)-1].from.At)
		if i == 0 && p.isReady() {
			return p, max(since, p.ready[len(p.ready)-1].from.At+minReady(v))
		}
		if i > 0 && !p.isReady() {
			return nil, 0
		}
		// Each change of a pod that is not Ready, and when the others became available.
		since = max(since, p.events[len(p.events)-1].At)
		if p.isReady() {
			since = max(since, p.ready[len(p.ready)-1].from.At+minReady(v))
		}
	}
	if len(outside) == 0 {
		return nil, 0
	}
	return outside[0], since
}

// stillMatches reports whether the set still selects the pod, which it otherwise releases.
func (s *setLife) stillMatches(p *podLife) bool {
	return !s.selects() || s.matches(p.events[len(p.events)-1])
}
