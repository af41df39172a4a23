package judge

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// claimsOwnedUnasked reports every ownerReference that a claim got and that no retention policy asked for, be it that its owner is deleted later, with
// which it would go, or never. Only the controller is held to that: whoever else writes there may want so.
func (res *results) claimsOwnedUnasked() {
	m := res.m
	controller := m.statusWriter()
	for _, c := range m.claims {
		for i, e := range c.events {
			if e.Gone() || e.Change == history.Listed || i == 0 && (c.created == nil || m.createdByTest(history.Claims, c.name)) || e.Claim.OwnersWriter != controller {
				continue
			}
			for _, o := range e.Owners {
				had := func(former metav1.OwnerReference) bool { return former.UID == o.UID }
				if i == 0 || !slices.ContainsFunc(c.events[i-1].Owners, had) {
					res.ownedBySetUnasked(c, e, m.bySet[o.UID])
					res.ownedByPodUnasked(c, e, m.byPod[o.UID])
				}
			}
		}
	}
}

// ownedBySetUnasked does so for a claim of one of the set's pods, from the event on that first shows the set as its owner.
func (res *results) ownedBySetUnasked(c *claimLife, e *history.Event, s *setLife) {
	m := res.m
	if s == nil || len(s.events) == 0 || s.mayBeDeleted(e) || !slices.ContainsFunc(s.claimTemplates(), func(t string) bool { return c.madeFrom(t, s.name) }) ||
		m.cacheAt(s, e).anySpec(deletedDelete) {
		return
	}
	res.ownedUnasked(contract.StorageDeleteKeeps, s, c, e, fmt.Sprintf("the set %s, with which it would be deleted although its whenDeleted is Retain", s.name))
}

// madeFrom reports whether a claim has the name that a template gives those of a set.
func (c *claimLife) madeFrom(template, set string) bool {
	return c.name == fmt.Sprintf("%s-%s-%d", template, set, history.Ordinal(c.name))
}

// ownedByPodUnasked does so for a claim of a pod.
func (res *results) ownedByPodUnasked(c *claimLife, e *history.Event, p *podLife) {
	m := res.m
	if p == nil {
		return
	}
	var of *setLife
	for _, t := range p.owners {
		if t.set == nil || len(t.set.specs) == 0 {
			continue
		}
		of = t.set
		if of.mayBeDeleted(e) || !slices.ContainsFunc(of.claimTemplates(), func(t string) bool { return c.name == t+"-"+p.name }) ||
			m.cacheAt(of, e).anySpec(func(v *history.Event) bool { return scaledDelete(v) && !inRange(v, p.ordinal) }) {
			return
		}
	}
	if of != nil {
		id, why := m.protectedBy(of, p.name, e)
		res.ownedUnasked(id, of, c, e, fmt.Sprintf("the pod %s, with which it would be deleted although %s", p.name, why))
	}
}

// ownedUnasked reports that a claim of a set came to be owned at an event; text goes on with by whom.
func (res *results) ownedUnasked(id contract.ID, s *setLife, c *claimLife, e *history.Event, text string) {
	res.broken(id, evidence{
		set: s, since: res.m.visibleFrom(e.At), also: []history.Resource{history.Pods}, events: []*history.Event{s.specAt(e.At), e}, admitted: true,
		text: fmt.Sprintf("claim %s came to be owned at %s by %s", c.name, e.Ref(), text),
	})
}
