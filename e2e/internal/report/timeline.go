package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// State is the state of a pod or claim.
type State string

// The states of pods and claims, in the order in which the legend lists them.
const (
	Pending     State = "pending"
	Running     State = "running" // not Ready, or not yet
	Ready       State = "ready"
	Finished    State = "finished" // Failed or Succeeded
	Terminating State = "terminating"
	Bound       State = "bound"
)

// Bar is an interval in which an object stayed in one state.
type Bar struct {
	State    State
	UID      string
	From, To time.Duration
	// Ref is the event that began it.
	Ref string
}

// Row is all pods or claims of one name, one after another.
type Row struct {
	Resource history.Resource
	Name     string
	Bars     []Bar
}

// Timeline returns a row for each name of a pod or claim in a history, pods first, by set and ordinal. The last bar of an object that
// still exists ends with the recording.
func Timeline(h *history.History) []Row {
	type key struct {
		resource history.Resource
		name     string
	}
	rows := map[key]*Row{}
	open := map[key]bool{}
	for _, e := range h.Events {
		if e.Resource != history.Pods && e.Resource != history.Claims {
			continue
		}
		k := key{e.Resource, e.Name}
		row := rows[k]
		if row == nil {
			row = &Row{Resource: e.Resource, Name: e.Name}
			rows[k] = row
		}
		state := stateOf(e)
		if open[k] {
			last := &row.Bars[len(row.Bars)-1]
			if !e.Gone() && last.State == state && last.UID == string(e.UID) {
				continue
			}
			last.To = e.At
			open[k] = false
		}
		if !e.Gone() {
			row.Bars = append(row.Bars, Bar{State: state, UID: string(e.UID), From: e.At, Ref: e.Ref()})
			open[k] = true
		}
	}
	out := make([]Row, 0, len(rows))
	for k, row := range rows {
		if open[k] {
			row.Bars[len(row.Bars)-1].To = h.Duration()
		}
		if len(row.Bars) > 0 {
			out = append(out, *row)
		}
	}
	slices.SortFunc(out, func(a, b Row) int {
		return cmp.Or(
			-strings.Compare(string(a.Resource), string(b.Resource)), // pods before persistentvolumeclaims
			strings.Compare(withoutOrdinal(a.Name), withoutOrdinal(b.Name)),
			cmp.Compare(history.Ordinal(a.Name), history.Ordinal(b.Name)),
			strings.Compare(a.Name, b.Name),
		)
	})
	return out
}

func withoutOrdinal(name string) string {
	if history.Ordinal(name) < 0 {
		return name
	}
	return name[:strings.LastIndexByte(name, '-')]
}

func stateOf(e *history.Event) State {
	switch {
	case e.Terminating():
		return Terminating
	case e.Claim != nil && e.Claim.Phase == corev1.ClaimBound:
		return Bound
	case e.Claim != nil:
		return Pending
	case e.Pod.Finished():
		return Finished
	case e.Pod.RunningAndReady():
		return Ready
	case e.Pod.Phase == corev1.PodRunning:
		return Running
	}
	return Pending
}
