package judge

import (
	"fmt"
	"slices"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// claimsOwnedBySet checks that under whenDeleted: Delete a set comes to own the claims of its pods, so that they go with it. What a change of the policy
// makes of the claims of pods that were there is another guarantee's, storage/retention-change.
func (res *results) claimsOwnedBySet() {
	for _, s := range res.m.sets {
		for from := 0; from < len(s.specs); {
			to := from
			for to < len(s.specs) && deletedDelete(s.specs[to]) {
				to++
			}
			if to > from {
				res.claimsOwnedDuring(s, from, to)
			}
			from = to + 1
		}
	}
}

// claimsOwnedDuring does so for the versions of a set with such an index, the last left out.
func (res *results) claimsOwnedDuring(s *setLife, from, to int) {
	until := res.m.h.Duration()
	if to < len(s.specs) {
		until = s.specs[to].At
	}
	if s.deleting != nil {
		until = min(until, s.deleting.At)
	}
	for _, p := range s.pods {
		end := until
		if p.gone != nil {
			end = min(end, p.gone.At)
		}
		if from > 0 && p.first().At <= s.specs[from].At || p.first().At >= end {
			continue
		}
		for _, t := range s.claimTemplates() {
			res.claimOwnedBySet(s, p, t, from, end)
		}
	}
}

// claimOwnedBySet does so for one claim, that of a pod by a claim template, under the versions of the set from that index on until a moment.
func (res *results) claimOwnedBySet(s *setLife, p *podLife, template string, from int, until time.Duration) {
	m := res.m
	due := m.claimsDue(s, p.ordinal, from, until)
	if due == nil || (due.until == m.h.Duration() && !m.complete()) {
		return
	}
	c := m.claim(template+"-"+p.name, due.until)
	if c == nil || c.deleting != nil && by(c.deleting, due.until) != no {
		return
	}
	since, last := max(due.since, c.events[0].At), c.at(due.until)
	owned := slices.ContainsFunc(c.events, func(e *history.Event) bool { return by(e, due.until) != no && ownedBy(e, s) })
	if owned || due.until-since <= m.actDeadline() || stale(last, s, p) {
		return
	}
	res.notDone(contract.StorageWhenDeletedDelete, evidence{
		set: s, since: since, until: due.until, also: []history.Resource{history.Pods}, events: []*history.Event{p.first(), last}, written: claimsOwners,
		text: fmt.Sprintf("the set %s had not come to own the claim %s of %s after %.1f s, at %s, though its whenDeleted is Delete and nothing had stood in the way",
			s.name, c.name, p.name, (due.until - since).Seconds(), history.Clock(due.until)),
	}, since+m.actDeadline())
}
