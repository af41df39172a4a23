package judge

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// recentlyReady is a pod that may not have been Ready for minReadySeconds, and the event that shows it Ready.
type recentlyReady struct {
	uid   types.UID
	event *history.Event
}

// clockOffset returns an upper bound of how far the recorder's clock is ahead of the API server's, and false if no event gives one: no
// creation is received before its creationTimestamp.
func (m *model) clockOffset() (time.Duration, bool) {
	best, found := time.Duration(0), false
	for _, e := range m.h.Events {
		if e.Change != history.Added || e.CreationTimestamp.IsZero() {
			continue
		}
		if ahead := e.At - e.CreationTimestamp.Sub(m.h.Header.Start); !found || ahead < best {
			best, found = ahead, true
		}
	}
	return best, found
}

// available checks that a status counts no pod as available that cannot have been Ready for minReadySeconds.
func (w *statusWalker) available(e *history.Event, clockOffset time.Duration) {
	const id = contract.StatusAvailable
	if w.version == nil || e.Set.Status == w.version.Set.Status || (w.s.deleting != nil && e.Seq >= w.s.deleting.Seq) {
		return
	}
	// A status is computed from the generation that it has observed, not from the spec of the same version, or from a later one: counts that are written first
	// come before what says which generation they are of.
	spec := w.s.generation(e.Set.Status.ObservedGeneration)
	if spec < 0 {
		return
	}
	need := minReady(w.s.specs[spec])
	for _, later := range w.s.specs[spec+1:] {
		if later.Seq < e.Seq {
			need = min(need, minReady(later))
		}
	}
	if need == 0 {
		w.recentlyReady = nil
		return
	}
	written := w.m.latestWrite(e, clockOffset)
	var tooRecent []recentlyReady
	var names []string
	for _, y := range w.recentlyReady {
		ready := y.event.Pod.Condition(corev1.PodReady)
		if ready == nil || !w.m.afterByAnyClock(ready.Transition.Add(need), written) {
			continue
		}
		p := w.m.byPod[y.uid]
		now := p.at(e.Seq)
		if now == nil || p.ownerAt(e.Seq).set != w.s || now.Gone() || !now.Pod.RunningAndReady() {
			continue
		}
		tooRecent = append(tooRecent, y)
		names = append(names, fmt.Sprintf("%s since %v", y.event.Name, ready.Transition.UTC().Format(time.TimeOnly)))
	}
	w.recentlyReady = tooRecent
	most := w.ready - int32(len(tooRecent))
	for _, at := range w.lossTimes {
		if w.m.withinLag(at, e.At) {
			most++ // it may still have been Ready in the informer cache
		}
	}
	st := e.Set.Status
	switch {
	case len(tooRecent) == 0:
	case st.Available <= most && st.Ready > st.Available:
		w.results.exercised(id)
	case st.Available > most && st.Available > w.version.Set.Status.Available:
		w.results.broken(id, evidence{
			set: w.s, since: tooRecent[0].event.At, events: []*history.Event{tooRecent[len(tooRecent)-1].event, e}, written: statusField,
			text: fmt.Sprintf("the status of %s (%s) counts %d pods as available, at most %d can be: minReadySeconds asks for %v, and Ready are %v; the status was written at %s or before",
				w.s.name, e.Ref(), st.Available, most, need, names, written.UTC().Format(time.TimeOnly)),
		})
	}
}
