package judge

import (
	"fmt"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// checkScaleDownMinReady: with minReadySeconds no pod is terminated for a scale down while one that stays has not been Ready for that long.
// Timestamps have a resolution of one second and come from different clocks, hence the allowance.
func checkScaleDownMinReady(m *model, res *results) {
	const id = contract.OrderingScaleDownMinReady
	for _, a := range m.actions {
		if !a.set.ordered() {
			continue
		}
		for _, r := range a.removals {
			requested, known := deletionRequested(r.event)
			if !r.outOfRange || r.startMoved || len(r.staying) > 0 || !known {
				continue
			}
			views := m.cacheAt(a.set, r.event)
			if !m.maybeRollout(a.set, r.pod) {
				views = views.deciding(r.pod.ordinal, false)
			}
			need := views.leastMinReady()
			pods, all := m.stayingPods(a.set, r.event)
			w := m.leastReady(pods, r.event, requested)
			if need == 0 || !all || w.pod == nil {
				continue
			}
			held := readyHold{need: need, free: -1}
			if up := w.pod.readyBefore(r.event.Seq); up != nil {
				held.ready, held.free = up.from.At, a.set.outOfRangeSince(r.pod.ordinal, r.event)
			}
			res.minReady(id, a.set, r.event, w, held,
				fmt.Sprintf("%s began to terminate for a scale down at %s when %%s, which stays,", r.pod.name, r.event.Ref()))
		}
	}
}

// deletionRequested returns when the deletion that a pod's event shows was requested, by the API server's clock.
func deletionRequested(e *history.Event) (time.Time, bool) {
	if e.DeletionTimestamp == nil || e.DeletionGrace == nil {
		return time.Time{}, false
	}
	return e.DeletionTimestamp.Add(-time.Duration(*e.DeletionGrace) * time.Second), true
}

// stayingPods returns the pods of the ordinals that are in range in every version of the set that the controller may have known at an act. It
// returns false where there is no such pod, or one of them is not recorded.
func (m *model) stayingPods(s *setLife, act *history.Event) (pods []*podLife, all bool) {
	views := m.cacheAt(s, act)
	for _, n := range s.ordinals {
		if !views.everySpec(func(v *history.Event) bool { return inRange(v, n) }) {
			continue
		}
		p := s.life(n, act.Seq)
		if p == nil {
			return nil, false
		}
		pods = append(pods, p)
	}
	return pods, len(pods) > 0
}

// outOfRangeSince returns since when the ordinal had been out of range at an act.
func (s *setLife) outOfRangeSince(n int, act *history.Event) time.Duration {
	since := act.At
	for i := s.current(act.At); i >= 0 && !inRange(s.specs[i], n); i-- {
		since = s.specs[i].At
	}
	return since
}
