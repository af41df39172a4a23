package judge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// claimOutOfRange reports a claim that a set's controller created for an ordinal that no version of the set which it may have known has in range, and of
// which there is no pod either: nobody will use it. s is one of the sets whose claims have such names.
func (res *results) claimOutOfRange(s *setLife, c *claimLife) {
	m, n := res.m, history.Ordinal(c.name)
	if m.h.Duration() < m.settledBy(c.created.At) {
		return
	}
	ofPod := c.name[:strings.LastIndexByte(c.name, '-')]
	for _, other := range m.claimants[ofPod] {
		if by(other.events[0], c.created.At) != no && m.mayWantClaim(other, c, n) {
			return
		}
	}
	if !m.madeByController(s, c) {
		return // people make claims for pods that they are about to ask for
	}
	v := s.specAt(c.created.At)
	res.broken(contract.StorageClaimPerPod, evidence{
		set: s, since: m.lagBefore(c.created), until: m.settledBy(c.created.At), also: []history.Resource{history.Pods}, events: []*history.Event{v, c.created},
		text: fmt.Sprintf("claim %s was created at %s for a pod that there is not to be: the ordinals of the set run from %d to %d (%s)",
			c.name, c.created.Ref(), v.Set.Start, v.Set.Start+v.Set.Replicas-1, v.Aside()),
	})
}

// mayWantClaim reports whether a set may have wanted a pod of that ordinal when a claim for it was created, or have had one around then: it may do for a pod that
// is to leave what it does for the others.
func (m *model) mayWantClaim(s *setLife, c *claimLife, n int) bool {
	wanted := func(v *history.Event) bool { return inRange(v, n) }
	from, to := m.visibleFrom(c.created.At), m.settledBy(c.created.At)
	return m.cacheAt(s, c.created).anySpec(wanted) || s.during(from, to, wanted) || slices.ContainsFunc(m.podsNamed[fmt.Sprintf("%s-%d", s.name, n)], func(p *podLife) bool {
		return by(p.first(), to) != no && by(p.gone, from) != yes
	})
}
