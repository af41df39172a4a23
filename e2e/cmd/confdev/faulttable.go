package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/selftest/faults"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// faultResult is the outcome of one fault.
type faultResult struct {
	faults.Fault
	// named lists the guarantees that were found broken.
	named []contract.ID
	// open says why a guarantee that the fault breaks stayed undecided.
	open    []string
	trouble string
	seconds float64
	// untried says that there is no result.
	untried bool
}

// read takes from a run what it found broken.
func (r *faultResult) read(run *verdict.Run) {
	for _, row := range run.Rows {
		switch row.Verdict {
		case verdict.Fail, verdict.Deviation:
			r.named = append(r.named, row.ID)
		case verdict.Inconclusive:
			if slices.Contains(r.Breaks, row.ID) || r.Kind == faults.Legal {
				r.open = append(r.open, fmt.Sprintf("%s: %s", row.ID, strings.Join(row.Reasons, "; ")))
			}
		}
	}
	slices.SortStableFunc(r.named, func(a, b contract.ID) int { return r.rank(a) - r.rank(b) })
}

// rank puts the guarantees that the fault is made for first.
func (r *faultResult) rank(id contract.ID) int {
	if at := slices.Index(r.Breaks, id); at >= 0 {
		return at
	}
	return len(r.Breaks)
}

// The outcomes of a fault.
const (
	faultCaught = "caught"
	faultHalf   = "caught, under another guarantee"
	faultOpen   = "noticed, not named"
	faultMissed = "missed"
	// faultUntried is none yet.
	faultUntried = "not tried yet"
	// Of a legal variation.
	faultAccused = "accused"
	faultCleared = "not accused"
)

// caughtBy reports whether a run found a guarantee broken that the fault breaks.
func (r *faultResult) caughtBy(run *verdict.Run) bool {
	return slices.ContainsFunc(run.Rows, func(row verdict.Row) bool {
		return (row.Verdict == verdict.Fail || row.Verdict == verdict.Deviation) && slices.Contains(r.Breaks, row.ID)
	})
}

func (r *faultResult) outcome() string {
	switch {
	case r.untried:
		return faultUntried
	case r.Kind == faults.Legal && len(r.named) > 0:
		return faultAccused
	case r.Kind == faults.Legal && r.trouble == "":
		return faultCleared
	case slices.ContainsFunc(r.named, func(id contract.ID) bool { return slices.Contains(r.Breaks, id) }):
		return faultCaught
	case len(r.named) > 0:
		return faultHalf
	case len(r.open) > 0:
		return faultOpen
	}
	return faultMissed
}

// mostOpen is how many reasons the line of a fault has room for.
const mostOpen = 3

func (r faultResult) String() string {
	text := fmt.Sprintf("%-32s %-8s %s", r.Name, r.Kind, r.outcome())
	switch {
	case len(r.named) > 0:
		text += " by " + joinIDs(r.named)
	case len(r.open) > mostOpen:
		text += fmt.Sprintf("; %s; and %d more", strings.Join(r.open[:mostOpen], "; "), len(r.open)-mostOpen)
	case len(r.open) > 0:
		text += "; " + strings.Join(r.open, "; ")
	case r.trouble != "":
		text += "; " + r.trouble
	}
	return fmt.Sprintf("%s (%.0f s)", text, r.seconds)
}

func joinIDs(ids []contract.ID) string {
	texts := make([]string, 0, len(ids))
	for _, id := range ids {
		texts = append(texts, string(id))
	}
	return strings.Join(texts, ", ")
}

// faultTable is the outcome of all faults and of the control.
type faultTable struct {
	kubernetes string // the version
	results    []faultResult
	// controls are what the runs with no fault in force came to, one for each kind of cluster.
	controls []verdict.Overall
	// untriedControls counts those that have no result.
	untriedControls int
}

// whole reports whether there is a result of every fault and control.
func (t faultTable) whole() bool { return t.count(faultUntried) == 0 && t.untriedControls == 0 }

func (t faultTable) count(outcome string) int {
	n := 0
	for _, r := range t.results {
		if r.outcome() == outcome {
			n++
		}
	}
	return n
}

