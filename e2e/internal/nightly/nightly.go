// Package nightly compares several runs of the suite on one cluster with each other and with the nights before. What every run of a
// night reports is a regression; what only some report is a flake, of the cluster or of the suite.
//
// It stands on the machine-readable reports of packages report and verdict. It runs nothing and reaches no cluster: e2e/cmd/confdev
// runs the suite and plants the faults.
package nightly

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// Outcome is the result of a night.
type Outcome string

// The outcomes, the best first.
const (
	Conformant   Outcome = "conformant"   // every run was conformant
	Flaky        Outcome = "flaky"        // each failure was seen in some runs only
	Inconclusive Outcome = "inconclusive" // something was inconclusive in every run
	Regressed    Outcome = "regressed"    // something is broken in every run, or a planted fault was not caught
)

// ExitCode returns the exit code of the command: that of a run, or ExitFlaky.
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

// ExitFlaky is the exit code of a night whose failures were each seen in some runs only.
const ExitFlaky = 4

// Run is one run of the suite.
type Run struct {
	Seed string
	// Folder is the run's report folder, as the summary shows it.
	Folder string
	// Report is nil if the run has none; Err then says why.
	Report *report.Conformance
	Err    string
}

// Change is a failure that one run or more report.
type Change struct {
	// What is a guarantee, a spec, or "the run" itself.
	What string
	// Problem is the worst that a run reports: "broken", "inconclusive", "trouble" or "no report".
	Problem string
	// In counts the runs that report it, Of those that could have.
	In, Of int
	// Seeds and Folders are those of the runs that report it.
	Seeds, Folders []string
	// Text is the first finding or reason.
	Text string
	// Nights counts the earlier nights in the trend that report it too.
	Nights int
}

// FaultsOutcome is the outcome of the planted faults.
type FaultsOutcome string

// The outcomes of planted faults.
const (
	FaultsNotRun       FaultsOutcome = ""
	FaultsCaught       FaultsOutcome = "caught"
	FaultsMissed       FaultsOutcome = "missed"
	FaultsInconclusive FaultsOutcome = "inconclusive" // their cluster or their build failed
)

// Result is the outcome of a night, and why.
type Result struct {
	Outcome Outcome
	Runs    []Run
	// Regressions are broken in every run, Undecided inconclusive in every run, Flakes reported by some runs only.
	Regressions, Undecided, Flakes []Change
	Faults                         FaultsOutcome
	// Seconds is the median of the runs, Usual the median of the ten nights before on the same Kubernetes version; 0 if there is none.
	Seconds, Usual float64
}

// The problems, the worst first.
const (
	broken       = "broken"
	inconclusive = "inconclusive"
	trouble      = "trouble"
	noReport     = "no report"
)

// theRun is the subject of a run without a report.
const theRun = "the run"

// Compare returns the result of a night. earlier are the nights before, the oldest first.
func Compare(runs []Run, earlier []Entry, faults FaultsOutcome) Result {
	n := Result{Outcome: Conformant, Runs: runs, Faults: faults}
	for _, c := range changes(runs) {
		for _, e := range earlier {
			if slices.Contains(e.Flakes, c.What) || slices.Contains(e.Regressions, c.What) || slices.Contains(e.Undecided, c.What) {
				c.Nights++
			}
		}
		switch {
		case c.In < c.Of:
			n.Flakes = append(n.Flakes, c)
		case c.Problem == broken:
			n.Regressions = append(n.Regressions, c)
		default:
			n.Undecided = append(n.Undecided, c)
		}
	}
	switch {
	case len(n.Regressions) > 0 || faults == FaultsMissed:
		n.Outcome = Regressed
	case len(n.Undecided) > 0 || len(runs) == 0 || faults == FaultsInconclusive:
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

// Slower reports whether a run took more than 1.5 times the usual time and more than 30 s longer.
func (n Result) Slower() bool {
	return n.Usual > 0 && n.Seconds > 1.5*n.Usual && n.Seconds > n.Usual+30
}

// changes collects the failures that runs report, the most frequent first.
func changes(runs []Run) []Change {
	var out []Change
	reports := 0
	for _, r := range runs {
		if r.Report != nil {
			reports++
		}
	}
	note := func(r Run, of int, what, problem, text string) {
		i := slices.IndexFunc(out, func(c Change) bool { return c.What == what })
		if i < 0 {
			i, out = len(out), append(out, Change{What: what, Problem: problem, Of: of, Text: text})
		}
		c := &out[i]
		if problem == broken && c.Problem != broken {
			c.Problem, c.Text = problem, text
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
				note(r, reports, string(g.ID), broken, g.Findings[0].Text)
			case verdict.Inconclusive:
				note(r, reports, string(g.ID), inconclusive, first(g.Reasons))
			}
		}
		for _, t := range r.Report.Troubles {
			note(r, reports, subject(r.Report, t), trouble, t)
		}
	}
	slices.SortStableFunc(out, func(a, b Change) int { return cmp.Compare(b.In, a.In) })
	return out
}

// subject returns the spec of a trouble, or the trouble itself, so that the same trouble of two runs is one change.
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

// Line returns the night in one line.
func (n Result) Line() string {
	var parts []string
	for _, part := range []struct {
		list []Change
		what string
	}{{n.Regressions, "broken in every run"}, {n.Undecided, "inconclusive in every run"}, {n.Flakes, "seen in some runs only"}} {
		if len(part.list) > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", len(part.list), part.what))
		}
	}
	if n.Faults != FaultsNotRun {
		parts = append(parts, "planted faults "+string(n.Faults))
	}
	runs := "runs"
	if len(n.Runs) == 1 {
		runs = "run"
	}
	line := fmt.Sprintf("%s: %d %s", strings.ToUpper(string(n.Outcome)), len(n.Runs), runs)
	if len(parts) > 0 {
		line += ": " + strings.Join(parts, ", ")
	}
	if n.Seconds > 0 {
		line += fmt.Sprintf("; %.0f s a run", n.Seconds)
	}
	if n.Usual > 0 {
		line += fmt.Sprintf(" (usually %.0f s)", n.Usual)
	}
	return line
}
