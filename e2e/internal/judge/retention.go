package judge

import (
	"fmt"
	"sort"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// checkRetention: claims are retained when pods, ordinals or the set are deleted, unless persistentVolumeClaimRetentionPolicy says Delete.
func checkRetention(m *model, res *results) {
	res.unexpectedClaimDeletion()
	for _, l := range m.lostPods {
		res.claimsSurvived(l)
	}
	overdue := m.collectOverdue()
	for _, a := range m.actions {
		for _, r := range a.removals {
			if !r.outOfRange || len(a.set.claimTemplates()) == 0 || m.maybeRollout(a.set, r.pod) {
				continue
			}
			if m.cacheAt(a.set, r.event).everySpec(scaledDelete) {
				res.scaledDelete(a.set, r.pod, overdue)
			} else if m.cacheAt(a.set, r.event).everySpec(scaledKeep) {
				res.scaledKeep(a.set, r.pod)
			}
		}
	}
	res.setDeleted(overdue)
	res.claimsOwnedBySet()
	res.claimsOwnedUnasked()
}

func scaledDelete(v *history.Event) bool  { return deletes(v.Set.WhenScaled) }
func scaledKeep(v *history.Event) bool    { return !scaledDelete(v) }
func deletedDelete(v *history.Event) bool { return deletes(v.Set.WhenDeleted) }
func someDelete(v *history.Event) bool    { return scaledDelete(v) || deletedDelete(v) }

// claimsSurvived checks that a pod's replacement uses the same claims on the same volumes.
func (res *results) claimsSurvived(l lostPod) {
	m := res.m
	if l.next == nil || l.next.created == nil || len(l.next.ready) == 0 || l.reason == released {
		return
	}
	from, to := l.at.At, l.next.ready[0].from.At
	if m.claimsRetained(l.set, l.pod.name, from, to) {
		res.exercised(contract.StorageDataSurvives)
		if m.cacheAt(l.set, l.at).everySpec(someDelete) {
			res.exercised(contract.StorageRetentionFailure)
		}
		return
	}
	for _, t := range l.set.claimTemplates() {
		c := m.claim(t+"-"+l.pod.name, from)
		if c == nil || c != m.claim(t+"-"+l.pod.name, to) || c.bound == nil || c.bound.At > from {
			continue
		}
		if was, is := c.at(from), c.at(to); was.Claim.Volume != is.Claim.Volume {
			res.broken(contract.StorageDataSurvives, evidence{
				set: l.set, since: from, events: []*history.Event{was, is},
				text: fmt.Sprintf("%s was replaced at %s and its claim %s, on volume %s before, is on volume %q at %s",
					l.pod.name, l.next.created.Ref(), c.name, was.Claim.Volume, is.Claim.Volume, is.Ref()),
			})
		}
	}
}

// scaledKeep counts claims that were retained through a scale down and used again.
func (res *results) scaledKeep(s *setLife, p *podLife) {
	replacement := s.replacementOf(p)
	if replacement == nil || replacement.created == nil || len(replacement.ready) == 0 {
		return
	}
	from, to := p.deleting.At, replacement.ready[0].from.At
	if !s.during(from, to, scaledDelete) && res.m.claimsRetained(s, p.name, from, to) {
		res.exercised(contract.StorageScaleKeeps)
	}
}

// scaledDelete checks the claims of a pod that was scaled down under whenScaled: Delete.
func (res *results) scaledDelete(s *setLife, p *podLife, overdue time.Duration) {
	const id = contract.StorageWhenScaledDelete
	m := res.m
	if p.gone == nil || p.gone.Change != history.Deleted {
		return
	}
	all := true
	for _, t := range s.claimTemplates() {
		c := m.claim(t+"-"+p.name, p.deleting.At)
		if c == nil || ownedByOther(c.last(), s, p.name) || (c.deleting != nil && !m.scaledWith(c, p)) {
			all = false
			continue
		}
		ch := evidence{set: s, since: p.deleting.At, events: []*history.Event{c.deleting, p.gone}, acts: []*history.Event{c.deleting}, anyAuthor: true}
		switch {
		case c.deleting == nil:
			all = false
			// A new claim may not have been in the informer cache when the pod was removed, and the spec may have changed since.
			waited := m.h.Duration() - p.gone.At
			settled := m.complete() && s.deleting == nil && !s.during(p.deleting.At, m.h.Duration(), func(v *history.Event) bool {
				return inRange(v, p.ordinal) || scaledKeep(v)
			})
			known := c.events[0].At < m.visibleFrom(p.deleting.At)
			if settled && waited > overdue && !known {
				res.excuse(id, CacheLag)
			}
			if settled && waited > overdue && known {
				ch.since, ch.until, ch.events = p.gone.At, m.h.Duration(), []*history.Event{c.last(), p.gone}
				ch.acts = []*history.Event{p.deleting} // with a pod that others deleted the controller need not have come to the claim
				ch.text = fmt.Sprintf("claim %s was kept to the end of the recording, %.1f s after a scale down with whenScaled: Delete had removed %s (%s)",
					c.name, waited.Seconds(), p.name, p.gone.Ref())
				res.notCollected(id, ch, p.gone.At+overdue)
			}
		case before(c.deleting, p.gone) == yes:
			all = false
			ch.text = fmt.Sprintf("claim %s was deleted at %s before its pod %s was gone (%s)", c.name, c.deleting.Ref(), p.name, p.gone.Aside())
			if m.mustHaveSeen(c.deleting.At, p.gone.At) {
				res.broken(id, ch)
			} else {
				res.inconclusive(id, ch)
			}
		case c.gone == nil:
			all = false
		}
	}
	if all {
		res.exercised(id)
	}
}

// scaledWith reports whether the claim was deleted by the scale down of its pod, which owned it then.
func (m *model) scaledWith(c *claimLife, p *podLife) bool {
	return before(c.deleting, p.deleting) != yes && ownerNamed(c.deleting, "Pod", p.name) == p.uid && !m.deletedByTest(c.uid, c.events[0], c.deleting)
}

// setDeleted checks the claims of deleted sets.
func (res *results) setDeleted(overdue time.Duration) {
	m := res.m
	last := map[string]*setLife{}
	for _, s := range m.sets {
		if len(s.events) == 0 {
			continue
		}
		if old := last[s.name]; old != nil && old.deleting != nil && !deletedDelete(old.specs[len(old.specs)-1]) {
			for _, p := range s.pods {
				if p.created != nil && p.owners[0].set == s && len(p.ready) > 0 &&
					m.claimsRetained(old, p.name, old.deleting.At, p.ready[0].from.At) && len(old.byOrdinal[p.ordinal]) > 0 {
					res.exercised(contract.StorageDeleteKeeps)
				}
			}
		}
		last[s.name] = s
	}
	for _, c := range m.claims {
		for _, o := range c.last().Owners {
			if s := m.bySet[o.UID]; s != nil && s.gone != nil && len(c.last().Owners) == 1 {
				res.claimOfDeletedSet(s, c, overdue)
			}
		}
	}
}

// claimOfDeletedSet checks a claim that a set owned until it was removed: a deletion that orphans dependents removes the ownerReference
// first.
func (res *results) claimOfDeletedSet(s *setLife, c *claimLife, overdue time.Duration) {
	const id = contract.StorageWhenDeletedDelete
	m := res.m
	if !s.during(m.visibleFrom(s.deleting.At), s.deleting.At, deletedDelete) {
		return
	}
	if c.deleting != nil {
		if c.gone != nil && before(c.deleting, s.deleting) != yes && !m.deletedByTest(c.uid, c.events[0], c.deleting) {
			res.exercised(id)
		}
		return
	}
	if waited := m.h.Duration() - s.gone.At; waited > overdue && m.complete() {
		res.notCollected(id, evidence{
			set: s, since: s.gone.At, until: m.h.Duration(), events: []*history.Event{c.last(), s.gone},
			text: fmt.Sprintf("claim %s, which the set %s owned, was kept to the end of the recording, %.1f s after the set had gone (%s) with whenDeleted: Delete",
				c.name, s.name, waited.Seconds(), s.gone.Ref()),
		}, s.gone.At+overdue)
	}
}

// checkRetentionChange: when whenDeleted changes, the claims' ownerReferences to the set follow.
func checkRetentionChange(m *model, res *results) {
	for _, s := range m.sets {
		var change *history.Event
		for i, v := range s.specs {
			if i == 0 || deletedDelete(v) == deletedDelete(s.specs[i-1]) {
				continue
			}
			if change != nil {
				res.retentionPolicyApplied(s, change, v.At)
			}
			change = v
		}
		if change == nil || len(s.claimTemplates()) == 0 {
			continue
		}
		until := m.h.Duration()
		if s.deleting != nil {
			until = s.deleting.At
		}
		res.retentionPolicyApplied(s, change, until)
	}
}

// retentionPolicyApplied checks the claims of a set's pods between a change of whenDeleted and the next one, the set's deletion or the end.
func (res *results) retentionPolicyApplied(s *setLife, change *history.Event, until time.Duration) {
	const id = contract.StorageRetentionChange
	m, owned := res.m, deletedDelete(change)
	for _, p := range s.pods {
		if p.first().At > change.At || (p.deleting != nil && p.deleting.At < change.At) || !s.wanted(p.ordinal, change.At, until) {
			continue
		}
		for _, t := range s.claimTemplates() {
			c := m.claim(t+"-"+p.name, change.At)
			if c == nil || c.deleting != nil && c.deleting.At <= until || ownedBy(c.at(surelyBy(change.At)), s) == owned {
				continue
			}
			first := sort.Search(len(c.events), func(i int) bool { return c.events[i].At > surelyBy(change.At) })
			followed := false
			for _, e := range c.events[first:] {
				followed = followed || (by(e, until) != no && ownedBy(e, s) == owned)
			}
			if followed {
				res.exercised(id)
			} else if due := m.claimsDue(s, p.ordinal, s.current(change.At), until); due != nil {
				res.retentionPolicyIgnored(s, p, c, change, *due)
			}
		}
	}
}

// retentionPolicyIgnored reports that a claim's ownerReferences did not follow a change of whenDeleted.
func (res *results) retentionPolicyIgnored(s *setLife, p *podLife, c *claimLife, change *history.Event, due stretch) {
	m, last := res.m, c.at(due.until)
	if now := s.lifeAt(p.ordinal, due.until-1); stale(last, s, now) || (due.until == m.h.Duration() && !m.complete()) {
		return
	}
	verb, when := "had not come to own it", "at "+history.Clock(due.until)
	if !deletedDelete(change) {
		verb = "still owned it"
	}
	if due.until == m.h.Duration() {
		when = "at the end of the recording"
	}
	res.notDone(contract.StorageRetentionChange, evidence{
		set: s, since: due.since, until: due.until, also: []history.Resource{history.Pods}, events: []*history.Event{change, last}, written: claimsOwners,
		text: fmt.Sprintf("whenDeleted of %s became %s at %s and after %.1f s, %s, the set %s: claim %s of %s",
			s.name, change.Set.WhenDeleted, change.Ref(), (due.until - due.since).Seconds(), when, verb, c.name, p.name),
	}, due.since+m.actDeadline())
}

func ownedBy(claim *history.Event, s *setLife) bool {
	return ownerNamed(claim, "StatefulSet", s.name) == s.uid
}

// stale reports whether the claim has owners because of which the controller leaves its ownerReferences alone: other objects, or earlier
// ones of the same names.
func stale(claim *history.Event, s *setLife, p *podLife) bool {
	set, pod := ownerNamed(claim, "StatefulSet", s.name), ownerNamed(claim, "Pod", p.name)
	return ownedByOther(claim, s, p.name) || (set != "" && set != s.uid) || (pod != "" && pod != p.uid)
}
