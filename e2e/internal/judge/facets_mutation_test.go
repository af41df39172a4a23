package judge_test

import (
	"maps"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func facetMutations() []furtherMutation {
	return []furtherMutation{
		{contract.StorageClaimPerPod, "a claim asks for another size", changeClaim(func(r *history.ClaimRequest) { r.Size = "7Gi" })},
		{contract.StorageClaimPerPod, "a claim asks for other access modes", changeClaim(func(r *history.ClaimRequest) { r.Modes = "ReadOnlyMany" })},
		{contract.StorageClaimPerPod, "a claim is of another volume mode", changeClaim(func(r *history.ClaimRequest) { r.Mode = "Block" })},
		{contract.StorageClaimPerPod, "a claim lacks a field of its template", changeClaim(func(r *history.ClaimRequest) { r.Parts = "accessModes" })},
		{contract.StorageClaimLabels, "a claim lacks a label of its template", changeClaimEvent(func(e *history.Event) {
			e.Labels = maps.Clone(e.Labels)
			delete(e.Labels, "template")
		})},
		{contract.StorageWhenDeletedDelete, "a claim is never owned by its set", disownClaim},
		{contract.IdentityTemplate, "a pod has a longer grace period", onCreatedPod(func(_ *mutableHistory, _, p *object) bool {
			p.first().Pod.Grace = new(int64(3600))
			return true
		})},
		{contract.IdentityTemplate, "a pod lacks an annotation of its template", onCreatedPod(func(_ *mutableHistory, set, p *object) bool {
			p.first().Pod.Template.Annotations = nil
			return !set.every(func(s *history.Set) bool { return s.Status.UpdateRevision != p.revision() })
		})},
		{contract.StatusObservedGeneration, "a generation is observed before it is there", func(h *mutableHistory) bool { return h.observe(1) }},
		{contract.StatusObservedGeneration, "an observed generation is taken back", func(h *mutableHistory) bool { return h.observe(-1) }},
		{contract.StatusObservedGeneration, "the spec changes and its generation stays", changeWithoutGeneration},
		{contract.StatusRevisions, "a rollout that a partition stops is called complete", completePartitionedEarly()},
		{contract.IdentityName, "a pod out of range is created", createOutOfRange},
		{contract.UpdateHistoryOldestFirst, "a revision that a pod has is removed", removeHeldRevision},
		{contract.UpdatePartition, "a pod below the partition of a set with a start ordinal is updated", deletePodWhere(belowPartitionOfStart)},
		{contract.UpdatePartition, "a pod that is added below the partition gets the new template", addNewBelowPartition},
		{contract.UpdateComplete, "a new pod lacks an annotation of its template", dropAnnotation},
	}
}

// changeClaim changes what a claim asks for that a set created.
func changeClaim(f func(*history.ClaimRequest)) mutation {
	return changeClaimEvent(func(e *history.Event) { f(&e.Claim.Request) })
}

// changeClaimEvent changes the first event of such a claim.
func changeClaimEvent(f func(*history.Event)) mutation {
	return func(h *mutableHistory) bool {
		for _, c := range h.shuffled(history.Claims) {
			set, n := h.claimOf(c)
			if set == nil || c.first().Change != history.Added || !inRange(set.at(c.first().At), n) || !set.alive(c.first().At+time.Second) {
				continue
			}
			f(c.first())
			return true
		}
		return false
	}
}

// disownClaim takes its owner from a claim of a set that keeps its policy, for all of the claim's life.
func disownClaim(h *mutableHistory) bool {
	for _, c := range h.shuffled(history.Claims) {
		set, n := h.claimOf(c)
		if set == nil || !h.settledForLong(set) || c.deletion() != nil || c.first().At > h.end-h.deadline-whenTouched ||
			!set.every(func(s *history.Set) bool {
				return s.WhenDeleted == appsv1.DeletePersistentVolumeClaimRetentionPolicyType && s.MinReadySeconds == 0
			}) ||
			!inRange(set.last(), n) || !h.lowerReady(set, n) {
			continue
		}
		c.change(0, func(e *history.Event) { e.Owners = nil })
		h.showController()
		return true
	}
	return false
}

// observe adds to the newest observedGeneration that a status of a set shows.
func (h *mutableHistory) observe(more int64) bool {
	for _, set := range h.shuffled(history.Sets) {
		last := set.last()
		if !set.alive(h.end) || last.Set.Status.ObservedGeneration != last.Generation {
			continue
		}
		h.insert(last, h.end-time.Millisecond, func(e *history.Event) { e.Set.Status.ObservedGeneration += more })
		return true
	}
	return false
}

// changeWithoutGeneration changes the newest spec of a set, and not its generation.
func changeWithoutGeneration(h *mutableHistory) bool {
	for _, set := range h.shuffled(history.Sets) {
		if set.alive(h.end) {
			h.insert(set.last(), h.end-time.Millisecond, func(e *history.Event) { e.Set.MinReadySeconds += 9 })
			return true
		}
	}
	return false
}

// createOutOfRange gives a set a pod far out of its range, which is gone again before the set is at rest.
func createOutOfRange(h *mutableHistory) bool {
	for _, set := range h.shuffled(history.Sets) {
		pods := h.podsOf(set)
		if !set.alive(h.end) || len(pods) == 0 || set.last().Set.Start != 0 {
			continue
		}
		h.insert(pods[0].first(), h.end-time.Second, func(e *history.Event) {
			e.Change, e.UID, e.Name = history.Added, "uid-beyond", set.name+"-77"
		})
		return true
	}
	return false
}

// dropAnnotation takes the suite's annotation from a new pod whose label names its template.
func dropAnnotation(h *mutableHistory) bool {
	return onCreatedPod(func(_ *mutableHistory, set, p *object) bool {
		named := func(s *history.Set) bool { return s.Status.UpdateRevision == p.revision() }
		rolling := func(s *history.Set) bool {
			return s.Strategy == appsv1.RollingUpdateStatefulSetStrategyType && s.Partition == 0 && s.Replicas == set.first().Set.Replicas
		}
		if set.every(func(s *history.Set) bool { return !named(s) }) || !set.every(rolling) || !set.alive(p.first().At+time.Second) {
			return false
		}
		p.first().Pod.Template.Annotations = maps.Clone(p.first().Pod.Template.Annotations)
		clear(p.first().Pod.Template.Annotations)
		return true
	})(h)
}

// removeHeldRevision has the controller remove a revision that a pod has had for long, and has to the end, beside one that it rightly removes.
func removeHeldRevision(h *mutableHistory) bool {
	for _, rightly := range h.shuffled(history.Revisions) {
		gone, set := rightly.removal(), h.byUID(history.Sets, rightly.first().Controller())
		if gone == nil || gone.Change != history.Deleted || set == nil || !set.alive(h.end) || h.end-gone.At < 3*time.Second {
			continue
		}
		for _, r := range h.shuffled(history.Revisions) {
			if h.byUID(history.Sets, r.first().Controller()) != set || r.removal() != nil || !r.alive(gone.At) {
				continue
			}
			held := slices.ContainsFunc(h.podsOf(set), func(p *object) bool {
				sameLabels := func(e *history.Event) bool { return maps.Equal(e.Labels, p.first().Labels) && len(e.Owners) == 1 }
				return p.revision() == r.name && p.first().At < gone.At-3*time.Second && p.removal() == nil && !slices.ContainsFunc(p.versions, func(e *history.Event) bool { return !sameLabels(e) })
			})
			if held {
				h.dropEvents(func(e *history.Event) bool { return e.UID == r.uid && e.At > gone.At })
				h.insert(r.at(gone.At), gone.At, func(e *history.Event) { e.Change = history.Deleted })
				return true
			}
		}
	}
	return false
}

// addNewBelowPartition gives a pod that a scale up added below the partition, at the current revision, the label of the update revision.
func addNewBelowPartition(h *mutableHistory) bool {
	for _, set := range h.shuffled(history.Sets) {
		for _, p := range h.podsOf(set) {
			at := p.first().At
			if !set.specUnchanged(at-3*time.Second, at+time.Second) || !h.addedByScaleUp(set, p) {
				continue
			}
			v := set.at(at)
			if st := v.Set.Status; st.ObservedGeneration != v.Generation || st.CurrentRevision != p.revision() || st.UpdateRevision == p.revision() ||
				!rolloutPending(v, p) || p.ordinal() >= int(v.Set.Partition) {
				continue
			}
			update := v.Set.Status.UpdateRevision
			p.change(0, func(e *history.Event) { setLabel(e, appsv1.ControllerRevisionHashLabelKey, update) })
			return true
		}
	}
	return false
}
