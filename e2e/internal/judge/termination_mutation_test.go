package judge_test

import (
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func terminationMutations() map[contract.ID]mutation {
	return map[contract.ID]mutation{
		contract.TerminationReverse: scaleDownEarly(func(v *history.Event, p *object) bool {
			return v.Set.Replicas == 0 && runningReady(p.at(p.deletion().At-1))
		}),
		contract.TerminationNoRecreate: createWhileTerminating,
	}
}

// createWhileTerminating lets a set create a pod anew that was removed long after the set's own deletion began.
func createWhileTerminating(h *mutableHistory) bool {
	for _, set := range h.shuffled(history.Sets) {
		d := set.deletion()
		if d == nil {
			continue
		}
		for _, p := range h.podsOf(set) {
			gone := p.removal()
			if gone == nil || gone.At < d.At+3*time.Second || h.replacement(p) != nil {
				continue
			}
			h.insert(p.first(), gone.At+200*time.Millisecond, func(e *history.Event) { e.Change, e.UID = history.Added, "uid-late" })
			return true
		}
	}
	return false
}
