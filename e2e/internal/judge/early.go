package judge

import (
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Early looks for violations in a history that is still being recorded, so that they can be told while a spec runs. It decides nothing: the verdict is
// that of the whole history, which may know more.
type Early struct{ told map[place]bool }

// place is what is told once.
type place struct {
	guarantee contract.ID
	set       string
}

// Look judges what is recorded until now, a time since the recording began, and returns the first violation of each guarantee by each set that no earlier
// look returned.
func (e *Early) Look(h *history.History, now time.Duration) []Finding {
	var found []Finding
	for _, r := range History(h) {
		for _, f := range r.Violations {
			p := place{f.Guarantee, f.Set}
			if e.told[p] || f.At > settledBefore(now) {
				continue
			}
			if e.told == nil {
				e.told = map[place]bool{}
			}
			e.told[p] = true
			found = append(found, f)
		}
	}
	return found
}

// Withdrawn returns the guarantees that a look found broken and that the results of the whole history do not.
func (e *Early) Withdrawn(results []Result) []contract.ID {
	broken := map[contract.ID]bool{}
	for _, r := range results {
		broken[r.Guarantee] = len(r.Violations) > 0
	}
	var ids []contract.ID
	for p := range e.told {
		if !broken[p.guarantee] {
			broken[p.guarantee] = true // once
			ids = append(ids, p.guarantee)
		}
	}
	return ids
}
