package judge_test

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// deletePodWhere deletes a pod that has long been Ready as the controller does, at a moment at which fits says that the
// controller must not.
func deletePodWhere(fits func(set *object, v *history.Event, pod *object) bool) mutation {
	return func(h *mutableHistory) bool {
		sets := h.shuffled(history.Sets)
		for _, set := range sets {
			if len(sets) > 1 || set.first().Change != history.Added {
				continue // two sets of the same selector would leave open which of them deleted it
			}
			for _, p := range h.podsOf(set) {
				r := p.ready()
				if r == nil || h.deletedByTest(p) {
					continue
				}
				for at := max(r.At+4*time.Second, p.last().At); at < h.end-5*time.Second; at += 3 * time.Second {
					if p.readyThroughout(at-4*time.Second, at+time.Second) && set.specUnchanged(at-4*time.Second, at+3*time.Second) && inRange(set.at(at), p.ordinal()) &&
						set.at(at).Set.Status.ObservedGeneration == set.at(at).Generation && fits(set, set.at(at), p) {
						h.terminate(p, at)
						return true
					}
				}
			}
		}
		return false
	}
}

func noUpdatePending(set *object, v *history.Event, p *object) bool {
	adopted := p.firstWhere(func(e *history.Event) bool { return len(e.Owners) == 0 }) != nil
	crashed := p.firstWhere(func(e *history.Event) bool { return e.Pod.Restarts() > 0 || e.Pod.Crashed() }) != nil
	return p.revision() == v.Set.Status.UpdateRevision && set.every(func(s *history.Set) bool { return s.Partition == 0 && s.Strategy == v.Set.Strategy }) && !adopted && !crashed
}

func rolloutPending(v *history.Event, p *object) bool {
	return v.Set.Strategy == appsv1.RollingUpdateStatefulSetStrategyType && v.Set.Start == 0 && p.revision() != v.Set.Status.UpdateRevision
}

func belowPartition(fits func(*history.Set) bool) func(*object, *history.Event, *object) bool {
	return func(set *object, v *history.Event, p *object) bool {
		_, before := set.specChange(v)
		return rolloutPending(v, p) && p.ordinal() < int(v.Set.Partition) && fits(v.Set) && before != nil && before.Set.TemplateDigest != v.Set.TemplateDigest
	}
}

func belowPartitionOfStart(set *object, v *history.Event, p *object) bool {
	_, before := set.specChange(v)
	return v.Set.Start > 0 && p.ordinal() < int(v.Set.Partition) && v.Set.Partition <= v.Set.Start+v.Set.Replicas && p.revision() != v.Set.Status.UpdateRevision &&
		v.Set.Strategy == appsv1.RollingUpdateStatefulSetStrategyType && before != nil && before.Set.TemplateDigest != v.Set.TemplateDigest
}

func stillBelowPartition(set *object, v *history.Event, p *object) bool {
	_, before := set.specChange(v)
	return rolloutPending(v, p) && p.ordinal() < int(v.Set.Partition) && before != nil && before.Set.TemplateDigest == v.Set.TemplateDigest &&
		before.Set.Partition > v.Set.Partition && before.Set.Strategy == v.Set.Strategy && before.Set.MaxUnavailable == v.Set.MaxUnavailable
}

func underOnDelete(_ *object, v *history.Event, p *object) bool {
	return v.Set.Strategy == appsv1.OnDeleteStatefulSetStrategyType && p.revision() != v.Set.Status.UpdateRevision
}
