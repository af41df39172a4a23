package judge_test

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func lifecycleMutations() map[contract.ID]mutation {
	return map[contract.ID]mutation{
		contract.LifecycleFailed:       replaceWithWrongHostname(byPhase(corev1.PodFailed)),
		contract.LifecycleSucceeded:    replaceWithWrongHostname(byPhase(corev1.PodSucceeded)),
		contract.LifecycleEvicted:      replaceWithWrongHostname(byEviction),
		contract.LifecycleCrashInPlace: deleteCrashed,
		contract.LifecycleAdoption:     deleteOrphan,
		contract.LifecycleRelease:      deleteInsteadOfRelease,

		contract.LifecycleDisruptionTarget: dropDisruptionTarget,
		contract.LifecycleEvictedGraceful:  cutGraceOfEvicted,
	}
}

func byPhase(phase corev1.PodPhase) func(*mutableHistory, *object, *object) *history.Event {
	return func(_ *mutableHistory, _, p *object) *history.Event {
		f, d := finished(p), p.deletion()
		if f == nil || f.Pod.Phase != phase || (d != nil && d.At <= f.At) {
			return nil
		}
		return f
	}
}

func byEviction(h *mutableHistory, _, p *object) *history.Event {
	d, f := p.deletion(), finished(p)
	for _, m := range h.Operations {
		if m.Verb == history.VerbEvict && m.UID == p.uid && d != nil && (f == nil || f.At > d.At) {
			return d
		}
	}
	return nil
}

// deleteCrashed deletes a pod after one of its containers has crashed.
func deleteCrashed(h *mutableHistory) bool {
	if len(h.objects[history.Sets]) > 1 {
		return false
	}
	return onCreatedPod(func(h *mutableHistory, set, p *object) bool {
		crash := p.firstWhere(func(e *history.Event) bool { return e.Pod.Crashed() && !e.Terminating() && !e.Gone() })
		if crash == nil {
			return false
		}
		at := crash.At + 1
		if !set.specUnchanged(at-4*time.Second, at+4*time.Second) || !inRange(set.at(at), p.ordinal()) || !set.every(func(s *history.Set) bool {
			return s.Status.UpdateRevision == p.revision() || s.Status.UpdateRevision == ""
		}) || h.deletedByTest(p) || !p.unchanged(crash.At, at) || (finished(p) != nil && finished(p).At <= crash.At) || evicted(p) != nil ||
			p.firstWhere(func(e *history.Event) bool { return e.Controller() == nil }) != nil {
			return false
		}
		h.terminate(p, at)
		return true
	})(h)
}

// deleteOrphan deletes an orphan that a set should have adopted.
func deleteOrphan(h *mutableHistory) bool {
	for _, p := range h.shuffled(history.Pods) {
		for i, e := range p.versions[1:] {
			set, was := h.byUID(history.Sets, e.Controller()), p.versions[i]
			if set == nil || len(was.Owners) > 0 || e.Terminating() || e.Gone() || was.Terminating() || was.Pod.Finished() || h.deletedByTest(p) || evicted(p) != nil ||
				!set.alive(e.At+3*time.Second) || set.first().At > e.At-time.Millisecond || (finished(p) != nil && finished(p).At <= e.At) ||
				!set.every(func(s *history.Set) bool {
					return inRange(&history.Event{Set: s}, p.ordinal()) && (s.Status.UpdateRevision == p.revision() || s.Status.UpdateRevision == "")
				}) {
				continue
			}
			p.change(e.At, func(x *history.Event) { x.Owners = nil })
			h.setDeletionTimestamp(e, e.At)
			return true
		}
	}
	return false
}

// deleteInsteadOfRelease lets the controller delete a pod that its set no longer selects, instead of releasing it.
func deleteInsteadOfRelease(h *mutableHistory) bool {
	for _, p := range h.shuffled(history.Pods) {
		set, d := h.setOf(p), p.deletion()
		stray := p.firstWhere(func(e *history.Event) bool { return e.Labels["app"] == "none" })
		if set == nil || stray == nil || stray.Terminating() || stray.Gone() || len(stray.Owners) == 0 || d == nil || d.At < stray.At+3*time.Second || d.Change != history.Modified || !set.alive(d.At+time.Second) ||
			(finished(p) != nil && finished(p).At <= d.At) || evicted(p) != nil {
			continue
		}
		owners := stray.Owners
		p.change(stray.At, func(e *history.Event) { e.Owners = owners })
		h.Operations = slices.DeleteFunc(h.Operations, func(m history.Operation) bool {
			return m.UID == p.uid || (m.Verb == history.VerbDelete && m.UID == "")
		})
		return true
	}
	return false
}

// evictedPod returns a pod that the test evicted and did nothing else to, with its eviction accepted, or nil.
func (h *mutableHistory) evictedPod() *object {
	bulk := func(o history.Operation) bool { return o.Deletes() && o.UID == "" }
	if slices.ContainsFunc(h.Operations, bulk) {
		return nil
	}
	for _, p := range h.shuffled(history.Pods) {
		var evictions []int
		deleted := false
		for i, o := range h.Operations {
			if o.UID == p.uid && o.Verb == history.VerbEvict {
				evictions = append(evictions, i)
			}
			deleted = deleted || o.UID == p.uid && o.Verb == history.VerbDelete
		}
		d := p.deletion()
		if deleted || d == nil || len(evictions) != 1 || h.Operations[evictions[0]].At > d.At || h.setOf(p) == nil {
			continue
		}
		h.Operations[evictions[0]].Outcome = history.Accepted
		return p
	}
	return nil
}

// dropDisruptionTarget removes the condition DisruptionTarget from an evicted pod.
func dropDisruptionTarget(h *mutableHistory) bool {
	p := h.evictedPod()
	if p == nil {
		return false
	}
	p.change(0, func(e *history.Event) {
		e.Pod.Conditions = slices.DeleteFunc(e.Pod.Conditions, func(c history.Condition) bool { return c.Type == corev1.DisruptionTarget })
	})
	return true
}

// cutGraceOfEvicted gives an evicted pod another grace period than its own.
func cutGraceOfEvicted(h *mutableHistory) bool {
	p := h.evictedPod()
	if p == nil {
		return false
	}
	d := p.deletion()
	i := slices.Index(p.versions, d)
	if i == 0 || d.Gone() || p.versions[i-1].Pod.Phase != corev1.PodRunning {
		return false
	}
	p.change(d.At, func(e *history.Event) { e.DeletionGrace = new(int64) })
	return true
}
