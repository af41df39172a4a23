package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// narrate returns a history as lines of text, its operations, changes, expectations, checks and gaps, and how many lines were left out.
func narrate(h *history.History) ([]string, int) {
	type entry struct {
		seq  int
		text string
	}
	var all []entry
	state := map[string]string{}
	for _, e := range h.Events {
		if line := describeChange(e, state); line != "" {
			all = append(all, entry{e.Seq, fmt.Sprintf("%s  %s", history.Clock(e.At), line)})
		}
	}
	for _, m := range h.Operations {
		all = append(all, entry{m.Seq, fmt.Sprintf("%s  ▸ %s", history.Clock(m.At), operationText(&m))})
	}
	for _, c := range h.Checks {
		all = append(all, entry{c.Seq, fmt.Sprintf("%s  %s %s: %s", history.Clock(c.At), checkSign(c.Outcome), c.Guarantee, c.Text)})
	}
	for _, x := range h.Expectations {
		all = append(all, entry{x.Seq, fmt.Sprintf("%s  expected of %s for %s: %s", history.Clock(x.At), x.Name, x.Guarantee, x.Text)})
	}
	for _, g := range h.Gaps {
		all = append(all, entry{g.Seq, fmt.Sprintf("%s  gap in %s since %s: %s", history.Clock(g.To), g.Resource, history.Clock(g.From), g.Reason)})
	}
	slices.SortFunc(all, func(a, b entry) int { return a.seq - b.seq })
	lines := make([]string, 0, min(len(all), maxEventsShown))
	for _, t := range all[:min(len(all), maxEventsShown)] {
		lines = append(lines, t.text)
	}
	return lines, len(all) - len(lines)
}

// operationText describes an operation, with its outcome unless it was accepted. Those of format 1 have neither outcomes nor reasons.
func operationText(o *history.Operation) string {
	switch {
	case o.Outcome == history.Refused:
		return strings.TrimSuffix(o.Text+" (refused: "+o.Reason, ": ") + ")"
	case o.Outcome == history.Unknown && o.Reason != "":
		return strings.TrimSuffix(o.Text+" (outcome unknown: "+o.Reason, ": ") + ")"
	}
	return o.Text
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

// describeChange says what an event changed in the states kept so far, "" if nothing.
func describeChange(e *history.Event, state map[string]string) string {
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
