package judge_test

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

const (
	deletePolicy = appsv1.DeletePersistentVolumeClaimRetentionPolicyType
	retainPolicy = appsv1.RetainPersistentVolumeClaimRetentionPolicyType
)

func retentionMutations() map[contract.ID]mutation {
	return map[contract.ID]mutation{
		contract.StorageDataSurvives:      deleteClaim(retainsAll, whileInRange),
		contract.StorageRetentionFailure:  deleteClaim(deletesSome, whileInRange),
		contract.StorageScaleKeeps:        deleteClaim(retainsAll, whileOutOfRange),
		contract.StorageDeleteKeeps:       deleteClaim(retainsAll, afterSetDeletion),
		contract.StorageWhenScaledDelete:  dropClaimOwner(false),
		contract.StorageWhenDeletedDelete: dropClaimOwner(true),
		contract.StorageDeletedAfterPods:  dropClaimEarly,
		contract.StorageInUseProtection:   dropDeletedClaimEarly,
		contract.StorageOwnerBeforeDelete: ownClaimLate,
		contract.StorageRetentionChange:   keepClaimOwners,
	}
}

func retainsAll(s *history.Set) bool {
	return s.WhenScaled == retainPolicy && s.WhenDeleted == retainPolicy
}

func deletesSome(s *history.Set) bool {
	return s.WhenScaled == deletePolicy || s.WhenDeleted == deletePolicy
}

// deleteClaim deletes a claim that must be retained, at the moment that when chooses.
func deleteClaim(policy func(*history.Set) bool, when func(*mutableHistory, *object, *object, int) time.Duration) mutation {
	return func(h *mutableHistory) bool {
		for _, c := range h.shuffled(history.Claims) {
			set, n := h.claimOf(c)
			if set == nil || !set.every(policy) || h.deletedByTest(c) {
				continue
			}
			at := when(h, set, c, n)
			if at == 0 || c.at(at) == nil || !c.alive(at) || ownedByPod(c.at(at)) {
				continue
			}
			h.terminate(c, at)
			return true
		}
		return false
	}
}

func ownedByPod(e *history.Event) bool { return len(e.Owners) > 0 && e.Owners[0].Kind == "Pod" }

func whileInRange(_ *mutableHistory, set, _ *object, n int) time.Duration {
	for _, e := range set.versions {
		if at := e.At + 4*time.Second; set.specUnchanged(e.At-time.Millisecond, at+time.Second) && inRange(e, n) {
			return at
		}
	}
	return 0
}

func whileOutOfRange(_ *mutableHistory, set, _ *object, n int) time.Duration {
	for _, e := range set.versions {
		if at := e.At + 4*time.Second; set.specUnchanged(e.At-time.Millisecond, at+time.Second) && !inRange(e, n) {
			return at
		}
	}
	return 0
}

func afterSetDeletion(h *mutableHistory, set, _ *object, _ int) time.Duration {
	if d := set.deletion(); d != nil && d.At+2*time.Second < h.end {
		return d.At + time.Second
	}
	return 0
}

// dropClaimOwner removes from a claim that was deleted the ownerReference that the retention policy had set.
func dropClaimOwner(withSet bool) mutation {
	return func(h *mutableHistory) bool {
		for _, c := range h.shuffled(history.Claims) {
			set, n := h.claimOf(c)
			d := c.deletion()
			if set == nil || d == nil || len(d.Owners) == 0 || h.deletedByTest(c) || ownedByPod(d) == withSet {
				continue
			}
			v := set.at(d.At)
			if withSet && (v == nil || set.deletion() == nil || set.deletion().At > d.At || v.Set.WhenDeleted != deletePolicy) {
				continue
			}
			if !withSet && (v == nil || v.Set.WhenScaled != deletePolicy || inRange(v, n) || !set.alive(d.At+time.Second)) {
				continue
			}
			c.change(d.At, func(e *history.Event) { e.Owners = nil })
			return true
		}
		return false
	}
}

// dropDeletedClaimEarly does what dropClaimEarly does to a claim that the test deletes.
func dropDeletedClaimEarly(h *mutableHistory) bool {
	c := dropEarly(h)
	if c == nil {
		return false
	}
	h.addOperation(history.Operation{
		At: c.deletion().At - time.Millisecond, Verb: history.VerbDelete, Resource: history.Claims, Name: c.name, UID: c.uid, Outcome: history.Accepted, Text: "delete claim",
	})
	return true
}

