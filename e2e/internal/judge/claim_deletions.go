package judge

import (
	"fmt"
	"slices"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// unexpectedClaimDeletion reports every deletion of a claim that neither the test nor a retention policy explains.
func (res *results) unexpectedClaimDeletion() {
	m := res.m
	for _, c := range m.claims {
		if c.deleting == nil || m.deletedByTest(c.uid, c.events[0], c.deleting) {
			continue
		}
		s, pod := m.claimant(c.name, surelyBy(c.deleting.At))
		if s == nil || ownedByOther(c.deleting, s, pod) {
			continue
		}
		id, why := m.protectedBy(s, pod, c.deleting)
		ch := evidence{
			set: s, since: c.deleting.At, also: []history.Resource{history.Pods}, events: []*history.Event{c.deleting}, acts: []*history.Event{c.deleting},
			text: fmt.Sprintf("claim %s was deleted at %s although %s", c.name, c.deleting.Ref(), why),
		}
		if i := len(c.events) - 1; i > 0 {
			ch.since = min(ch.since, c.at(c.deleting.At-1).At)
		}
		switch deletion := m.deletionWithOwner(s, pod, c); {
		case deletion.allowed:
		case deletion.due != nil:
			// That its ownerReference was still there is an omission of the controller.
			ch.since, ch.until = deletion.due.since, deletion.due.until
			res.notDone(id, ch, ch.since+m.actDeadline())
		case deletion.stale:
			res.excuse(id, NotDue)
		default:
			res.broken(id, ch)
		}
	}
}

// ownerDeletion says whether a claim was rightly deleted with its owner.
type ownerDeletion struct {
	// allowed: the retention policy deletes it with that owner, in a version that the controller may have known at the owner's deletion.
	allowed bool
	// stale: an earlier version did, when the ownerReference was written.
	stale bool
	// due is a stretch after that version in which the controller had to remove the ownerReference, nil if there was none.
	due *stretch
}

// deletionWithOwner decides whether the claim had an ownerReference to an object with which the retention policy deletes it.
func (m *model) deletionWithOwner(s *setLife, pod string, c *claimLife) ownerDeletion {
	var out ownerDeletion
	if uid := ownerNamed(c.deleting, "StatefulSet", s.name); uid != "" {
		out = m.deletionWithSet(c, m.bySet[uid])
	}
	if uid := ownerNamed(c.deleting, "Pod", pod); uid != "" && !out.allowed {
		if ofPod := m.deletionWithPod(c, m.byPod[uid]); ofPod.allowed || ofPod.stale {
			return ofPod
		}
	}
	return out
}

// deletionWithSet decides about the deletion of a claim that a set owns, nil where it is not recorded: it was gone before the recording.
func (m *model) deletionWithSet(c *claimLife, s *setLife) ownerDeletion {
	if s == nil || len(s.events) == 0 {
		return ownerDeletion{allowed: true}
	}
	if !s.mayBeDeleted(c.deleting) {
		return ownerDeletion{}
	}
	if m.cacheAt(s, s.deleting).anySpec(deletedDelete) {
		return ownerDeletion{allowed: true}
	}
	owned := func(e *history.Event) bool { return ownerNamed(e, "StatefulSet", s.name) == s.uid }
	return m.staleOwner(s, c, history.Ordinal(c.name), owned, deletedDelete, s.deleting)
}

// deletionWithPod is the same for a pod.
func (m *model) deletionWithPod(c *claimLife, p *podLife) ownerDeletion {
	if p == nil {
		return ownerDeletion{allowed: true}
	}
	var out ownerDeletion
	// An earlier owner may have scaled the pod down before another set adopted it.
	for _, t := range p.owners {
		if t.set == nil || len(t.set.specs) == 0 {
			continue
		}
		// A pod that is terminating already is removed by a scale down as well.
		from, to := m.visibleFrom(c.deleting.At), deliveredBy(c.deleting.At)
		if p.deleting != nil {
			from = min(from, m.visibleFrom(p.deleting.At))
		}
		if p.gone != nil {
			to = min(to, deliveredBy(m.lagAfter(p.gone)))
		}
		scaledDown := func(v *history.Event) bool { return scaledDelete(v) && !inRange(v, p.ordinal) }
		last := p.deleting
		if last == nil {
			last = c.deleting
		}
		if t.set.during(from, to, scaledDown) || m.cacheAt(t.set, last).anySpec(scaledDown) {
			return ownerDeletion{allowed: true}
		}
		owned := func(e *history.Event) bool { return ownerNamed(e, "Pod", p.name) == p.uid }
		if stale := m.staleOwner(t.set, c, p.ordinal, owned, scaledDown, last); stale.stale {
			out = stale
		}
	}
	return out
}

// staleOwner decides about an ownerReference that the policy did not ask for when the owner's deletion began: whether it did when the
// reference was written, and whether the controller had to remove it in between.
func (m *model) staleOwner(s *setLife, c *claimLife, ordinal int, owned, wanted func(*history.Event) bool, end *history.Event) ownerDeletion {
	written := c.events[slices.IndexFunc(c.events, owned)]
	legal := (written == c.events[0] && c.created == nil) || m.cacheAt(s, written).anySpec(wanted)
	if !legal {
		return ownerDeletion{}
	}
	next := 0 // the first version after the last that wanted it
	for i, v := range s.specs {
		if v.At < end.At && wanted(v) {
			next = i + 1
		}
	}
	return ownerDeletion{stale: true, due: m.claimsDue(s, ordinal, next, surelyBy(end.At))}
}

// protectedBy returns the guarantee that the deletion of the claim breaks, and the reason.
func (m *model) protectedBy(s *setLife, pod string, act *history.Event) (contract.ID, string) {
	wanted := inRange(s.specAt(act.At), history.Ordinal(pod))
	switch {
	case s.mayBeDeleted(act) && deletedDelete(s.specs[len(s.specs)-1]):
		return contract.StorageWhenDeletedDelete, fmt.Sprintf("the deleted set %s had not come to own it", s.name)
	case s.mayBeDeleted(act):
		return contract.StorageDeleteKeeps, fmt.Sprintf("the deleted set %s keeps its claims", s.name)
	case wanted && m.cacheAt(s, act).anySpec(someDelete):
		return contract.StorageRetentionFailure, fmt.Sprintf("%s was still wanted", pod)
	case wanted:
		return contract.StorageDataSurvives, fmt.Sprintf("%s was still wanted", pod)
	case m.cacheAt(s, act).anySpec(scaledDelete):
		return contract.StorageWhenScaledDelete, fmt.Sprintf("no scale down under whenScaled: Delete had removed %s", pod)
	}
	return contract.StorageScaleKeeps, fmt.Sprintf("the scale down that removed %s keeps its claims", pod)
}
