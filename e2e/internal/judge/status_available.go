package judge

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// recentlyReady is a pod that became Ready not long ago.
type recentlyReady struct {
	uid   types.UID
	event *history.Event
}

// clockOffset returns by how much, at most, the recorder's clock is ahead of the API server's, both since the recording began: no
// event arrives before the object that it shows is created. The nearest of all events comes closest.
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

// available judges one new status of a set with minReadySeconds: it counts no pod that cannot have been Ready for that long.
func (w *statusWalker) available(e *history.Event, anchor time.Duration) {
	const id = contract.StatusAvailable
	if w.version == nil || e.Set.Status == w.version.Set.Status || (w.s.deleting != nil && e.Seq >= w.s.deleting.Seq) {
		return
	}
	// A status is of the generation that it has observed, whatever the spec beside it says.
	spec := w.s.generation(e.Set.Status.ObservedGeneration)
	if spec < 0 {
		return
	}
	need := minReady(w.s.specs[spec])
	if need == 0 {
		w.recentlyReady = nil
		return
	}
	// The latest moment, by the API server's clock, at which the status can have been written: creation timestamps are cut to
	// seconds, and even the nearest event took its time to arrive.
	written := w.m.h.Header.Start.Add(e.At - anchor + watchSkew + timestampResolution)
	var young []recentlyReady
	var names []string
	for _, y := range w.recentlyReady {
		ready := y.event.Pod.Condition(corev1.PodReady)
		if ready == nil || !ready.Transition.Add(need).After(written.Add(w.m.h.Header.ClockSkew)) {
			continue
		}
		now := w.m.byPod[y.uid].at(e.Seq)
		if now == nil || now.Gone() || !now.Pod.RunningAndReady() {
			continue
		}
		young = append(young, y)
		names = append(names, fmt.Sprintf("%s since %v", y.event.Name, ready.Transition.UTC().Format(time.TimeOnly)))
	}
	w.recentlyReady = young
	most := w.ready - int32(len(young))
	for _, at := range w.lossTimes {
		if w.m.withinLag(at, e.At) {
			most++ // the controller may still have counted it
		}
	}
	st := e.Set.Status
	switch {
	case len(young) == 0:
	case st.Available <= most && st.Ready > st.Available:
		w.results.exercised(id)
	case st.Available > most && st.Available > w.version.Set.Status.Available:
		w.results.broken(id, evidence{
			set: w.s, since: young[0].event.At, events: []*history.Event{young[len(young)-1].event, e},
			text: fmt.Sprintf("the status of %s (%s) counts %d pods as available, at most %d can be: minReadySeconds asks for %v, and Ready are %v; the status was written at %s or before",
				w.s.name, e.Ref(), st.Available, most, need, names, written.UTC().Format(time.TimeOnly)),
		})
	}
}
