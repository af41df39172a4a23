package judge

import (
	"fmt"
	"math"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func terminationChecks() []check {
	return []check{
		{ids: []contract.ID{contract.TerminationReverse}, run: checkReverse},
		{ids: []contract.ID{contract.TerminationNoRecreate}, run: checkNoRecreate},
	}
}

// checkReverse: scaling to zero deletes all pods in strict reverse order.
func checkReverse(m *model, res *results) {
	m.removalsInOrder(res, contract.TerminationReverse, func(s *setLife, r removal) bool {
		// With a single pod there is no order.
		return r.replicas == 0 && r.ready && len(s.ordinals) > 1
	})
}

// checkNoRecreate: once deletion of a set has been requested, it creates no pods, and adopts none.
func checkNoRecreate(m *model, res *results) {
	const id = contract.TerminationNoRecreate
	for _, s := range m.sets {
		if s.deleting == nil {
			continue
		}
		res.adoptedLate(s)
		clean := true
		for _, p := range s.pods {
			if p.created == nil || p.created.At <= s.deleting.At || p.owners[0].set != s {
				continue
			}
			clean = false
			if m.mayHaveMissed(s.deleting, p.created) {
				res.excuse(id, CacheLag)
				continue
			}
			c := evidence{
				set: s, since: s.deleting.At, events: []*history.Event{s.deleting, p.created},
				text: fmt.Sprintf("%s was created at %s although deletion of its set began at %s", p.name, p.created.Ref(), s.deleting.Ref()),
			}
			var free *history.Event // from when on it could be created
			if was := p.predecessorIncarnation; was != nil {
				free = was.gone
			}
			res.decidedSince(id, c, free)
		}
		if h, ok := m.lacking(s); ok && clean {
			res.exercisedByWaiting(id, h, fmt.Sprintf("the set %s was being deleted and lacked %s", s.name, h.pod.name))
		}
	}
}

// adoptedLate reports the orphans that a set adopted although its deletion had been requested.
func (res *results) adoptedLate(s *setLife) {
	const id = contract.TerminationNoRecreate
	for _, p := range s.pods {
		for i, t := range p.owners {
			if t.set != s || !p.adopted(i) || before(s.deleting, t.from) != yes {
				continue
			}
			v := s.latest(surelyBy(t.from.At))
			if known := v != nil && v.Set.Status.ObservedGeneration >= s.deleting.Generation; !known && res.m.mayHaveMissed(s.deleting, t.from) {
				res.excuse(id, CacheLag)
				continue
			}
			res.decidedSince(id, evidence{
				set: s, since: s.deleting.At, events: []*history.Event{s.deleting, t.from}, written: podsOwners,
				text: fmt.Sprintf("%s was adopted at %s although deletion of the set %s began at %s", p.name, t.from.Ref(), s.name, s.deleting.Ref()),
			}, p.owners[i-1].from)
		}
	}
}

// decidedSince records a violation by an act that the first of two events, which are all, should have kept the controller from, where the history
// shows that the sync which did it began after the controller must have seen that: a status had been observed since or written by an earlier sync, or what made
// the act possible came later. A sync that is held up acts long after it looked.
func (res *results) decidedSince(id contract.ID, c evidence, possible *history.Event) {
	m, cause, act := res.m, c.events[0], c.events[1]
	began := c.set.lastStatusChange(m.visibleFrom(act.At))
	if possible != nil && before(possible, act) != no {
		began = max(began, possible.At)
	}
	v := c.set.latest(surelyBy(act.At))
	observed := cause.Resource == history.Sets && !cause.Gone() && v != nil && v.Set.Status.ObservedGeneration >= cause.Generation
	if observed || m.mustHaveSeen(cause.At, began) {
		res.broken(id, c)
		return
	}
	c.text += ", but nothing shows that the controller looked again in between: it may have been held up in the middle of a sync"
	res.inconclusive(id, c)
}

// lastStatusChange returns when the set's status last changed, up to a moment; 0 if it did not.
func (s *setLife) lastStatusChange(until time.Duration) time.Duration {
	for i := s.versionsUntil(until) - 1; i > 0; i-- {
		if s.events[i].Set.Status != s.events[i-1].Set.Status {
			return s.events[i].At
		}
	}
	return 0
}

// lacking returns the longest interval in which a set that was being deleted still existed and lacked a pod in its range, whose name was free;
// false if there is none.
func (m *model) lacking(s *setLife) (longest waitPeriod, found bool) {
	end := m.h.Duration()
	if s.gone != nil {
		end = s.gone.At
	}
	v := s.specAt(s.deleting.At)
	for _, p := range s.pods {
		if p.gone == nil || !inRange(v, p.ordinal) || s.life(p.ordinal, math.MaxInt) != p || m.nameTaken(p.ordinal, s, s.deleting.At, end) {
			continue
		}
		if from := max(p.gone.At, s.deleting.At); end-from > longest.to-longest.from {
			longest, found = waitPeriod{from: from, to: end, pod: p}, true
		}
	}
	return longest, found
}
