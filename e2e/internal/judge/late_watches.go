package judge

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// lateEvents returns, for each event that a watch delivered later than two watches are out of step, the period in which it was held back: since another
// watch had delivered one with a higher resource version, or the API server had answered a request of the test with it or a higher one. What is recorded
// in it happened earlier. Resource versions of different resources are compared only to excuse here, as in visibility.go.
func lateEvents(h *history.History) map[history.Resource][]history.Gap {
	var newestFirst []sighting
	for _, e := range inOrderOfTheirWatch(h.Events) {
		newestFirst = append(newestFirst, sighting{e.Resource, false, e.RV(), e.Seq, e.At})
	}
	slices.SortFunc(newestFirst, func(a, b sighting) int { return cmp.Or(cmp.Compare(b.version, a.version), cmp.Compare(b.at, a.at)) })
	// An answer comes with the version that the watch delivers, too.
	newestFirst = append(answers(h.Operations), newestFirst...)
	slices.SortStableFunc(newestFirst, func(a, b sighting) int { return cmp.Compare(b.version, a.version) })
	apart := storedApart(h.Events)
	type source struct {
		resource history.Resource
		answer   bool
	}
	first := map[source]time.Duration{} // when each source showed something newer than the version at hand
	late := map[history.Resource][]history.Gap{}
	for _, v := range newestFirst {
		here := source{v.resource, v.answer}
		for s, at := range first {
			if s != here && !v.answer && outOfStep(v.at-at) && !apart[pairOf(s.resource, v.resource)] {
				late[v.resource] = append(late[v.resource], history.Gap{Seq: v.seq, Resource: v.resource, From: at, To: v.at})
			}
		}
		if at, seen := first[here]; !seen || v.at < at {
			first[here] = v.at
		}
	}
	return late
}

// lateWatches returns the periods in which some event was held back for too long, those that overlap made one, by resource.
func lateWatches(late map[history.Resource][]history.Gap, tooLong func(time.Duration) bool) []history.Gap {
	var out []history.Gap
	for _, r := range history.Resources() {
		var long []history.Gap
		for _, g := range late[r] {
			if tooLong(g.To - g.From) {
				long = append(long, g)
			}
		}
		out = append(out, joined(long)...)
	}
	return out
}

// sighting is a version of an object that a watch delivered, or that the API server answered a request of the test with.
type sighting struct {
	resource history.Resource
	answer   bool
	version  uint64
	seq      int
	at       time.Duration
}

// answers returns the versions that the API server answered the test's requests with.
func answers(operations []history.Operation) []sighting {
	var out []sighting
	for _, o := range operations {
		if o.Result == nil || o.ReturnSeq == 0 {
			continue
		}
		e := history.Event{Meta: history.Meta{ResourceVersion: o.Result.ResourceVersion}}
		if e.RV() > 0 {
			out = append(out, sighting{o.Resource, true, e.RV(), o.ReturnSeq, o.ReturnAt})
		}
	}
	return out
}

// pair is two resources, whichever is named first.
type pair [2]history.Resource

func pairOf(a, b history.Resource) pair { return pair{min(a, b), max(a, b)} }

// storedApart returns the pairs of resources whose versions are no numbers of one sequence: an object that names another one as its owner has a lower
// version than that one when it was created, or a status that counts pods has a lower one than the first of them.
func storedApart(events []*history.Event) map[pair]bool {
	out := map[pair]bool{}
	created, firstPod := map[types.UID]*history.Event{}, map[types.UID]uint64{}
	for _, e := range events {
		if e.Change == history.Added {
			created[e.UID] = e
		}
	}
	for _, e := range events {
		for _, o := range e.Owners {
			if owner := created[o.UID]; owner != nil && e.RV() > 0 && e.RV() < owner.RV() {
				out[pairOf(e.Resource, owner.Resource)] = true
			}
		}
		if c := e.Controller(); c != nil && e.Resource == history.Pods && e.RV() > 0 && (firstPod[c.UID] == 0 || e.RV() < firstPod[c.UID]) {
			firstPod[c.UID] = e.RV()
		}
	}
	for _, e := range events {
		if e.Resource == history.Sets && e.RV() > 0 && created[e.UID] != nil && e.Set.Status.Replicas > 0 && e.RV() < firstPod[e.UID] {
			out[pairOf(history.Sets, history.Pods)] = true
		}
	}
	return out
}

// joined returns the gaps of one resource with those that overlap made one, by their beginning.
func joined(gaps []history.Gap) []history.Gap {
	slices.SortFunc(gaps, func(a, b history.Gap) int { return cmp.Compare(a.From, b.From) })
	var out []history.Gap
	for _, g := range gaps {
		if n := len(out); n > 0 && g.From <= out[n-1].To {
			out[n-1].To = max(out[n-1].To, g.To)
			continue
		}
		out = append(out, g)
	}
	for i := range out {
		out[i].Reason = fmt.Sprintf("its watch was %.1f s behind another, or behind an answer of the API server", (out[i].To - out[i].From).Seconds())
	}
	return out
}

// inOrderOfTheirWatch returns the events that watches delivered and whose resource versions fit the order in which their own watch delivered
// them: others, which no API server sends, show nothing of another watch.
func inOrderOfTheirWatch(events []*history.Event) []*history.Event {
	var out []*history.Event
	highest := map[history.Resource]uint64{}
	for _, e := range events {
		if !delivered(e) {
			continue
		}
		if e.RV() > highest[e.Resource] {
			out = append(out, e)
		}
		highest[e.Resource] = max(highest[e.Resource], e.RV())
	}
	lowest := map[history.Resource]uint64{}
	for _, e := range slices.Backward(events) {
		if !delivered(e) {
			continue
		}
		if low, seen := lowest[e.Resource]; seen && e.RV() >= low {
			out = slices.DeleteFunc(out, func(o *history.Event) bool { return o == e })
		} else {
			lowest[e.Resource] = e.RV()
		}
	}
	return out
}

// delivered reports whether a watch delivered the event, with a resource version that can be compared with those of other resources: many
// clusters store Events apart from everything else.
func delivered(e *history.Event) bool {
	return e.RV() > 0 && e.Change != history.Listed && e.Change != history.Missing && e.Resource != history.Events
}
