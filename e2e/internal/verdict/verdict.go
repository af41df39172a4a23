// Package verdict weighs what all judges made of all histories of a run, and comes to one verdict for each guarantee and one for
// the cluster. It is pure: the same folder of histories gives the same verdicts, on any machine.
package verdict

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// Verdict is what a run says of one guarantee.
type Verdict string

// The verdicts.
const (
	Pass          Verdict = "pass"
	Fail          Verdict = "fail"
	Deviation     Verdict = "deviation" // broken, but only the implementation promises it
	Inconclusive  Verdict = "inconclusive"
	NotApplicable Verdict = "not applicable"
	NotAsked      Verdict = "not asked"
)

// Overall is what a run says of the cluster.
type Overall string

// The overall results.
const (
	Conformant    Overall = "conformant"
	NotConformant Overall = "not conformant"
	Undecided     Overall = "inconclusive"
)

// The exit codes of a run.
const (
	ExitConformant    = 0
	ExitNotConformant = 1
	ExitUsage         = 2 // wrong use or configuration; nothing was judged
	ExitInconclusive  = 3
)

// SpecsFile is where the test processes leave the outcome of every spec, below the report folder.
const SpecsFile = "specs.json"

// Spec is what became of one spec.
type Spec struct {
	Text  string `json:"text"`
	State string `json:"state"` // Ginkgo's own word
	// Selected says that the spec was to run: neither FOCUS nor LABELS nor the level left it out.
	Selected bool    `json:"selected"`
	Seconds  float64 `json:"seconds"`
	Message  string  `json:"message,omitempty"`
	// Diagnosis says what was wrong with the spec's sets when it failed, in short.
	Diagnosis string        `json:"diagnosis,omitempty"`
	History   string        `json:"history,omitempty"`
	Proves    []contract.ID `json:"proves,omitempty"`
}

// Judged is one history's results, with the file it was read from.
type Judged struct {
	Spec    string
	File    string
	Results []judge.Result
	// Zone is the DNS zone that the spec found, if it looked.
	Zone string
	// Cut is why the recording is not whole, "" if it is.
	Cut string
	// Wall is how long the recording ran, Active how much of that the cluster needed: first to last event.
	Wall, Active time.Duration
}

// Row is one guarantee's verdict and what it rests on.
type Row struct {
	contract.Guarantee
	Verdict Verdict
	// Reasons say why, for anything but a pass.
	Reasons []string
	// Findings are the violations, or the doubts of an inconclusive row.
	Findings []Finding
	// Specs counts the specs whose history exercised it, Transitions how often in all.
	Specs, Transitions, Excused int
	Notes                       []string
}

// Finding is a judge's finding with the spec and file that it was found in.
type Finding struct {
	judge.Finding
	Spec, File string
}

// Run is the outcome of a whole run.
type Run struct {
	Rows    []Row
	Overall Overall
	// Partial says that a person narrowed the run: Overall speaks of what was asked only.
	Partial bool
	// Troubles are failures of specs that no verdict accounts for: the suite or the cluster got in the way.
	Troubles []string
	Specs    []Spec
	Judged   []Judged
	// Zone is the cluster's DNS zone as pods were told it, "" if no spec asked.
	Zone string
}

// Weigh comes to the verdicts of a run. level is the highest level that was asked.
func Weigh(level contract.Level, specs []Spec, judged []Judged) Run {
	run := Run{Specs: specs, Judged: judged}
	asked := map[contract.ID][]Spec{}
	for _, s := range specs {
		if s.Selected {
			for _, id := range s.Proves {
				asked[id] = append(asked[id], s)
			}
		}
	}
	for _, g := range contract.All() {
		row := Row{Guarantee: g}
		row.collect(judged)
		row.decide(asked[g.ID], exercisedIn(judged, g.ID), Asks(level, g.Level))
		if row.Verdict == NotAsked && Asks(level, g.Level) {
			run.Partial = true
		}
		run.Rows = append(run.Rows, row)
	}
	for _, j := range judged {
		if j.Zone != "" {
			run.Zone = j.Zone
		}
	}
	run.Troubles = troubles(specs, judged)
	if len(specs) > 0 && len(judged) == 0 {
		run.Troubles = append(run.Troubles, "no spec recorded anything, so nothing was judged: none of those that were asked applies to this cluster")
	}
	run.conclude()
	return run
}

// Asks reports whether a run at one level asks guarantees of another.
func Asks(run, row contract.Level) bool {
	order := []contract.Level{contract.Core, contract.Extended, contract.Disruptive}
	return slices.Index(order, row) <= slices.Index(order, run)
}

func (r *Row) collect(judged []Judged) {
	for _, j := range judged {
		for _, res := range j.Results {
			if res.Guarantee != r.ID {
				continue
			}
			if res.Exercised > 0 {
				r.Specs++
				r.Transitions += res.Exercised
			}
			r.Excused += res.Excused
			r.Notes = append(r.Notes, res.Notes...)
			for _, f := range res.Violations {
				r.Findings = append(r.Findings, Finding{Finding: f, Spec: j.Spec, File: j.File})
			}
		}
	}
}

// exercisedIn returns the history files that exercised a guarantee.
func exercisedIn(judged []Judged, id contract.ID) map[string]bool {
	files := map[string]bool{}
	for _, j := range judged {
		for _, r := range j.Results {
			if r.Guarantee == id && r.Exercised > 0 {
				files[j.File] = true
			}
		}
	}
	return files
}

