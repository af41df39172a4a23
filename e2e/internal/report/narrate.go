package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// narrate tells a history in words: what the spec did, what changed, what it checked.
func narrate(h *history.History) ([]string, int) {
	type told struct {
		seq  int
		text string
	}
	var all []told
	state := map[string]string{}
	for _, e := range h.Events {
		if line := tell(e, state); line != "" {
			all = append(all, told{e.Seq, fmt.Sprintf("%s  %s", history.Clock(e.At), line)})
		}
	}
	for _, m := range h.Operations {
		all = append(all, told{m.Seq, fmt.Sprintf("%s  ▸ %s", history.Clock(m.At), m.Text)})
	}
	for _, c := range h.Checks {
		all = append(all, told{c.Seq, fmt.Sprintf("%s  %s %s: %s", history.Clock(c.At), checkSign(c.Outcome), c.Guarantee, c.Text)})
	}
	for _, g := range h.Gaps {
		all = append(all, told{g.Seq, fmt.Sprintf("%s  gap in %s since %s: %s", history.Clock(g.To), g.Resource, history.Clock(g.From), g.Reason)})
	}
	slices.SortFunc(all, func(a, b told) int { return a.seq - b.seq })
	lines := make([]string, 0, min(len(all), maxEventsShown))
	for _, t := range all[:min(len(all), maxEventsShown)] {
		lines = append(lines, t.text)
	}
	return lines, len(all) - len(lines)
}

func checkSign(o history.Outcome) string {
	switch o {
	case history.Passed:
		return "✓"
	case history.Failed:
		return "✗"
	}
	return "?"
}

// tell says what an event changed, "" if nothing that a reader would miss.
func tell(e *history.Event, state map[string]string) string {
	key := string(e.Resource) + "/" + e.Name + "/" + string(e.UID)
	var now string
	switch {
	case e.Gone():
		now = "gone"
	case e.Pod != nil, e.Claim != nil:
		now = string(stateOf(e))
	case e.Set != nil:
		st := e.Set.Status
		now = fmt.Sprintf("generation %d (observed %d), replicas %d, status: %d pods, %d Ready, %d current, %d updated", e.Generation, st.ObservedGeneration,
			e.Set.Replicas, st.Replicas, st.Ready, st.Current, st.Updated)
	case e.Slice != nil:
		var ready []string
		for _, ep := range e.Slice.Endpoints {
			if ep.Ready {
				ready = append(ready, ep.Target)
			}
		}
		now = "ready endpoints: " + strings.Join(ready, ", ")
	case e.Revision != nil:
		now = fmt.Sprintf("revision %d", e.Revision.Number)
	default:
		now = "there"
	}
	if state[key] == now {
		return ""
	}
	state[key] = now
	return fmt.Sprintf("%s/%s %s  [rv %s]", e.Resource, e.Name, now, e.ResourceVersion)
}
