package judge

import (
	"fmt"

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
			if m.mayHaveMissed(s.deleting, p.created) {
				res.of(id).Excused++
				continue
			}
			clean = false
			res.broken(id, evidence{
				set: s, since: s.deleting.At, events: []*history.Event{s.deleting, p.created},
				text: fmt.Sprintf("%s was created at %s although deletion of its set began at %s", p.name, p.created.Ref(), s.deleting.Ref()),
			})
		}
		if clean && len(s.pods) > 0 {
			res.exercised(id)
		}
	}
}
