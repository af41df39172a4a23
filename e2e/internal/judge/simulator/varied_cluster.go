package simulator

import (
	"maps"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// startVariations prepares what variations need from the beginning.
func (cl *cluster) startVariations() {
	if cl.varied.eager {
		cl.builder.Pace(0)
	}
	if cl.varied.watchBehind {
		cl.options.watchSkew = 490 * time.Millisecond
	}
	if cl.varied.unrelatedChanges {
		cl.nextUnrelatedChange()
	}
}

// nextUnrelatedChange schedules the next change that matters to no controller, and those after it, for some minutes.
func (cl *cluster) nextUnrelatedChange() {
	const longest = 5 * time.Minute
	if cl.builder.Now() > longest {
		return
	}
	cl.after(cl.durationBetween(0, 10*time.Second), func() {
		r := pick(cl.rng, history.Pods, history.Pods, history.Claims, history.Sets, history.Revisions)
		if all := cl.builder.List(r); len(all) > 0 {
			label := r != history.Revisions && cl.chance(0.3)
			cl.builder.Change(r, pick(cl.rng, all...).Name, func(e *history.Event) {
				if label {
					e.Labels = withLabel(e.Labels, "example.com/seen", cl.builder.Now().String())
				}
			})
		}
		cl.nextUnrelatedChange()
	})
}

// withLabel returns a copy of the labels with one more.
func withLabel(labels map[string]string, key, value string) map[string]string {
	out := map[string]string{key: value}
	maps.Copy(out, labels)
	out[key] = value
	return out
}

// admit returns a new pod or claim as admission leaves it.
func (cl *cluster) admit(e *history.Event) *history.Event {
	if !cl.varied.webhook {
		return e
	}
	e.Labels = withLabel(e.Labels, "example.com/admitted", "yes")
	if e.Pod != nil {
		e.Pod.Template.Images = withLabel(e.Pod.Template.Images, "a-sidecar", "proxy:1")
	}
	return e
}

// withSidecar returns the containers of a pod with the one that admission added, before or behind them.
func (cl *cluster) withSidecar(containers []history.Container) []history.Container {
	if !cl.varied.webhook {
		return containers
	}
	sidecar := containers[0]
	sidecar.Name = "a-sidecar"
	if cl.chance(0.5) {
		return append([]history.Container{sidecar}, containers...)
	}
	return append(containers, sidecar)
}

// transitionTime is when a condition of a pod that is written now has changed.
func (cl *cluster) transitionTime(p *history.Pod) metav1.Time {
	now := cl.builder.Timestamp()
	if !cl.varied.lateKubelet {
		return now
	}
	at := metav1.NewTime(now.Add(-time.Duration(cl.rng.IntN(4)) * time.Second))
	for _, c := range p.Conditions {
		if c.Transition.After(at.Time) {
			at = c.Transition
		}
	}
	for _, c := range p.Containers {
		if c.Started.After(at.Time) {
			at = c.Started
		}
	}
	return at
}

// flaps decides whether a pod that became Ready loses that at once, for some time.
func (cl *cluster) flaps(name string, uid types.UID) bool {
	if !cl.varied.flapping || cl.chance(0.6) {
		return false
	}
	cl.after(cl.durationBetween(0, 400*time.Millisecond), func() {
		if e := cl.activePod(name, uid); e != nil && e.Pod.RunningAndReady() {
			cl.unready(name, uid)
		}
	})
	return true
}

// asRecorded returns the history as another recording of the same cluster.
func (cl *cluster) asRecorded(h *history.History) *history.History {
	if cl.varied.silent {
		h.Events = slices.DeleteFunc(h.Events, func(e *history.Event) bool { return e.Resource == history.Events })
	}
	if cl.varied.otherTexts {
		for _, e := range h.Events {
			if e.Report != nil {
				e.Report.Pod = ""
			}
		}
	}
	if cl.varied.doubledEvents {
		cl.doubleEvents(h)
	}
	if cl.varied.answered || cl.varied.answeredBeforeWatch {
		cl.answerOperations(h)
	}
	return h
}

// doubleEvents records some versions of objects twice, the second time before any later event of their resource.
func (cl *cluster) doubleEvents(h *history.History) {
	var out []*history.Event
	for _, e := range h.Events {
		out = append(out, e)
		if e.Change == history.Modified && e.Resource != history.Events && cl.chance(0.2) {
			again := *e
			out = append(out, &again)
		}
	}
	h.Events = out
	SortByTime(h)
}

// answerOperations gives the operations answers: before or after the watch shows what they did.
func (cl *cluster) answerOperations(h *history.History) {
	for i := range h.Operations {
		o := &h.Operations[i]
		effect := effectOf(h, o)
		o.Outcome, o.ReturnAt = history.Accepted, o.At
		if effect == nil {
			continue
		}
		if !o.Deletes() {
			o.Result = &history.Result{UID: effect.UID, Generation: effect.Generation, ResourceVersion: effect.ResourceVersion}
		}
		if cl.varied.answered {
			o.ReturnAt = effect.At + cl.durationBetween(0, 300*time.Millisecond)
		}
	}
	numberWithAnswers(h)
}

// effectOf returns the version of an object that an operation made, nil if there is none: the first one after the call in which something
// differs that only the simulated user changes.
func effectOf(h *history.History, o *history.Operation) *history.Event {
	var was *history.Event
	for _, e := range h.Events {
		if e.Resource != o.Resource || (e.Name != o.Name && o.Name != "") {
			continue
		}
		if e.Seq > o.Seq && isEffect(o, was, e) {
			return e
		}
		was = e
	}
	return nil
}

// isEffect reports whether an operation on the object may have made that version of it; was is the one before.
func isEffect(o *history.Operation, was, e *history.Event) bool {
	switch {
	case o.Verb == history.VerbCreate:
		return e.Change == history.Added
	case o.UID != "" && e.UID != o.UID:
		return false
	case o.Deletes():
		return e.Terminating()
	}
	return was != nil && was.UID == e.UID && (was.Generation != e.Generation || !maps.Equal(was.Labels, e.Labels))
}

// numberWithAnswers numbers all records anew: at the same moment calls come first, then answers, then events.
func numberWithAnswers(h *history.History) {
	type record struct {
		at    time.Duration
		class int
		seq   *int
	}
	var all []record
	for i := range h.Operations {
		o := &h.Operations[i]
		all = append(all, record{o.At, 0, &o.Seq}, record{o.ReturnAt, 1, &o.ReturnSeq})
	}
	for _, e := range h.Events {
		all = append(all, record{e.At, 2, &e.Seq})
	}
	slices.SortStableFunc(all, func(a, b record) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return a.class - b.class
	})
	for i, r := range all {
		*r.seq = i + 1
	}
	h.End.Seq = len(all) + 1
	h.End.At = max(h.End.At, h.Duration())
}
