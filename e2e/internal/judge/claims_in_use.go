package judge

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// heldClaim is a claim that is gone, and a pod that used it.
type heldClaim struct {
	claim *claimLife
	pod   *podLife
	set   *setLife // nil for a pod of no set
	// from is what made the claim's end possible, name what a finding calls the claim.
	from *history.Event
	name string
}

// checkClaimInUse: a claim whose deletion was requested while a pod used it is gone only after that pod. One that goes with its deleted set
// before the pod of that set is reported by checkDeletedAfterPods alone.
func checkClaimInUse(m *model, res *results) {
	const id = contract.StorageInUseProtection
	users := map[string][]*podLife{}
	for _, p := range m.pods {
		for _, name := range p.first().Pod.Claims {
			users[name] = append(users[name], p)
		}
	}
	for _, c := range m.claims {
		if c.gone == nil {
			continue
		}
		for _, p := range users[c.name] {
			if !m.heldBy(c, p) {
				continue
			}
			h := heldClaim{claim: c, pod: p, set: p.owner(), from: c.deleting, name: "claim " + c.name}
			if s := m.deletedWithSet(c); s == nil || !s.claims(c, p) {
				res.goneAfterPod(id, h)
			} else if m.wasHeld(h) {
				res.exercised(id)
			}
		}
	}
}

// checkDeletedAfterPods: under whenDeleted: Delete a claim of a deleted set is gone only after the pod that uses it has terminated.
func checkDeletedAfterPods(m *model, res *results) {
	const id = contract.StorageDeletedAfterPods
	for _, c := range m.claims {
		s := m.deletedWithSet(c)
		if c.gone == nil || s == nil {
			continue
		}
		for _, p := range s.byOrdinal[history.Ordinal(c.name)] {
			if !s.claims(c, p) || !m.heldBy(c, p) {
				continue
			}
			res.goneAfterPod(id, heldClaim{claim: c, pod: p, set: s, from: s.deleting, name: fmt.Sprintf("claim %s of the deleted set %s", c.name, s.name)})
		}
	}
}

// claims reports whether the claim is that of the set's own pod.
func (s *setLife) claims(c *claimLife, p *podLife) bool {
	return p.owner() == s && p.ordinal == history.Ordinal(c.name)
}

// deletedWithSet returns the deleted set with which its retention policy deleted the claim, or nil.
func (m *model) deletedWithSet(c *claimLife) *setLife {
	if c.deleting == nil || m.deletedByTest(c.uid, c.events[0], c.deleting) {
		return nil
	}
	for _, o := range c.deleting.Owners {
		s := m.bySet[o.UID]
		if s != nil && s.mayBeDeleted(c.deleting) && s.during(m.visibleFrom(s.deleting.At), s.deleting.At, deletedDelete) {
			return s
		}
	}
	return nil
}

// heldBy reports whether the pod uses the claim and was scheduled so long before the claim's end that this was known: the claim is held for
// no other pod.
func (m *model) heldBy(c *claimLife, p *podLife) bool {
	e := p.scheduled()
	return e != nil && !m.mayHaveMissed(e, c.gone) && slices.Contains(slices.Collect(maps.Values(e.Pod.Claims)), c.name)
}

// scheduled returns the first event that shows the pod with a node, nil if there is none.
func (p *podLife) scheduled() *history.Event {
	for _, e := range p.events {
		if e.Pod.Node != "" {
			return e
		}
	}
	return nil
}

// end returns the first event that shows the pod gone, or finished and with it its containers, nil if there is none.
func (p *podLife) end() *history.Event {
	if p.finished != nil && (p.gone == nil || p.finished.Seq < p.gone.Seq) {
		return p.finished
	}
	return p.gone
}

// wasHeld reports whether the claim could have gone before the pod ended, and did not.
func (m *model) wasHeld(h heldClaim) bool {
	end, c := h.pod.end(), h.claim
	return end != nil && before(c.gone, end) != yes && !withinSkew(c.deleting.At, c.gone.At) && before(c.deleting, end) == yes
}

// goneAfterPod checks that a claim was not gone before a pod that used it had ended.
func (res *results) goneAfterPod(id contract.ID, h heldClaim) {
	m, c, end := res.m, h.claim, h.pod.end()
	ch := evidence{set: h.set, since: h.from.At, also: []history.Resource{history.Pods}, events: []*history.Event{c.gone, end}, anyAuthor: true}
	ch.text = fmt.Sprintf("%s was gone at %s before its pod %s had terminated", h.name, c.gone.Ref(), h.pod.name)
	until := m.h.Duration()
	switch {
	case m.wasHeld(h):
		res.exercised(id)
		return
	case end == nil && !m.complete():
		return
	case end == nil:
		ch.until, ch.text = until, ch.text+", which it had not by the end of the recording"
	case before(end, h.from) == yes: // the pod was not there any more
		return
	case before(c.gone, end) != yes:
		return
	default:
		until, ch.text = end.At, ch.text+" ("+end.Aside()+")"
	}
	if m.mustHaveSeen(c.gone.At, until) {
		res.broken(id, ch)
	} else {
		res.inconclusive(id, ch)
	}
}