// decide comes to the row's verdict. specs are those that set out to exercise it, exercised the histories that did.
func (r *Row) decide(specs []Spec, exercised map[string]bool, inLevel bool) {
	var applies bool
	var skipped, failed []string
	for _, s := range specs {
		switch s.State {
		case "skipped":
			skipped = append(skipped, s.Message)
		case "passed":
			applies = true
		default:
			applies = true
			// What a spec had shown before it failed, over something else, it has shown.
			if !exercised[s.History] {
				failed = append(failed, fmt.Sprintf("its spec %s before exercising it: %s", s.State, told(s.Message)))
			}
		}
	}
	switch {
	case len(r.Findings) > 0 && r.ImplOnly():
		r.Verdict, r.Reasons = Deviation, []string{"only the implementation promises it"}
	case len(r.Findings) > 0:
		r.Verdict = Fail
	case len(specs) == 0 && r.Transitions > 0:
		// Nobody asked, but other specs exercised it and it held.
		r.Verdict = Pass
		if !inLevel {
			r.Reasons = []string{"above the level that was asked; exercised by other specs"}
		}
	case len(specs) == 0:
		r.Verdict = NotAsked
	case len(failed) > 0:
		r.Verdict, r.Reasons = Inconclusive, failed
	case !applies:
		r.Verdict, r.Reasons = NotApplicable, skipped
		for _, why := range skipped {
			if rest, found := strings.CutPrefix(why, "inconclusive: "); found {
				r.Verdict, r.Reasons = Inconclusive, []string{rest}
			}
		}
	case r.Transitions == 0:
		r.Verdict, r.Reasons = Inconclusive, []string{"nothing in any history exercised it"}
	default:
		r.Verdict = Pass
	}
}

// doubts turns a pass into an open question where a judge could not decide.
func (r *Row) doubts(judged []Judged) {
	if r.Verdict != Pass {
		return
	}
	for _, j := range judged {
		for _, res := range j.Results {
			if res.Guarantee != r.ID {
				continue
			}
			for _, f := range res.Inconclusive {
				r.Verdict = Inconclusive
				r.Reasons = append(r.Reasons, f.Text)
				r.Findings = append(r.Findings, Finding{Finding: f, Spec: j.Spec, File: j.File})
			}
		}
	}
}

// troubles lists what went wrong without breaking a guarantee.
func troubles(specs []Spec, judged []Judged) []string {
	var out []string
	accounted := map[string]bool{}
	for _, j := range judged {
		if j.Cut != "" {
			out = append(out, fmt.Sprintf("%s: the recording is not whole: %s", j.Spec, told(j.Cut)))
		}
		accounted[j.Spec] = len(Broken(j.Results)) > 0
	}
	for _, s := range specs {
		switch s.State {
		case "passed", "skipped", "pending":
		default:
			if !accounted[s.Text] {
				trouble := fmt.Sprintf("%s (%s): %s", s.Text, s.State, told(s.Message))
				if s.Diagnosis != "" {
					trouble += "; " + told(s.Diagnosis)
				}
				out = append(out, trouble)
			}
		}
	}
	return out
}

func (run *Run) conclude() {
	run.Overall = Conformant
	asked := 0
	for i := range run.Rows {
		r := &run.Rows[i]
		r.doubts(run.Judged)
		switch r.Verdict {
		case Fail:
			run.Overall = NotConformant
		case Inconclusive:
			if run.Overall == Conformant {
				run.Overall = Undecided
			}
		}
		if r.Verdict != NotAsked {
			asked++
		}
	}
	if run.Overall == Conformant && (len(run.Troubles) > 0 || asked == 0 || len(run.Judged) == 0) {
		run.Overall = Undecided
	}
	if run.Overall == Conformant && !run.Partial {
		for _, r := range run.Rows {
			if r.Level == contract.Core && r.Verdict != Pass {
				run.Overall = Undecided
				run.Troubles = append(run.Troubles, fmt.Sprintf("the core guarantee %s is %s", r.ID, r.Verdict))
			}
		}
	}
}

// Unfinished says why the run is not whole: a cluster that it found no fault with is then undecided.
func (run *Run) Unfinished(why string) {
	run.Troubles = append(run.Troubles, why)
	if run.Overall == Conformant {
		run.Overall = Undecided
	}
}

// ExitCode is the code that a command ends with.
func (run *Run) ExitCode() int {
	switch run.Overall {
	case Conformant:
		return ExitConformant
	case NotConformant:
		return ExitNotConformant
	}
	return ExitInconclusive
}

// Broken returns all violations of promised guarantees: a deviation breaks nothing that a document promises.
func Broken(results []judge.Result) []judge.Finding {
	var out []judge.Finding
	for _, r := range results {
		if g, ok := contract.Get(r.Guarantee); ok && g.ImplOnly() {
			continue
		}
		out = append(out, r.Violations...)
	}
	return out
}

// Sentences writes violations as a person reads them: what broke, how it showed, where it is promised, where the history is.
func Sentences(findings []judge.Finding, file string) string {
	var lines []string
	for _, f := range findings {
		g, _ := contract.Get(f.Guarantee)
		lines = append(lines, fmt.Sprintf("%s broken: %s; docs: %s; history: %s", f.Guarantee, f.Text, g.Link, file))
	}
	return strings.Join(lines, "\n")
}

// told is what a message of several lines says in one: its first, and the error itself where Gomega says that it met one.
func told(message string) string {
	lines := strings.Split(strings.TrimSpace(message), "\n")
	what := lines[0]
	at := slices.IndexFunc(lines, func(l string) bool { return l == "Unexpected error:" || l == "Expected success, but got an error:" })
	if at < 0 || at+2 >= len(lines) {
		return what
	}
	// The error's type comes in between.
	found := strings.TrimSpace(lines[at+2])
	if at == 0 {
		return found
	}
	return what + ": " + found
}
