package judge

import (
	"fmt"
	"slices"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// checkOwnerBeforeDelete: under whenScaled: Delete a pod owns its claims before a scale down requests its deletion. The two come milliseconds
// apart where a pod goes at once, which two watches cannot tell from the opposite; for a pod that has to wait for others they are far apart.
func checkOwnerBeforeDelete(m *model, res *results) {
	for _, a := range m.actions {
		for _, r := range a.removals {
			if !r.outOfRange || m.maybeRollout(a.set, r.pod) || !m.cacheAt(a.set, r.event).everySpec(scaledDelete) {
				continue
			}
			for _, t := range a.set.claimTemplates() {
				if c := m.claim(t+"-"+r.pod.name, r.event.At); c != nil {
					res.ownedBeforeDelete(a.set, c, r)
				}
			}
		}
	}
}

// ownedBeforeDelete checks one claim of a removed pod. The controller leaves alone what its cache lacks and what has other owners.
func (res *results) ownedBeforeDelete(s *setLife, c *claimLife, r removal) {
	const id = contract.StorageOwnerBeforeDelete
	m := res.m
	deleted := no
	if c.deleting != nil {
		deleted = before(c.deleting, r.event)
	}
	owned, owner := no, func(e *history.Event) bool { return ownerNamed(e, "Pod", r.pod.name) == r.pod.uid }
	switch {
	case deleted == yes:
		return
	case m.mayHaveMissed(c.events[0], r.event):
		if !slices.ContainsFunc(c.events, func(e *history.Event) bool { return owner(e) && before(e, r.event) != no }) {
			res.excuse(id, CacheLag)
		}
		return
	}
	var last *history.Event // that surely came before
	had := false            // an earlier version named the pod
	for _, e := range c.events {
		switch before(e, r.event) {
		case yes:
			last, owned = e, no
			if owner(e) {
				owned, had = yes, true
			}
		case unknown:
			if owner(e) != (owned == yes) {
				owned = unknown
			}
		}
	}
	switch {
	case last == nil || owned == unknown || stale(last, s, r.pod):
	case owned == yes:
		res.exercised(id)
	case deleted == unknown, deliveredBy(r.event.At) > m.h.Duration(): // its owner may not have been delivered yet
	default:
		ch := evidence{
			set: s, since: last.At, until: deliveredBy(r.event.At), events: []*history.Event{last, r.event}, written: claimsOwners,
			text: fmt.Sprintf("the scale down requested the deletion of %s at %s while its claim %s did not name it as an owner (last seen at %s)",
				r.pod.name, r.event.Ref(), c.name, last.Ref()),
		}
		if had {
			// The controller had done what it must.
			ch.text += "; but it had named it before" + anyClient("change claims")
			res.inconclusive(id, ch)
			return
		}
		res.broken(id, ch)
	}
}
