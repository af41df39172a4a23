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

// createWhileTerminating lets a set create a pod long after its own deletion began.
func createWhileTerminating(h *mutableHistory) bool {
	for _, set := range h.shuffled(history.Sets) {
		d, pods := set.deletion(), h.podsOf(set)
		if d == nil || len(pods) == 0 || h.end < d.At+4*time.Second {
			continue
		}
		h.insert(pods[0].first(), d.At+3*time.Second, func(e *history.Event) {
			e.Change, e.UID, e.Name = history.Added, "uid-late", set.name+"-77"
		})
		return true
	}
	return false
}
