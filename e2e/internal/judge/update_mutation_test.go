package judge_test

import (
	"slices"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func updateMutations() map[contract.ID]mutation {
	return map[contract.ID]mutation{
		contract.UpdateOrder:             updateLowerFirst,
		contract.UpdateOneAtATime:        updateBeforeReady(true, 0),
		contract.OrderingParallelUpdates: updateBeforeReady(false, 0),
		contract.UpdateHalts:             updateBeforeReady(true, 1200*time.Millisecond),
		contract.UpdateMinReady:          updateBeforeMinReady,
		contract.UpdateMaxUnavailable:    exceedMaxUnavailable,

		contract.UpdateBudgetCountsFailures: loseReadinessInRollout,
		contract.UpdateNoSpurious:           deletePodWhere(noUpdatePending),
		contract.UpdatePartition:            deletePodWhere(belowPartition(func(v *history.Set) bool { return v.Partition <= v.Replicas })),
		contract.UpdatePartitionBeyond:      deletePodWhere(belowPartition(func(v *history.Set) bool { return v.Partition > v.Replicas })),
		contract.UpdatePhased:               deletePodWhere(stillBelowPartition),
		contract.UpdateOnDelete:             deletePodWhere(underOnDelete),
		contract.UpdateComplete:             labelOldRevision(appsv1.RollingUpdateStatefulSetStrategyType, false),
		contract.UpdateScaleNew:             labelOldRevision(appsv1.RollingUpdateStatefulSetStrategyType, true),
		contract.UpdateOnDeleteScale:        labelOldRevision(appsv1.OnDeleteStatefulSetStrategyType, true),
		contract.UpdateRollback:             keepRevisionNumber,
		contract.UpdateHistoryLimit:         exceedHistoryLimit,

		contract.UpdateRecreateApart: removeOldPodLate,
		contract.UpdateRecreateAll:   neverDeleteOldPod,

		contract.UpdateRevisionMade:       makeRevisionTooLow,
		contract.UpdateHistoryOldestFirst: removeNewerRevision,
	}
}

// update is a pod that was deleted for a rolling update, its replacement, and the next pod that was deleted.
type update struct {
	set              *object
	pod, replacement *object
	request          *history.Event
	next             *object
	nextRequest      *history.Event
}

// updates lists the pairs of pods that a rollout replaced one after the other without a change of spec between them.
func (h *mutableHistory) updates(set *object) []update {
	var out []update
	for _, p := range h.podsOf(set) {
		u := update{set: set, pod: p, request: h.controllerDeletion(p), replacement: h.replacement(p)}
		if u.request == nil || u.replacement == nil || u.replacement.ready() == nil {
			continue
		}
		v := set.at(u.request.At)
		for _, q := range h.podsOf(set) {
			r := h.controllerDeletion(q)
			if q.ordinal() < p.ordinal() && r != nil && r.At > u.replacement.ready().At && (u.next == nil || r.At < u.nextRequest.At) {
				u.next, u.nextRequest = q, r
			}
		}
		if u.next == nil || v.Set.Strategy != appsv1.RollingUpdateStatefulSetStrategyType || u.next.ordinal() < int(v.Set.Partition) ||
			v.Set.Start != 0 || !inRange(v, p.ordinal()) || !set.specUnchanged(u.request.At-100*time.Millisecond, u.nextRequest.At+time.Second) || set.every(func(s *history.Set) bool { return s.TemplateDigest == v.Set.TemplateDigest }) {
			continue
		}
		next := set.at(u.nextRequest.At).Set.Status
		if u.pod.revision() != next.UpdateRevision && u.next.revision() != next.UpdateRevision && u.replacement.revision() == next.UpdateRevision && set.at(u.nextRequest.At).Set.Replicas > 1 {
			out = append(out, u)
		}
	}
	return out
}

func oneAtATime(s *history.Set) bool { return s.MaxUnavailable == "" || s.MaxUnavailable == "1" }

// onUpdates tries f on every update until one fits.
func onUpdates(fits func(*object) bool, f func(*mutableHistory, update) bool) mutation {
	return func(h *mutableHistory) bool {
		for _, set := range h.shuffled(history.Sets) {
			if !fits(set) {
				continue
			}
			for _, u := range h.updates(set) {
				if f(h, u) {
					return true
				}
			}
		}
		return false
	}
}

// updateLowerFirst deletes the lower of two pods for an update before the higher one.
func updateLowerFirst(h *mutableHistory) bool {
	return onUpdates(func(s *object) bool { return s.ordered() && s.every(oneAtATime) }, func(h *mutableHistory, u update) bool {
		at := u.request.At - 1
		if !u.next.readyThroughout(at-time.Second, u.request.At) || !u.next.unchanged(at, u.nextRequest.At-1) || !u.pod.readyThroughout(at-time.Second, at) {
			return false
		}
		h.move(u.nextRequest, at)
		return true
	})(h)
}

// updateBeforeReady deletes the next pod for an update before the replacement is Ready, and later than that after its creation.
func updateBeforeReady(ordered bool, into time.Duration) mutation {
	return onUpdates(func(s *object) bool { return s.ordered() == ordered && s.every(oneAtATime) }, func(h *mutableHistory, u update) bool {
		ready := u.replacement.ready().At
		if ready-u.replacement.first().At <= into || ready-u.replacement.first().At < 2 || !u.next.readyThroughout(ready-8*time.Second, u.nextRequest.At-1) {
			return false
		}
		h.move(u.nextRequest, ready-1)
		return true
	})
}

// updateBeforeMinReady sets the lastTransitionTime of the replacement's Ready condition to the deletion of the next pod.
func updateBeforeMinReady(h *mutableHistory) bool {
	fits := func(s *object) bool {
		return s.ordered() && s.every(oneAtATime) && s.every(func(s *history.Set) bool { return s.MinReadySeconds >= 2 })
	}
	return onUpdates(fits, func(h *mutableHistory, u update) bool {
		later := func(p *object) bool {
			return p.firstWhere(func(e *history.Event) bool {
				return e.At > u.replacement.ready().At && e.At < u.nextRequest.At && runningReady(e)
			}) != nil
		}
		if !u.replacement.readyThroughout(u.replacement.ready().At, u.nextRequest.At) || slices.ContainsFunc(h.podsOf(u.set), later) {
			return false
		}
		requested := h.timestamp(u.nextRequest.At)
		u.replacement.change(0, func(e *history.Event) {
			if c := e.Pod.Condition(corev1.PodReady); c != nil {
				c.Transition = requested
			}
		})
		return true
	})(h)
}

// exceedMaxUnavailable deletes more pods for an update than maxUnavailable allows.
func exceedMaxUnavailable(h *mutableHistory) bool {
	for _, set := range h.shuffled(history.Sets) {
		n, err := strconv.Atoi(set.first().Set.MaxUnavailable)
		if err != nil || n < 2 || !set.ordered() || !set.every(func(s *history.Set) bool { return s.MaxUnavailable == set.first().Set.MaxUnavailable }) {
			continue
		}
		for _, u := range h.updates(set) {
			var more []*object
			for _, p := range h.podsOf(set) {
				if p.ordinal() < u.pod.ordinal() && p.ordinal() >= int(set.at(u.request.At).Set.Partition) && p.readyThroughout(u.request.At-3*time.Second, u.request.At+time.Millisecond) &&
					p.revision() == u.pod.revision() && inRange(set.at(u.request.At), p.ordinal()) && !h.deletedByTest(p) {
					more = append(more, p)
				}
			}
			if len(more) < n || !u.pod.readyThroughout(u.request.At-3*time.Second, u.request.At-1) || !u.pod.unchanged(u.request.At, u.request.At+time.Millisecond) {
				continue
			}
			for i, p := range more[:n] {
				h.terminate(p, u.request.At+time.Duration(i+1))
			}
			return true
		}
	}
	return false
}

// loseReadinessInRollout takes the readiness from a pod while a rollout has two others down, which is all that maxUnavailable allows.
func loseReadinessInRollout(h *mutableHistory) bool {
	for _, set := range h.shuffled(history.Sets) {
		if !set.every(func(s *history.Set) bool {
			return s.MaxUnavailable == "2" && s.Start == 0 && s.Strategy == appsv1.RollingUpdateStatefulSetStrategyType
		}) {
			continue
		}
		rolled := slices.DeleteFunc(h.podsOf(set), func(p *object) bool { return !h.rolledWhenReady(set, p) })
		for _, p := range rolled {
			for _, q := range rolled {
				at := q.deletion().At
				next := h.replacement(p)
				if p.deletion().At >= at || p.ordinal() == q.ordinal() || (next != nil && next.ready() != nil && next.ready().At <= at) {
					continue
				}
				for _, o := range h.podsOf(set) {
					// One that came in the place of a pod that was rolled out counts as down through the rollout.
					came := slices.ContainsFunc(h.podsOf(set), func(x *object) bool { return h.replacement(x) == o && h.controllerDeletion(x) != nil })
					if o.ordinal() != p.ordinal() && o.ordinal() != q.ordinal() && !came && o.alive(at) && o.first().At < at-3*time.Second && inRange(set.at(at), o.ordinal()) {
						o.change(0, setUnready)
						return true
					}
				}
			}
		}
	}
	return false
}

// rolledWhenReady reports whether the controller deleted a pod for an update that had long been Ready.
func (h *mutableHistory) rolledWhenReady(set, p *object) bool {
	d := h.controllerDeletion(p)
	if d == nil || !set.specUnchanged(d.At-3*time.Second, d.At+time.Second) {
		return false
	}
	v := set.at(d.At)
	return p.readyThroughout(d.At-8*time.Second, d.At-1) && p.ordinal() >= int(v.Set.Partition) && inRange(v, p.ordinal()) &&
		p.revision() != v.Set.Status.UpdateRevision && v.Set.Status.ObservedGeneration == v.Generation
}

// specChange returns the first version with the generation of v and the last version before it, nil if there is none.
func (o *object) specChange(v *history.Event) (now, before *history.Event) {
	for _, e := range o.versions {
		if e.Generation == v.Generation {
			return e, before
		}
		before = e
	}
	return v, before
}
