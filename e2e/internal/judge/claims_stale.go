package judge

import (
	"fmt"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// checkStaleClaims: under whenScaled: Delete a pod whose ordinal is wanted again is not made on a claim that goes with the pod before it: it would run on a volume
// that is deleted as soon as it ends.
func checkStaleClaims(m *model, res *results) {
	for _, a := range m.actions {
		for _, c := range a.creations {
			if len(a.set.claimTemplates()) == 0 || !m.cacheAt(a.set, c.event).everySpec(scaledDelete) {
				continue
			}
			for _, t := range a.set.claimTemplates() {
				if claim := m.claim(t+"-"+c.pod.name, surelyBy(c.event.At)); claim != nil {
					res.staleClaim(a.set, c, claim)
				}
			}
		}
	}
}

// staleClaim judges one claim of a new pod: it was owned by the former pod, which was gone, for longer than the controller's cache may be behind, its deletion was
// requested, and it was there when the pod had a node.
func (res *results) staleClaim(s *setLife, c creation, claim *claimLife) {
	m, p := res.m, c.pod
	former := m.byPod[ownerNamed(claim.last(), "Pod", p.name)]
	if former == nil || former == p || former.gone == nil || former.gone.Seq > c.event.Seq || claim.deleting == nil || m.deletedByTest(claim.uid, claim.events[0], claim.deleting) {
		return
	}
	var owned *history.Event // since when that pod has owned it
	for _, e := range claim.events {
		switch owner := ownerNamed(e, "Pod", p.name) == former.uid; {
		case !owner:
			owned = nil
		case owned == nil:
			owned = e
		}
	}
	scheduled := p.scheduled()
	if owned == nil || before(owned, c.event) != yes || m.mayHaveMissed(owned, c.event) || scheduled == nil || !m.recordedAfter(scheduled.At) || by(claim.gone, scheduled.At) != no {
		return
	}
	res.broken(contract.IdentitySticky, evidence{
		set: s, since: owned.At, until: max(scheduled.At, claim.deleting.At), also: []history.Resource{history.Claims}, events: []*history.Event{owned, former.gone, claim.deleting, c.event}, anyAuthor: true,
		text: fmt.Sprintf("%s was created at %s on the claim %s, which went with the pod before it (UID %s, gone at %s): its deletion was requested at %s, and the new pod ran on it",
			p.name, c.event.Ref(), claim.name, former.uid, former.gone.Aside(), claim.deleting.Ref()),
	})
}
