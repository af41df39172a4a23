package simulator

import (
	"slices"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// seen returns the history as a recorder has it whose watches are out of step with each other: what happened arrives late, in
// the order of its resource.
func (w *world) seen(h *history.History) *history.History {
	if w.custom.skew == 0 {
		return h
	}
	last := map[history.Resource]time.Duration{}
	for _, e := range h.Events {
		e.At = max(last[e.Resource], e.At+w.between(0, w.custom.skew))
		last[e.Resource] = e.At
	}
	slices.SortStableFunc(h.Events, func(a, b *history.Event) int { return int(a.At - b.At) })
	renumber(h)
	return h
}

// renumber gives every record of a history its number anew, by time; a mark comes before what arrives at the same moment.
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