func (t faultTable) minutes() float64 {
	var sum float64
	for _, r := range t.results {
		sum += r.seconds
	}
	return sum / time.Minute.Seconds()
}

// control is what was found without a fault: conformant only if all runs found so.
func (t faultTable) control() verdict.Overall {
	for _, c := range t.controls {
		if c != verdict.Conformant {
			return c
		}
	}
	if len(t.controls) == 0 || t.untriedControls > 0 {
		return verdict.OverallInconclusive
	}
	return verdict.Conformant
}

func (t faultTable) good() bool {
	return t.count(faultCaught)+t.count(faultCleared) == len(t.results) && t.control() == verdict.Conformant
}

func (t faultTable) summary() string {
	text := fmt.Sprintf("%d faults: %d caught under a guarantee they break, %d under another one, %d noticed and not named, %d missed",
		len(t.results)-t.count(faultAccused)-t.count(faultCleared), t.count(faultCaught), t.count(faultHalf), t.count(faultOpen), t.count(faultMissed))
	if accused, cleared := t.count(faultAccused), t.count(faultCleared); accused+cleared > 0 {
		text += fmt.Sprintf("; of the variations that are legal %d accused, %d not", accused, cleared)
	}
	if n := t.count(faultUntried); n > 0 {
		text += fmt.Sprintf(", %d not tried yet", n)
	}
	return fmt.Sprintf("%s; without a fault the cluster is found %s; %.0f min in all", text, t.control(), t.minutes())
}

// markdown writes RESULTS.md.
func (t faultTable) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "<!-- Written by \"make faults\". -->\n\n# Planted faults, and what caught them\n\nKubernetes %s. %s.\n\n", t.kubernetes, t.summary())
	b.WriteString("A guarantee in **bold** is one that the fault breaks; a fault caught only under others counts half. *Subtle* faults show under a\nfurther condition only. Seconds run from bringing the fault into force to the verdict, over all specs that should notice, on\nclusters that shared a machine. Each row is of the last run of its fault.\n\n")
	b.WriteString("| fault | kind | what a user would suffer | outcome | found broken | seconds |\n| --- | --- | --- | --- | --- | ---: |\n")
	for _, r := range t.results {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %.0f |\n", r.Name, r.Kind, r.Harm, r.outcome(), r.found(), r.seconds)
	}
	b.WriteString("\n## Bugs of the field, replayed\n\nNumbers are those of issues of the Kubernetes project.\n\n| issue | fault | found broken | seconds |\n| --- | --- | --- | ---: |\n")
	for _, r := range t.results {
		if r.Replays != "" {
			fmt.Fprintf(&b, "| %s | %s | %s | %.0f |\n", r.Replays, r.Name, r.found(), r.seconds)
		}
	}
	b.WriteString(legalVariations)
	return b.String()
}

// legalVariations are ways of a controller that look like faults and break no promise.
const legalVariations = `
## Legal variations

What looks like a fault and is none, and is not reported:

| issue | what happens | why it is legal | shown by |
| --- | --- | --- | --- |
| 67250 | a rollout whose pods never become Ready does not go on when the template is put back | the documentation says so: the broken pod has to be deleted | the spec of update/halts does so in every run |
| 119352, 113878 | with minReadySeconds a rollout waits longer than that, up to twice as long | minReadySeconds is the least time, not the most | the legal histories that the judges are tried on wait longer by delays drawn at random |
| 41889 | a scale down begins though a pod was lost just before | the controller had not seen the loss yet | the legal histories that the judges are tried on: their controller acts on a view that lags |
`

// found lists the guarantees found broken, or why there are none.
func (r faultResult) found() string {
	var cells []string
	for _, id := range r.named {
		cell := string(id)
		if slices.Contains(r.Breaks, id) {
			cell = "**" + cell + "**"
		}
		cells = append(cells, cell)
	}
	if len(cells) == 0 {
		cells = append(slices.Clone(r.open), "expected "+joinIDs(r.Breaks))
	}
	return strings.ReplaceAll(strings.Join(cells, ", "), "|", "\\|")
}