// ownClaimLate makes a pod the owner of its claim some time after a scale down has requested the pod's deletion.
func ownClaimLate(h *mutableHistory) bool {
	for _, c := range h.shuffled(history.Claims) {
		set, _ := h.claimOf(c)
		if set == nil || !set.every(func(s *history.Set) bool { return s.WhenScaled == deletePolicy }) {
			continue
		}
		owned := c.firstWhere(ownedByPod)
		if owned == nil {
			continue
		}
		for _, p := range h.podsOf(set) {
			d := h.controllerDeletion(p)
			sameRevision := func(s *history.Set) bool {
				return s.Status.UpdateRevision == p.revision() || s.Status.UpdateRevision == ""
			}
			if !set.every(sameRevision) {
				continue // it may have been deleted for an update
			}
			if p.uid != owned.Owners[0].UID || d == nil || inRange(set.at(d.At), p.ordinal()) || c.first().At+3*time.Second > d.At || c.deletion() == nil || c.deletion().At < d.At+time.Second {
				continue
			}
			late := d.At + time.Second
			for _, e := range c.versions {
				if e.At < late {
					e.Owners = nil
				}
			}
			return true
		}
	}
	return false
}

// dropClaimEarly removes a claim of a deleted set when its deletion is requested, and lets its pod take long to end.
func dropClaimEarly(h *mutableHistory) bool { return dropEarly(h) != nil }

// dropEarly returns the claim that it removed, nil if there was none.
func dropEarly(h *mutableHistory) *object {
	for _, c := range h.shuffled(history.Claims) {
		set, n := h.claimOf(c)
		d, gone := c.deletion(), c.removal()
		if set == nil || set.deletion() == nil || gone == nil || d == gone || h.deletedByTest(c) || len(d.Owners) == 0 || d.Owners[0].UID != set.uid ||
			set.last().Set.WhenDeleted != deletePolicy || d.At < set.deletion().At {
			continue
		}
		p := h.pod(set, n, d.At)
		if p == nil || p.at(d.At).Pod.Node == "" || p.at(d.At).Pod.Finished() || p.last().Controller() == nil || p.last().Controller().UID != set.uid {
			continue
		}
		end := p.firstWhere(func(e *history.Event) bool { return e.Gone() || e.Pod.Finished() })
		if end == nil || d.At+4*time.Second > h.end {
			continue
		}
		h.move(gone, d.At+time.Millisecond)
		// A late watch event is not a late end: the resourceVersion decides which came first.
		gone.ResourceVersion = d.ResourceVersion
		for _, e := range p.versions[slices.Index(p.versions, end):] {
			h.move(e, max(e.At, d.At+4*time.Second))
		}
		return c
	}
	return nil
}

// keepClaimOwners keeps a claim's ownerReferences as they were when whenDeleted changes.
func keepClaimOwners(h *mutableHistory) bool {
	for _, set := range h.shuffled(history.Sets) {
		change, before := set.specChange(set.last())
		if before == nil || change.Set.WhenDeleted == before.Set.WhenDeleted || !set.ordered() || !set.alive(h.end) || h.end-change.At < h.deadline+whenTouched+time.Second ||
			!set.every(func(s *history.Set) bool { return s.MinReadySeconds == 0 }) {
			continue
		}
		for _, c := range h.shuffled(history.Claims) {
			of, n := h.claimOf(c)
			p := h.pod(set, n, change.At)
			if of != set || c.at(change.At) == nil || c.deletion() != nil || p == nil || p.deletion() != nil || !inRange(change, n) || !p.readyThroughout(h.end-h.deadline-whenTouched, h.end) {
				continue
			}
			follows := c.firstWhere(func(e *history.Event) bool { return e.At > change.At && len(e.Owners) != len(c.at(change.At).Owners) })
			if follows == nil || !h.lowerReady(set, n) || len(c.last().Owners) == len(c.at(change.At).Owners) {
				continue
			}
			owners := c.at(change.At).Owners
			c.change(change.At, func(e *history.Event) { e.Owners = owners })
			h.showController()
			return true
		}
	}
	return false
}
