package judge

import (
	"fmt"
	"slices"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// checkMemberReturns: the next pod of a member's name, with the same claims, is the same member and has what it had applied.
func checkMemberReturns(m *model, res *results) {
	const id = contract.WorkloadMemberReturns
	for _, d := range m.databases() {
		var slowest time.Duration
		var of *podLife
		for _, s := range d.sets {
			for _, p := range s.pods {
				was := d.stateBefore(p.predecessorIncarnation)
				if was == nil || !m.sameClaims(s, p) {
					continue
				}
				if took, back := res.memberReturned(d, p, was); back && took > slowest {
					slowest, of = took, p
				}
			}
		}
		if of != nil {
			res.note(id, "%s took longest to be back with its data: %.1f s", of.name, slowest.Seconds())
		}
	}
}

// stateBefore returns what the member of a pod said last before the pod's deletion was requested, or nil.
func (d *database) stateBefore(p *podLife) *history.MemberState {
	if p == nil || p.deleting == nil || p.gone == nil {
		return nil
	}
	var out *history.MemberState
	for _, s := range d.states {
		if s.Member == p.name && s.At <= p.deleting.At && s.Call >= p.first().At {
			out = s
		}
	}
	return out
}

// sameClaims reports whether a pod uses the claims that the pod of its name before it used.
func (m *model) sameClaims(s *setLife, p *podLife) bool {
	for _, t := range s.claimTemplates() {
		c := m.claim(t+"-"+p.name, p.predecessorIncarnation.deleting.At)
		if c == nil || c.deleting != nil || c != m.claim(t+"-"+p.name, m.h.Duration()) {
			return false
		}
	}
	return len(s.claimTemplates()) > 0
}

// memberReturned judges what the member said that a pod is, and returns how long after the deletion of the pod before it was back.
func (res *results) memberReturned(d *database, p *podLife, was *history.MemberState) (took time.Duration, back bool) {
	const id = contract.WorkloadMemberReturns
	before := p.predecessorIncarnation
	var last *history.MemberState
	for _, s := range d.states {
		if s.Member != p.name || s.Call < before.gone.At || len(p.ready) == 0 || s.Call < p.ready[0].from.At {
			continue
		}
		if p.deleting != nil && s.At >= p.deleting.At {
			break
		}
		if s.ID == was.ID && s.Index >= was.Index {
			res.exercised(id)
			return s.At - before.deleting.At, true
		}
		last = s
	}
	c := evidence{events: []*history.Event{before.deleting, p.last()}, anyAuthor: true}
	switch {
	case last != nil && last.ID != was.ID:
		c.text = fmt.Sprintf("%s, replaced at %s with the same claims, is the member %s of its database and was %s before", p.name, p.first().Ref(), last.ID, was.ID)
	case last != nil && res.m.returnOverdue(last.At-p.ready[0].from.At):
		c.text = fmt.Sprintf("%s, replaced at %s with the same claims, has applied %d entries of its database's log at %s, and had %d before", p.name, p.first().Ref(), last.Index, moment(last.At), was.Index)
	case last == nil && res.m.keepsEnding(p) && p.revision == before.revision && d.wroteAfter(p.last().At):
		c.text = fmt.Sprintf("%s, replaced at %s with the same claims and template, does not come back: its container has ended by itself %d times, the last time with exit code %d, "+
			"while the others served", p.name, p.first().Ref(), p.last().Pod.Restarts(), p.exitCode())
	default:
		return 0, false
	}
	res.unexplained(id, d, c, before.deleting.At, p.last().At)
	return 0, false
}

// last is the pod's newest version.
func (p *podLife) last() *history.Event { return p.events[len(p.events)-1] }

// exitCode returns the last exit code that is known of the pod's own container, 0 if none is: one that waits to be started again shows none.
func (p *podLife) exitCode() int32 {
	for _, e := range slices.Backward(p.events) {
		if c := e.Pod.Main(); c != nil && c.State == history.ContainerTerminated {
			return c.ExitCode
		}
	}
	return 0
}

// wroteAfter reports whether a write was acknowledged that was asked for after a moment.
func (d *database) wroteAfter(at time.Duration) bool {
	return slices.ContainsFunc(d.ops, func(o *history.ClientOperation) bool { return o.Acknowledged() && o.Call > at })
}
