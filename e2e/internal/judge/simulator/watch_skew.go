package simulator

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// withWatchSkew returns the history as seen through watches that lag by different times: events keep their order only within a
// resource.
func (cl *cluster) withWatchSkew(h *history.History) *history.History {
	if cl.options.watchSkew == 0 && !cl.varied.watchStalls {
		return h
	}
	last := map[history.Resource]time.Duration{}
	for _, e := range h.Events {
		e.At = max(last[e.Resource], e.At+cl.durationBetween(0, cl.options.watchSkew))
		last[e.Resource] = e.At
	}
	if cl.varied.watchStalls {
		cl.stallWatches(h)
	}
	SortByTime(h)
	h.End.At = h.Duration()
	return h
}

// stallWatches has watches hold back what they should have delivered, for up to nine seconds, again and again.
func (cl *cluster) stallWatches(h *history.History) {
	until := map[history.Resource]time.Duration{}
	for _, e := range h.Events {
		if e.At > until[e.Resource] && cl.chance(0.03) {
			until[e.Resource] = e.At + cl.durationBetween(time.Second, 9*time.Second)
		}
		e.At = max(e.At, until[e.Resource])
	}
}

// SortByTime sorts the events by time and numbers all records anew; an operation comes before the events of the same moment.
func SortByTime(h *history.History) {
	slices.SortStableFunc(h.Events, func(a, b *history.Event) int { return int(a.At - b.At) })
	seq, done := 0, 0
	operationsUntil := func(at time.Duration) {
		for ; done < len(h.Operations) && h.Operations[done].At <= at; done++ {
			seq++
			h.Operations[done].Seq = seq
		}
	}
	for _, e := range h.Events {
		operationsUntil(e.At)
		seq++
		e.Seq = seq
	}
	operationsUntil(math.MaxInt64)
	h.End.Seq = seq + 1
	if len(h.Clients) > 0 {
		slices.SortStableFunc(h.Clients, func(a, b *history.ClientOperation) int { return cmp.Compare(a.At, b.At) })
		slices.SortStableFunc(h.Members, func(a, b *history.MemberState) int { return cmp.Compare(a.At, b.At) })
		numberClients(h)
	}
}
