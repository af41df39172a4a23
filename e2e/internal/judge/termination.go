package judge

import (
	"fmt"
	"math"

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

// checkNoRecreate: once deletion of a set has been requested, it creates no pods.
func checkNoRecreate(m *model, res *results) {
	const id = contract.TerminationNoRecreate
	for _, s := range m.sets {
		if s.deleting == nil {
			continue
		}
		clean := true
		for _, p := range s.pods {
			if p.created == nil || p.created.At <= s.deleting.At {
				continue
			}
			clean = false
			if m.mayHaveMissed(s.deleting, p.created) {
				res.excuse(id, CacheLag)
				continue
			}
			res.broken(id, evidence{
				set: s, since: s.deleting.At, events: []*history.Event{s.deleting, p.created},
				text: fmt.Sprintf("%s was created at %s although deletion of its set began at %s", p.name, p.created.Ref(), s.deleting.Ref()),
			})
		}
		if h, ok := m.lacking(s); ok && clean {
			res.exercisedByWaiting(id, h, fmt.Sprintf("the set %s was being deleted and lacked %s", s.name, h.pod.name))
		}
	}
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
