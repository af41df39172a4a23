package judge_test

import (
	"slices"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func completionMutations() map[contract.ID]mutation {
	return map[contract.ID]mutation{
		contract.OrderingCreateCompletes:    omitLastPod,
		contract.OrderingScaleDownCompletes: keepPodOutOfRange,
		contract.UpdateRevision:             keepUpdateRevision,
	}
}

// settledForLong reports whether the set asked for its pods, once, so long before the end that what is missing then counts.
func (h *mutableHistory) settledForLong(set *object) bool {
	change, _ := set.specChange(set.last())
	return set.alive(h.end) && set.first().Change == history.Added && h.end-change.At > h.deadline+whenTouched
}

// omitLastPod removes the pod of the highest ordinal, which no other had before it, with its claims.
func omitLastPod(h *mutableHistory) bool {
	for _, set := range h.shuffled(history.Sets) {
		last := set.last()
		n := int(last.Set.Start+last.Set.Replicas) - 1
		if !set.ordered() || !h.settledForLong(set) || last.Set.Replicas < 2 || !h.lowerReady(set, n-1) || h.replicasChanged(set) {
			continue
		}
		// A rollout that waited for the pod would seem to have waited for nothing, and the controller to be slow.
		if slices.ContainsFunc(h.podsOf(set), func(p *object) bool { return h.controllerDeletion(p) != nil }) {
			continue
		}
		p := h.pod(set, n, h.end)
		named := 0
		for _, o := range h.objects[history.Pods] {
			if p != nil && o.name == p.name {
				named++
			}
		}
		if p == nil || named != 1 || h.setOf(p) != set {
			continue
		}
		h.dropEvents(func(e *history.Event) bool { return e.UID == p.uid })
		h.showController()
		return true
	}
	return false
}

// replicasChanged reports whether replicas of the set ever changed: the omission then breaks ordering/change-of-mind.
func (h *mutableHistory) replicasChanged(set *object) bool {
	return !set.every(func(s *history.Set) bool {
		return s.Replicas == set.first().Set.Replicas && s.Start == set.first().Set.Start
	})
}

// keepPodOutOfRange keeps the last pod that a scale down removes.
func keepPodOutOfRange(h *mutableHistory) bool {
	for _, set := range h.shuffled(history.Sets) {
		last := set.last()
		if !set.ordered() || !h.settledForLong(set) || !h.lowerReady(set, int(last.Set.Start+last.Set.Replicas)-1) {
			continue
		}
		changes := 0
		for i, e := range set.versions[1:] {
			if e.Set.Replicas != set.versions[i].Set.Replicas || e.Set.Start != set.versions[i].Set.Start {
				changes++
			}
		}
		for _, p := range h.podsOf(set) {
			d := h.controllerDeletion(p)
			if changes != 1 || d == nil || inRange(last, p.ordinal()) || !inRange(set.first(), p.ordinal()) || !runningReady(p.at(d.At-1)) || h.replacement(p) != nil ||
				h.end-d.At < h.deadline+whenTouched {
				continue
			}
			h.dropEvents(func(e *history.Event) bool { return e.UID == p.uid && e.At >= d.At })
			h.showController()
			return true
		}
	}
	return false
}

// keepUpdateRevision keeps the update revision of a status where another template comes to be observed.
func keepUpdateRevision(h *mutableHistory) bool {
	for _, set := range h.shuffled(history.Sets) {
		for i, e := range set.versions {
			if i == 0 || e.Gone() || e.Terminating() {
				continue
			}
			was, now := set.versions[i-1].Set.Status, e.Set.Status
			if was.UpdateRevision == "" || was.UpdateRevision == now.UpdateRevision || now.ObservedGeneration != e.Generation || h.end-e.At < whenTouched || !set.specUnchanged(e.At, e.At+whenTouched) {
				continue
			}
			set.change(e.At, func(v *history.Event) {
				if v.Set.Status.UpdateRevision == now.UpdateRevision {
					v.Set.Status.UpdateRevision = was.UpdateRevision
				}
			})
			return true
		}
	}
	return false
}
