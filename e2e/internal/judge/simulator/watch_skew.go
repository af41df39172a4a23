package simulator

import (
	"slices"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// withWatchSkew returns the history as seen through watches that lag by different times: events keep their order only within a
// resource.
func (cl *cluster) withWatchSkew(h *history.History) *history.History {
	if cl.options.watchSkew == 0 {
		return h
	}
	last := map[history.Resource]time.Duration{}
	for _, e := range h.Events {
		e.At = max(last[e.Resource], e.At+cl.durationBetween(0, cl.options.watchSkew))
		last[e.Resource] = e.At
	}
	slices.SortStableFunc(h.Events, func(a, b *history.Event) int { return int(a.At - b.At) })
	renumber(h)
	return h
}

// renumber numbers all records in order of time; an operation comes before the events of the same moment.
func renumber(h *history.History) {
	seq, m := 0, 0
	for _, e := range h.Events {
		for ; m < len(h.Operations) && h.Operations[m].At <= e.At; m++ {
			seq++
			h.Operations[m].Seq = seq
		}
		seq++
		e.Seq = seq
	}
	for ; m < len(h.Operations); m++ {
		seq++
		h.Operations[m].Seq = seq
	}
	h.End.Seq, h.End.At = seq+1, h.Duration()
}
