package judge_test

import (
	"maps"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func facetMutations() []furtherMutation {
	return []furtherMutation{
		{contract.StorageClaimPerPod, "a claim asks for another size", changeClaim(func(r *history.ClaimRequest) { r.Size = "7Gi" })},
		{contract.StorageClaimPerPod, "a claim asks for other access modes", changeClaim(func(r *history.ClaimRequest) { r.Modes = "ReadOnlyMany" })},
		{contract.StatusObservedGeneration, "a generation is observed before it is there", func(h *mutableHistory) bool { return h.observe(1) }},
		{contract.StatusObservedGeneration, "an observed generation is taken back", func(h *mutableHistory) bool { return h.observe(-1) }},
		{contract.IdentityName, "a pod out of range is created", createOutOfRange},
		{contract.UpdateComplete, "a new pod lacks an annotation of its template", dropAnnotation},
	}
}

// changeClaim changes what a claim asks for that a set created.
func changeClaim(f func(*history.ClaimRequest)) mutation {
	return func(h *mutableHistory) bool {
		for _, c := range h.shuffled(history.Claims) {
			set, n := h.claimOf(c)
			if set == nil || c.first().Change != history.Added || !inRange(set.at(c.first().At), n) || !set.alive(c.first().At+time.Second) {
				continue
			}
			f(&c.first().Claim.Request)
			return true
		}
		return false
	}
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
