package judge

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// progressEnds: under Recreate the condition Progressing is True until every pod is updated and Ready.
func (m *model) progressEnds(res *results, r *rollout) {
	for i, e := range r.set.events {
		if r.set.deleting != nil && e.Seq >= r.set.deleting.Seq {
			return
		}
		if i == 0 || m.revisionsRow(e.Set) != contract.StatusProgressing || e.Set.Status.Progressing == corev1.ConditionTrue || m.madeByTest(e) {
			continue
		}
		if was := r.set.events[i-1].Set; recreates(r.set.events[i-1]) && was.Status.Progressing == corev1.ConditionTrue {
			what := fmt.Sprintf("the condition Progressing of %s became %q", r.set.name, e.Set.Status.Progressing)
			m.completed(res, contract.StatusProgressing, r, i, e.Set.Status.UpdateRevision, what, true, false)
		}
	}
}

// progressingSince: under Recreate the lastTransitionTime of the condition Progressing changes with its status, and only then.
func (m *model) progressingSince(res *results, s *setLife) {
	const id = contract.StatusProgressing
	var first *history.Event // the first of the versions before with the same status
	for i, e := range s.events {
		now := &e.Set.Status
		if i == 0 || now.ProgressingSince == 0 || e.Change != history.Modified || !recreates(e) || m.madeByTest(e) {
			first = nil
			continue
		}
		before := s.events[i-1]
		was := &before.Set.Status
		if first == nil || was.Progressing != first.Set.Status.Progressing {
			first = before
		}
		c := evidence{set: s, since: first.At, events: []*history.Event{first, e}, written: statusField}
		switch same := was.ProgressingSince == now.ProgressingSince; {
		case was.ProgressingSince == 0 || same == (was.Progressing == now.Progressing) || !m.mustHaveSeen(first.At, e.At):
			continue // times have a resolution of a second, and what the controller has just written need not be in its informer cache
		case !same:
			c.text = fmt.Sprintf("the condition Progressing of %s stayed %q from %s to %s, and its lastTransitionTime moved by %d s",
				s.name, now.Progressing, before.Ref(), e.Ref(), now.ProgressingSince-was.ProgressingSince)
		default:
			c.text = fmt.Sprintf("the condition Progressing of %s became %q at %s, %.1f s after it had become %q, and kept its lastTransitionTime",
				s.name, now.Progressing, e.Ref(), (e.At - first.At).Seconds(), was.Progressing)
		}
		res.broken(id, c)
	}
}

// progressing checks the condition Progressing of a set under Recreate whose status has observed its newest generation, and was at rest until a
// moment. It must be True while pods are replaced, and must not be once the status says that all are updated and Ready. While the controller still has
// to delete a pod, that is another guarantee's.
func (w *statusWalker) progressing(to time.Duration) {
	const id = contract.StatusProgressing
	set, st := w.version.Set, w.version.Set.Status
	spec := w.s.generation(w.version.Generation)
	if w.m.revisionsRow(set) != id || spec < 0 || w.stopped == st.UpdateRevision {
		return
	}
	old := false
	for revision := range w.present {
		switch pending := w.r.updatePending(revision, spec); {
		case pending == no:
		case pending == unknown || w.at[revision] > 0:
			return
		default:
			old = true
		}
	}
	replacing := old || st.CurrentRevision != st.UpdateRevision
	complete := !replacing && st.Updated == set.Replicas && st.Ready == set.Replicas && st.Replicas == set.Replicas && w.agrees(&w.counts, false)
	found := fmt.Sprintf("%q", st.Progressing)
	if st.Progressing == "" {
		found = "missing"
	}
	switch is := st.Progressing == corev1.ConditionTrue; {
	case replacing && !is:
		w.addPending(id, to, fmt.Sprintf("pods of %s are replaced under Recreate, and for %.1f s its condition Progressing was %s (%s)",
			w.s.name, (to-w.last.At).Seconds(), found, w.version.Ref()))
	case complete && is:
		w.addPending(id, to, fmt.Sprintf("all %d pods of %s are updated and Ready, and so its status says, but for %.1f s its condition Progressing was %s (%s)",
			set.Replicas, w.s.name, (to-w.last.At).Seconds(), found, w.version.Ref()))
	case old:
		w.results.exercised(id)
		return
	default:
		return
	}
	w.stopped = st.UpdateRevision
}
