package judge_test

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func statusMutations() map[contract.ID]mutation {
	return map[contract.ID]mutation{
		contract.StatusCounts:             countMissingPods,
		contract.StatusAvailable:          countAvailableEarly,
		contract.StatusRevisions:          completeRolloutEarly(appsv1.RollingUpdateStatefulSetStrategyType),
		contract.StatusOnDeleteRevisions:  completeRolloutEarly(appsv1.OnDeleteStatefulSetStrategyType),
		contract.StatusProgressing:        stopProgressing,
		contract.StatusObservedGeneration: keepObservedGeneration,
	}
}

// byUID returns the object that an ownerReference names, or nil.
func (h *mutableHistory) byUID(r history.Resource, ref *metav1.OwnerReference) *object {
	for _, o := range h.objects[r] {
		if ref != nil && o.uid == ref.UID {
			return o
		}
	}
	return nil
}

// ownedRevision returns a revision that the set owns at the end, or nil.
func (h *mutableHistory) ownedRevision(set *object) *object {
	for _, r := range h.shuffled(history.Revisions) {
		if h.byUID(history.Sets, r.last().Controller()) == set && r.removal() == nil {
			return r
		}
	}
	return nil
}

// countMissingPods raises status.replicas in the last status of an unchanged set.
func countMissingPods(h *mutableHistory) bool {
	for _, set := range h.shuffled(history.Sets) {
		last := set.last()
		if !set.alive(h.end) || last.Set.Status.ObservedGeneration != last.Generation || h.end-h.Events[len(h.Events)-1].At < 4*time.Second {
			continue
		}
		last.Set.Status.Replicas += 7
		return true
	}
	return false
}

// countAvailableEarly counts a pod as available as soon as it is Ready.
func countAvailableEarly(h *mutableHistory) bool {
	for _, set := range h.shuffled(history.Sets) {
		if !set.every(func(s *history.Set) bool { return s.MinReadySeconds == 5 }) || set.first().Change != history.Added {
			continue
		}
		for i, e := range set.versions[1:] {
			was, now := &set.versions[i].Set.Status, &e.Set.Status
			var recent *object
			quiet := true
			for _, p := range h.podsOf(set) {
				if r := p.ready(); r != nil && r.At <= e.At && e.At-r.At < time.Second && runningReady(p.at(e.At)) {
					recent = p
				}
				quiet = quiet && (p.deletion() == nil || p.deletion().At > e.At) && p.firstWhere(func(x *history.Event) bool {
					return x.At < e.At && p.ready() != nil && x.At > p.ready().At && !runningReady(x)
				}) == nil
			}
			if recent == nil || !quiet || now.Ready != was.Ready+1 || now.Available == now.Ready || !set.alive(e.At) {
				continue
			}
			now.Available = now.Ready
			return true
		}
	}
	return false
}

// completeRolloutEarly sets currentRevision to updateRevision while pods of the old revision exist, under a strategy without a partition. What OnDelete does
// not do before 1.37 it cannot do early.
func completeRolloutEarly(strategy appsv1.StatefulSetUpdateStrategyType) mutation {
	return completeEarlyWhere(strategy, func(partition int32) bool { return partition == 0 })
}

// completePartitionedEarly does so under a partition.
func completePartitionedEarly() mutation {
	return completeEarlyWhere(appsv1.RollingUpdateStatefulSetStrategyType, func(partition int32) bool { return partition > 0 })
}

func completeEarlyWhere(strategy appsv1.StatefulSetUpdateStrategyType, fits func(partition int32) bool) mutation {
	return func(h *mutableHistory) bool {
		if strategy == appsv1.OnDeleteStatefulSetStrategyType && h.Header.Version != "v1.37.2" {
			return false
		}
		for _, set := range h.shuffled(history.Sets) {
			if set.first().Change == history.Added && h.completeEarly(set, strategy, fits) {
				return true
			}
		}
		return false
	}
}

func (h *mutableHistory) completeEarly(set *object, strategy appsv1.StatefulSetUpdateStrategyType, fits func(partition int32) bool) bool {
	for i, e := range set.versions[1:] {
		was, now := set.versions[i].Set.Status, &e.Set.Status
		if e.Set.Strategy != strategy || !fits(e.Set.Partition) || e.Set.Replicas < 2 || !set.alive(e.At) ||
			was.CurrentRevision == "" || was.CurrentRevision == now.UpdateRevision || was.UpdateRevision == was.CurrentRevision || now.CurrentRevision != was.CurrentRevision || !set.specUnchanged(e.At-3*time.Second, e.At) {
			continue
		}
		old, beyond := 0, false
		for _, p := range h.podsOf(set) {
			if p.readyThroughout(e.At-5*time.Second, e.At+time.Second) && p.revision() != now.UpdateRevision && inRange(e, p.ordinal()) {
				old++
			}
			beyond = beyond || (!inRange(e, p.ordinal()) && p.first().At < e.At && (p.removal() == nil || p.removal().At > e.At-4*time.Second))
		}
		if old == 0 || beyond {
			continue
		}
		now.CurrentRevision = now.UpdateRevision
		return true
	}
	return false
}

// keepObservedGeneration keeps observedGeneration at the generation before the last change of spec.
func keepObservedGeneration(h *mutableHistory) bool {
	for _, set := range h.shuffled(history.Sets) {
		last := set.last()
		change, before := set.specChange(last)
		if before == nil || !set.alive(h.end) || h.end-change.At < h.deadline+whenTouched+time.Second {
			continue
		}
		set.change(change.At, func(e *history.Event) { e.Set.Status.ObservedGeneration = before.Generation })
		h.showController()
		return true
	}
	return false
}
