package judge_test

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

const (
	deletePolicy = appsv1.DeletePersistentVolumeClaimRetentionPolicyType
	retainPolicy = appsv1.RetainPersistentVolumeClaimRetentionPolicyType
)

func retentionMutations() map[contract.ID]mutation {
	return map[contract.ID]mutation{
		contract.StorageDataSurvives:      deleteClaimWithPod(retainsAll, true),
		contract.StorageRetentionFailure:  deleteClaimWithPod(deletesSome, true),
		contract.StorageScaleKeeps:        deleteClaimWithPod(retainsAll, false),
		contract.StorageDeleteKeeps:       deleteClaimWithSet,
		contract.StorageWhenScaledDelete:  keepClaim(false),
		contract.StorageWhenDeletedDelete: keepClaim(true),
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

// deleteClaimWithPod has a pod own a claim that must be retained, and the garbage collector delete the claim when the pod is gone.
func deleteClaimWithPod(policy func(*history.Set) bool, wanted bool) mutation {
	return func(h *mutableHistory) bool {
		for _, c := range h.shuffled(history.Claims) {
			set, n := h.claimOf(c)
			if set == nil || !set.every(policy) || h.deletedByTest(c) {
				continue
			}
			for _, p := range h.podsOf(set) {
				if p.ordinal() != n || p.removal() == nil {
					continue
				}
				at := p.removal().At + time.Second
				from := at - 5*time.Second
				if wanted {
					from = p.deletion().At - 4*time.Second
				}
				v := set.at(at)
				if v == nil || set.at(from) == nil || !set.specUnchanged(from, at+time.Second) || inRange(v, n) != wanted || !c.alive(from) || !c.alive(at) {
					continue
				}
				h.collect(c, at, "Pod", p)
				return true
			}
		}
		return false
	}
}

// deleteClaimWithSet has a set own a claim that must be retained, and the garbage collector delete the claim when the set is gone.
func deleteClaimWithSet(h *mutableHistory) bool {
	for _, c := range h.shuffled(history.Claims) {
		set, _ := h.claimOf(c)
		if set == nil || !set.every(retainsAll) || set.removal() == nil || h.deletedByTest(c) {
			continue
		}
		at := set.removal().At + time.Second
		if at+time.Second > h.end || !c.alive(at) {
			continue
		}
		h.collect(c, at, "StatefulSet", set)
		return true
	}
	return false
}

// collect adds the deletion of a claim with an owner that is gone.
func (h *mutableHistory) collect(claim *object, at time.Duration, kind string, owner *object) {
	h.insert(claim.at(at), at, func(e *history.Event) {
		e.Owners = []metav1.OwnerReference{{Kind: kind, Name: owner.name, UID: owner.uid}}
		h.setDeletionTimestamp(e, at)
	})
}

// keepClaim keeps a claim that went with its pod, or with its set, for long, and shows that the controller was at work.
func keepClaim(withSet bool) mutation {
	return func(h *mutableHistory) bool {
		for _, c := range h.shuffled(history.Claims) {
			set, n := h.claimOf(c)
			d := c.deletion()
			if set == nil || d == nil || len(d.Owners) != 1 || h.deletedByTest(c) || ownedByPod(d) == withSet {
				continue
			}
			if withSet && (set.removal() == nil || d.Owners[0].UID != set.uid || set.last().Set.WhenDeleted != deletePolicy) {
				continue
			}
			v := set.at(d.At - 3*time.Second)
			if !withSet && (v == nil || !set.alive(h.end) || !set.specUnchanged(v.At, h.end) || inRange(v, n) ||
				!set.every(func(s *history.Set) bool {
					return s.WhenScaled == deletePolicy && s.TemplateDigest == v.Set.TemplateDigest
				})) {
				continue
			}
			if p := h.byUID(history.Pods, &d.Owners[0]); !withSet && (p == nil || h.controllerDeletion(p) == nil || h.deletedTwice(p) || c.first().At+4*time.Second > p.deletion().At) {
				continue
			}
			h.dropEvents(func(e *history.Event) bool { return e.UID == c.uid && e.At >= d.At })
			h.end += time.Minute
			h.showController()
			return true
		}
		return false
	}
}

// deletedTwice reports whether another pod of that name was deleted so shortly before or after that a report may be of either.
func (h *mutableHistory) deletedTwice(p *object) bool {
	return slices.ContainsFunc(h.objects[history.Pods], func(q *object) bool {
		d := q.deletion()
		return q != p && q.name == p.name && d != nil && (d.At-p.deletion().At).Abs() < 6*time.Second
	})
}

func ownedByPod(e *history.Event) bool { return len(e.Owners) > 0 && e.Owners[0].Kind == "Pod" }

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
