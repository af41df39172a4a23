package judge

import (
	"slices"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
)

// actDeadline returns how long something must be missing before this history may accuse anybody of it.
func (m *model) actDeadline() time.Duration {
	if m.reaction() == 0 {
		return unmeasuredActDeadline
	}
	return m.actDeadlineWhenObserved()
}

// actDeadlineWhenObserved is the same where the set's status shows that its controller has seen everything.
func (m *model) actDeadlineWhenObserved() time.Duration {
	return max(MinActDeadline, HoldFactor*m.reaction())
}

// notDone records that something did not happen which was due since c.since: a violation where something shows that the controller was at
// work since, else a doubt. A controller that is restarted, or whose API server was, may be away for longer than anything has to take.
func (res *results) notDone(id contract.ID, c evidence) {
	until := c.until
	if until == 0 {
		until = res.m.h.Duration()
	}
	if lag := res.m.h.Header.Lag; res.m.controllerActive(c.since+lag, until-lag) {
		res.broken(id, c)
		return
	}
	c.text += ", but nothing shows that the controller was at work"
	res.inconclusive(id, c)
}

// controllerActive reports whether something shows that the controller was there between those moments: the status of some set changed, or a set
// got a pod.
func (m *model) controllerActive(after, before time.Duration) bool {
	return slices.ContainsFunc(m.rollouts, func(r *rollout) bool { return r.wrote(after, before) }) ||
		slices.ContainsFunc(m.pods, func(p *podLife) bool {
			return p.created != nil && p.created.At > after && p.created.At <= before && p.owners[0].set != nil
		})
}

// wrote reports whether the set's status changed between those moments.
func (r *rollout) wrote(after, before time.Duration) bool {
	n := r.set.versionsUntil(after)
	for i := max(n, 1); i < len(r.set.events) && r.set.events[i].At <= before; i++ {
		if r.set.events[i].Set.Status != r.set.events[i-1].Set.Status {
			return true
		}
	}
	return false
}
