package judge

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// lateWatches returns a gap for each period in which the watch of a resource was held back: it delivered an event long after
// another watch had delivered one with a higher resource version, or the API server had answered a request of the test with it or a higher
// one. What it delivered meanwhile is recorded later than it happened. Resource versions of different resources are compared only to excuse
// here, as in visibility.go.
func lateWatches(h *history.History) []history.Gap {
	newestFirst := append(answers(h.Operations), inOrderOfTheirWatch(h.Events)...)
	slices.SortStableFunc(newestFirst, func(a, b *history.Event) int { return cmp.Compare(b.RV(), a.RV()) })
	first := map[history.Resource]time.Duration{} // when each watch delivered something newer than the event at hand
	late := map[history.Resource][]history.Gap{}
	for _, e := range newestFirst {
		for r, at := range first {
			if r != e.Resource && e.Resource != "" && heldBack(e.At-at) {
				late[e.Resource] = append(late[e.Resource], history.Gap{Seq: e.Seq, Resource: e.Resource, From: at, To: e.At})
			}
		}
		if at, seen := first[e.Resource]; !seen || e.At < at {
			first[e.Resource] = e.At
		}
	}
	var out []history.Gap
	for _, r := range history.Resources() {
		out = append(out, joined(late[r])...)
	}
	return out
}

// answers returns the versions that the API server answered the test's requests with as events of no resource, at the time of the answer.
func answers(operations []history.Operation) []*history.Event {
	var out []*history.Event
	for _, o := range operations {
		if o.Result == nil || o.ReturnSeq == 0 {
			continue
		}
		e := &history.Event{Seq: o.ReturnSeq, At: o.ReturnAt, Meta: history.Meta{ResourceVersion: o.Result.ResourceVersion}}
		if e.RV() > 0 {
			out = append(out, e)
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
