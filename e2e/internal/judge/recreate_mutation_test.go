package judge_test

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func underRecreate(s *history.Set) bool { return s.Strategy == appsv1.RecreateStatefulSetStrategyType }

// recreatedPods lists the pods of a set that is under Recreate all the time which its controller deleted for a new template.
func (h *mutableHistory) recreatedPods(set *object) []*object {
	var out []*object
	for _, p := range h.podsOf(set) {
		if d := h.controllerDeletion(p); d != nil && set.every(underRecreate) && h.replacement(p) != nil && h.replacement(p).revision() != p.revision() {
			out = append(out, p)
		}
	}
	return out
}

// removeOldPodLate keeps a pod of an older revision until the first one of the new revision was created.
func removeOldPodLate(h *mutableHistory) bool {
	for _, set := range h.shuffled(history.Sets) {
		for _, old := range h.recreatedPods(set) {
			for _, p := range h.podsOf(set) {
				at, gone := p.first().At, old.removal()
				if gone == nil || p.name == old.name || !set.specUnchanged(at-3*time.Second, at+time.Second) ||
					p.revision() != set.at(at).Set.Status.UpdateRevision || p.revision() == old.revision() ||
					gone.At > at || gone.At < at-3*time.Second || old.first().At > at-5*time.Second ||
					h.replacement(old).first().At <= at+time.Millisecond {
					continue
				}
				h.move(gone, at+1)
				gone.ResourceVersion = p.first().ResourceVersion + "0"
				return true
			}
		}
	}
	return false
}

// neverDeleteOldPod keeps a pod of an older revision to the end.
func neverDeleteOldPod(h *mutableHistory) bool {
	for _, set := range h.shuffled(history.Sets) {
		for _, old := range h.recreatedPods(set) {
			d := old.deletion().At
			if !set.alive(h.end) || !set.specUnchanged(d-100*time.Millisecond, h.end) || h.end-d < h.deadline+whenTouched+time.Second {
				continue
			}
			h.dropEvents(func(e *history.Event) bool { return e.Resource == history.Pods && e.Name == old.name && e.At >= d })
			h.showController()
			return true
		}
	}
	return false
}

// stopProgressing sets the condition Progressing to False before a pod of the new revision was created.
func stopProgressing(h *mutableHistory) bool {
	for _, set := range h.shuffled(history.Sets) {
		for i, e := range set.versions[1:] {
			was, now := set.versions[i].Set.Status, &e.Set.Status
			if !set.every(underRecreate) || e.Set.Replicas == 0 || !set.alive(e.At) || was.Progressing != corev1.ConditionTrue || now.Progressing != corev1.ConditionTrue ||
				now.UpdateRevision != was.UpdateRevision {
				continue
			}
			early := !slices.ContainsFunc(h.podsOf(set), func(p *object) bool {
				there := p.first().At < e.At+time.Second && (p.removal() == nil || p.removal().At > e.At-4*time.Second)
				return there && (p.revision() == now.UpdateRevision || !inRange(e, p.ordinal()))
			})
			if early {
				now.Progressing = corev1.ConditionFalse
				return true
			}
		}
	}
	return false
}
