package judge

import (
	"fmt"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Disturbance says what other clients than the test did to its sets or pods, or what the recording lacks, "" if nothing of the kind is shown.
// It accuses nobody and decides no verdict: a spec that was disturbed may be worth repeating.
func Disturbance(h *history.History) string {
	if h.End != nil && !h.End.Complete {
		return h.End.Reason
	}
	m := newModel(h)
	if len(m.gaps) > 0 {
		g := m.gaps[0]
		return fmt.Sprintf("the history of %s has a gap from %s to %s (%s)", g.Resource, history.Clock(g.From), history.Clock(g.To), g.Reason)
	}
	if e := m.externalChangeBy(h.Duration(), ""); e != nil {
		return fmt.Sprintf("another client changed the set %s at %s", e.Name, e.Ref())
	}
	if e := m.takenByOthers(h.Duration(), ""); e != nil {
		return fmt.Sprintf("%s of the %s was taken away at %s, which nothing shows to be the act of the suite or of a controller", e.Name, e.Resource, e.Ref())
	}
	return ""
}
