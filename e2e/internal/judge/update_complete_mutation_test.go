package judge_test

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// labelOldRevision gives a pod created at the update revision under a strategy the label of an older one.
func labelOldRevision(strategy appsv1.StatefulSetUpdateStrategyType, added bool) mutation {
	return func(h *mutableHistory) bool {
		if strategy == appsv1.OnDeleteStatefulSetStrategyType && h.Header.Version != "v1.37.2" {
			return false
		}
		for _, set := range h.shuffled(history.Sets) {
			if !set.every(func(s *history.Set) bool {
				return s.Partition == 0 && s.Strategy == strategy
			}) {
				continue
			}
			for _, p := range h.podsOf(set) {
				at := p.first().At
				if !set.specUnchanged(at-3*time.Second, at+time.Second) {
					continue
				}
				if v := set.at(at); v.Set.Status.ObservedGeneration != v.Generation || v.Set.Status.UpdateRevision != p.revision() {
					continue
				}
				old := set.previousRevision(at)
				if old == "" || added != h.addedByScaleUp(set, p) || (!added && h.replacedByRollout(set, p) == nil) {
					continue
				}
				p.change(0, func(e *history.Event) { setLabel(e, appsv1.ControllerRevisionHashLabelKey, old) })
				return true
			}
		}
		return false
	}
}

// previousRevision returns an updateRevision that the status named before the one at that moment, or "".
func (o *object) previousRevision(at time.Duration) string {
	now := o.at(at).Set.Status.UpdateRevision
	for _, e := range o.versions {
		if r := e.Set.Status.UpdateRevision; e.At < at && r != "" && r != now {
			return r
		}
	}
	return ""
}

// addedByScaleUp reports whether the pod is the first of an ordinal that an earlier version of the set had out of range.
func (h *mutableHistory) addedByScaleUp(set, pod *object) bool {
	for _, p := range h.podsOf(set) {
		if p == pod {
			break
		}
		if p.name == pod.name {
			return false
		}
	}
	e := set.firstWhere(func(e *history.Event) bool { return !inRange(e, pod.ordinal()) })
	return e != nil && e.At < pod.first().At
}

// replacedByRollout returns the pod that a rollout deleted and this one replaces, or nil.
func (h *mutableHistory) replacedByRollout(set, pod *object) *object {
	for _, p := range h.podsOf(set) {
		if h.replacement(p) != pod || h.controllerDeletion(p) == nil {
			continue
		}
		at := h.controllerDeletion(p).At
		if set.specUnchanged(at-3*time.Second, pod.first().At) && p.revision() != set.at(at).Set.Status.UpdateRevision && inRange(set.at(at), p.ordinal()) {
			return p
		}
	}
	return nil
}
