// Package nightly weighs several runs of the suite on one cluster against each other and against the nights before. What every run
// of a night shows is a regression; what only some show is a flake, of the cluster or of the suite. It is pure: whoever runs the
// suite is in e2e/cmd/conformance.
package nightly

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// Outcome is what a night comes to.
type Outcome string

// The outcomes, the best first.
const (
	Conformant      Outcome = "held"      // every run was conformant
	Flaky     Outcome = "flaky"     // some runs were not, each thing in some runs only
	Inconclusive Outcome = "undecided" // something could be decided in no run
	Regressed Outcome = "regressed" // something is broken in every run, or a planted fault was not caught
)

// ExitCode is the code that the command ends with: those of a run, and 4 for what is seen in some runs only.
func (o Outcome) ExitCode() int {
	switch o {
	case Conformant:
		return verdict.ExitConformant
	case Regressed:
		return verdict.ExitNotConformant
	case Flaky:
		return ExitFlaky
	}
	return verdict.ExitInconclusive
}

// ExitFlaky tells a night of flakes from one of regressions.
const ExitFlaky = 4

// Run is one run of the suite.
type Run struct {
	Seed string
	// Folder is the run's report folder as a reader finds it.
	Folder string
	// Report is nil for a run that came to none; Err then says why.
	Report *report.Conformance
	Err    string
}

// Change is something that is not as it should be, in one run or more.
type Change struct {
	// What is a guarantee, a spec, or "the run" itself.
	What string
	// Said is the worst that runs said of it: "broken", "undecided", "trouble" or "no report".
	Said string
	// In and Of count the runs that said so, and those that could have.
	In, Of int
	// Seeds and Folders are of the runs that said so.
	Seeds, Folders []string
	// Text is the first finding or reason.
	Text string
	// Nights counts the nights before, as far as the trend goes, that saw the same.
	Nights int
}

// FaultsOutcome is what became of the planted faults.
type FaultsOutcome string

// What can become of them.
const (
	FaultsNotRun FaultsOutcome = ""
	FaultsCaught   FaultsOutcome = "caught"
	FaultsMissed   FaultsOutcome = "missed"
	FaultsInconclusive FaultsOutcome = "hindered" // their cluster or their build failed
)

// Night is what a night comes to, and why.
type Result struct {
	Outcome Outcome
	Runs    []Run
	// Regressions are what every run shows broken, Open what no run could decide, Flakes what only some runs show.
	Regressions, Open, Flakes []Change
	Faults                    FaultsOutcome
	// Seconds is the median of the runs, Usual that of the nights before on the same Kubernetes; 0 if there is none.
	Seconds, Usual float64
}

// The words that runs are told by, the worst first.
const (
	broken    = "broken"
	undecided = "undecided"
	trouble   = "trouble"
	noReport  = "no report"
)

// theRun is what a run without a report is told by.
const theRun = "the run"

// Weigh comes to a night's outcome. earlier are the nights before, the oldest first.
func Compare(runs []Run, earlier []Entry, faults FaultsOutcome) Result {
	n := Result{Outcome: Conformant, Runs: runs, Faults: faults}
	for _, c := range changes(runs) {
		for _, e := range earlier {
			if slices.Contains(e.Flakes, c.What) || slices.Contains(e.Regressions, c.What) || slices.Contains(e.Open, c.What) {
				c.Nights++
			}
		}
		switch {
		case c.In < c.Of:
			n.Flakes = append(n.Flakes, c)
		case c.Said == broken:
			n.Regressions = append(n.Regressions, c)
		default:
			n.Open = append(n.Open, c)
		}
	}
	switch {
	case len(n.Regressions) > 0 || faults == FaultsMissed:
		n.Outcome = Regressed
	case len(n.Open) > 0 || len(runs) == 0 || faults == FaultsInconclusive:
		n.Outcome = Inconclusive
	case len(n.Flakes) > 0:
		n.Outcome = Flaky
	}
	var now, usual []float64
	kubernetes := ""
	for _, r := range runs {
		if r.Report != nil {
			now = append(now, r.Report.Seconds)
			kubernetes = r.Report.Cluster.KubernetesVersion
		}
	}
	for _, e := range earlier {
		if e.Kubernetes == kubernetes && e.Seconds > 0 {
			usual = append(usual, e.Seconds)
		}
	}
	n.Seconds, n.Usual = median(now), median(usual[max(0, len(usual)-10):])
	return n
}

// Slower reports whether the night took so much longer than usual that a person should look: half again, and half a minute.
func (n Result) Slower() bool { return n.Usual > 0 && n.Seconds > 1.5*n.Usual && n.Seconds > n.Usual+30 }

// changes gathers what runs say that is not as it should be, the most frequent first.
func changes(runs []Run) []Change {
	var out []Change
	told := 0
	for _, r := range runs {
		if r.Report != nil {
			told++
		}
	}
	note := func(r Run, of int, what, said, text string) {
		i := slices.IndexFunc(out, func(c Change) bool { return c.What == what })
		if i < 0 {
			i, out = len(out), append(out, Change{What: what, Said: said, Of: of, Text: text})
		}
		c := &out[i]
		if said == broken && c.Said != broken {
			c.Said, c.Text = said, text
		}
		if !slices.Contains(c.Folders, r.Folder) {
			c.In++
			c.Seeds, c.Folders = append(c.Seeds, r.Seed), append(c.Folders, r.Folder)
		}
	}
	for _, r := range runs {
		if r.Report == nil {
			note(r, len(runs), theRun, noReport, r.Err)
			continue
		}
		for _, g := range r.Report.Guarantees {
			switch g.Verdict {
			case verdict.Fail:
				note(r, told, string(g.ID), broken, g.Findings[0].Text)
			case verdict.Inconclusive:
				note(r, told, string(g.ID), undecided, first(g.Reasons))
			}
		}
		for _, t := range r.Report.Troubles {
			note(r, told, subject(r.Report, t), trouble, t)
		}
	}
	slices.SortStableFunc(out, func(a, b Change) int { return cmp.Compare(b.In, a.In) })
	return out
}

// subject is the spec that a trouble befell, or the trouble itself, so that the same trouble of two runs is told once.
func subject(r *report.Conformance, trouble string) string {
	what := ""
	for _, s := range r.Specs {
		if strings.HasPrefix(trouble, s.Text) && len(s.Text) > len(what) {
			what = s.Text
		}
	}
	return cmp.Or(what, trouble)
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}

// Line is the night in one line.
func (n Result) Line() string {
	var said []string
	for _, part := range []struct {
		list []Change
		what string
	}{{n.Regressions, "broken in every run"}, {n.Open, "decided in no run"}, {n.Flakes, "seen in some runs only"}} {
		if len(part.list) > 0 {
			said = append(said, fmt.Sprintf("%d %s", len(part.list), part.what))
		}
	}
	if n.Faults != FaultsNotRun {
		said = append(said, "planted faults "+string(n.Faults))
	}
	runs := "runs"
	if len(n.Runs) == 1 {
		runs = "run"
	}
	line := fmt.Sprintf("%s: %d %s", strings.ToUpper(string(n.Outcome)), len(n.Runs), runs)
	if len(said) > 0 {
		line += ": " + strings.Join(said, ", ")
	}
	if n.Seconds > 0 {
		line += fmt.Sprintf("; %.0f s a run", n.Seconds)
	}
	if n.Usual > 0 {
		line += fmt.Sprintf(" (usually %.0f s)", n.Usual)
	}
	return line
}
