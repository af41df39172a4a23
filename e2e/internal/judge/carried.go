package judge

import (
	"slices"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Carried sums up what the databases of a history went through.
type Carried struct {
	// Versions are those that the members said they are of, each once, in the order in which they did.
	Versions []string
	// Absences counts the stretches in which a member that had been Ready was not.
	Absences int
	// Operations counts what clients asked for, Acknowledged the writes that were acknowledged, and Lost those of them that a later list lacked.
	Operations, Acknowledged, Lost int
	// LongestPause is the longest stretch without an acknowledged write in which clients tried to write.
	LongestPause time.Duration
}

// Carry returns it, or nil where no client used a database.
func Carry(h *history.History) *Carried {
	if len(h.Clients) == 0 {
		return nil
	}
	m := newModel(h)
	res := &results{m: m, byID: map[contract.ID]*Result{}}
	out := &Carried{}
	for _, d := range m.databases() {
		for _, s := range d.states {
			if s.Version != "" && !slices.Contains(out.Versions, s.Version) {
				out.Versions = append(out.Versions, s.Version)
			}
		}
		c := res.heldAgainstLists(d)
		longest := res.pauses(d, c.writes)
		out.Absences += len(c.absences)
		out.Operations += len(d.ops)
		out.Acknowledged += len(c.writes)
		out.Lost += c.lost
		out.LongestPause = max(out.LongestPause, longest.until-longest.since)
	}
	return out
}
