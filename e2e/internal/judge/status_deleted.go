package judge

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
)

// whileDeleted compares the numbers of pods and Ready pods in the status of a set that is being deleted in the foreground with its pods, if neither changed
// for longer than the lag. A status that has not observed the deletion, or is what the pods showed before, is late, which it must not stay; end says that it
// is the recording that ended. A set that is being deleted does not release a pod whose labels it no longer selects, and counts it no more.
func (w *statusWalker) whileDeleted(to time.Duration, end bool) {
	v, length := w.version, to-w.last.At
	st := &v.Set.Status
	if v.Seq < w.s.deleting.Seq || !slices.Contains(v.Finalizers, metav1.FinalizerDeleteDependents) || w.m.withinLag(w.last.At, to) || w.m.mayTake(length) {
		return
	}
	w.judged = true
	shows := func(c *counts) bool { return st.Replicas == c.replicas && st.Ready == c.ready }
	if shows(&w.counts) || slices.ContainsFunc(w.m.pods, func(p *podLife) bool { return w.s.unselected(p) != nil }) {
		return
	}
	text := fmt.Sprintf("%s is being deleted, and its status (%s) says replicas %d and readyReplicas %d where the pods show %d and %d, and neither had changed for %.1f s",
		w.s.name, v.Ref(), st.Replicas, st.Ready, w.replicas, w.ready, length.Seconds())
	late := st.ObservedGeneration != v.Generation || slices.ContainsFunc(w.past, func(c previousCount) bool { return shows(&c.counts) })
	if !late {
		w.addPending(contract.StatusCounts, to, text)
		return
	}
	due, until := w.m.laggingStatusDeadline(), endOf(to, end)
	if length > due && w.m.workedOn(w.s, w.last.At+due, w.m.signsUntil(until)) {
		w.results.notDone(contract.StatusCounts, w.evidenceUntil(until, text), w.last.At+due)
	}
}
