package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/figures"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// Overall is the verdict of a run on the cluster.
type Overall string

// The overall results.
const (
	Conformant          Overall = "conformant"
	NotConformant       Overall = "not conformant"
	OverallInconclusive Overall = "inconclusive"
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

// Outcomes are the contents of SpecsFile: the run's name, "" in older reports, and the outcome of every spec.
type Outcomes struct {
	Run   string `json:"run,omitempty"`
	Specs []Spec `json:"specs"`
}

// Spec is the outcome of one spec.
type Spec struct {
	Text  string `json:"text"`
	State string `json:"state"` // Ginkgo's own word
	// Selected says that neither FOCUS nor LABELS nor the level left the spec out.
	Selected bool    `json:"selected"`
	Seconds  float64 `json:"seconds"`
	Message  string  `json:"message,omitempty"`
	// Diagnosis says what was wrong with the spec's sets when it failed, in short.
	Diagnosis string        `json:"diagnosis,omitempty"`
	History   string        `json:"history,omitempty"`
	Proves    []contract.ID `json:"proves,omitempty"`
	// Repeats is, for another attempt of a spec, the text of the first, and Attempt its number from 2.
	Repeats string `json:"repeats,omitempty"`
	Attempt int    `json:"attempt,omitempty"`
	// Disturbance is why the spec was repeated, "" if it was not.
	Disturbance string `json:"disturbance,omitempty"`
	// Superseded says that a later attempt passed: what this one left open is decided. Decide sets it.
	Superseded bool `json:"-"`
}

// JudgedHistory is one history's results, with the file it was read from.
type JudgedHistory struct {
	Spec    string
	File    string
	Results []judge.Result
	// Zone is the DNS zone that the spec found, "" if it did not look for one.
	Zone string
	// Version is the cluster's Kubernetes version as its header has it, "" in older histories, and Promises the one whose promises count.
	Version, Promises string
	// Incomplete is why the recording is not complete, "" if it is.
	Incomplete string
	// Lag and ClockSkew are the tolerances that it was judged with.
	Lag, ClockSkew time.Duration
	// Changes are all changes of sets that it shows.
	Changes []history.SpecChange
	// Responses are the times that the controller took to show that it had seen a change of a set.
	Responses []time.Duration
	// Figures are the times that the cluster took.
	Figures []figures.Sample
	// Carried is what its databases went through, nil where it has none.
	Carried *judge.Carried
	// Recorded is how long the recording ran, Active the time from its first event to its last.
	Recorded, Active time.Duration
	// Explored says that its acts were chosen at random. A violation in it counts like any other, and what it leaves open counts in no verdict.
	Explored bool

	superseded bool // by a later attempt of the spec
}

// Row is one guarantee's verdict and what it rests on.
type Row struct {
	contract.Guarantee
	Verdict Verdict
	// Reasons say why, for anything but a pass.
	Reasons []string
	// Findings are the violations, or what an inconclusive row could not decide.
	Findings []Finding
	// Specs counts the specs whose history exercised it, Transitions how often in all.
	Specs, Transitions int
	// Excused counts, by reason, what broke it as it is written and accuses nobody.
	Excused judge.Excuses
	Notes   []string
	// notApplicable says why it does not apply, where a spec that proves others too found that out.
	notApplicable []string
}

// Finding is a judge's finding with the spec and file that it was found in.
type Finding struct {
	judge.Finding
	Spec, File string
}

// Run is the outcome of a whole run.
type Run struct {
	// Name is the run's name as its outcomes and histories have it, "" in older ones.
	Name    string
	Rows    []Row
	Overall Overall
	// Partial says that the run was narrowed by FOCUS or LABELS, so that Overall speaks of the selected guarantees only, judged with wide
	// tolerances, or of a version of Kubernetes that is held to a part of the contract.
	Partial bool
	// Started is when the run began, ServerVersion what the API server told then, and Promises the version whose promises count; zero where nothing tells.
	Started                 time.Time
	ServerVersion, Promises string
	// Tolerances are the limits of the judges that are above their ceilings, as name=duration.
	Tolerances []string
	// Troubles are failures of specs that no verdict accounts for: the suite or the cluster got in the way.
	Troubles  []string
	Specs     []Spec
	Histories []JudgedHistory
	// Zone is the cluster's DNS zone as pods' resolv.conf has it, "" if no spec read it.
	Zone string
	// Objectives are what came of a person's objectives, and Known the known issues that a person named: no verdict rests on them.
	Objectives []figures.Objective
	Known      []Known
}

// Figures returns what its histories show that the cluster took.
func (run *Run) Figures() []figures.Figure {
	var all []figures.Sample
	for _, j := range run.Histories {
		all = append(all, j.Figures...)
	}
	return figures.Sum(all)
}

// Decide returns the verdicts of a run on every guarantee and on the cluster. level is the highest level that the run selects.
func Decide(level contract.Level, specs []Spec, judged []JudgedHistory) Run {
	run := Run{Specs: specs, Histories: judged}
	supersede(specs, judged)
	provedBy := map[contract.ID][]Spec{}
	for _, s := range specs {
		if s.Selected && !s.Superseded {
			for _, id := range s.Proves {
				provedBy[id] = append(provedBy[id], s)
			}
		}
	}
	for _, j := range judged {
		run.Zone, run.Promises = cmp.Or(j.Zone, run.Zone), cmp.Or(run.Promises, j.Promises)
	}
	narrowed := false
	for _, g := range contract.All() {
		row := Row{Guarantee: g}
		row.collect(judged)
		row.decide(provedBy[g.ID], exercisedIn(judged, g.ID), level.Includes(g.Level))
		if why := g.TooOld(run.Promises); why != "" && row.Verdict != NotSelected {
			row.Verdict, row.Reasons = NotApplicable, []string{why}
		}
		narrowed = narrowed || row.Verdict == NotSelected && level.Includes(g.Level)
		run.Rows = append(run.Rows, row)
	}
	run.Troubles = troubles(specs, judged)
	if len(specs) > 0 && len(judged) == 0 {
		run.Troubles = append(run.Troubles, "no spec recorded anything, so nothing was judged: none of the selected ones applies to this cluster")
	}
	run.Tolerances = widest(judged)
	run.decideOverall(narrowed)
	run.Partial = narrowed || run.HeldInPart()
	return run
}

// HeldInPart reports whether the run is partial though nobody narrowed it: its tolerances are wide, or the cluster is old.
func (run *Run) HeldInPart() bool {
	return len(run.Tolerances) > 0 || contract.HeldInPart(run.Promises)
}

// widest returns the tolerances that some history was judged with and that are above their ceilings.
func widest(judged []JudgedHistory) []string {
	var lag, skew time.Duration
	for _, j := range judged {
		lag, skew = max(lag, j.Lag), max(skew, j.ClockSkew)
	}
	return WideTolerances(lag, skew)
}

// WideTolerances returns which of the judges' tolerances are above their ceilings, as name=duration.
func WideTolerances(lag, skew time.Duration) []string {
	var out []string
	if lag > judge.MaxLag {
		out = append(out, fmt.Sprintf("controller-lag=%v", lag))
	}
	if skew > judge.MaxClockSkew {
		out = append(out, fmt.Sprintf("clock-skew=%v", skew))
	}
	return out
}

func (r *Row) collect(judged []JudgedHistory) {
	for _, j := range judged {
		for _, res := range j.Results {
			if res.Guarantee != r.ID {
				continue
			}
			for _, f := range res.Violations {
				r.Findings = append(r.Findings, Finding{Finding: f, Spec: j.Spec, File: j.File})
			}
			if j.superseded {
				continue
			}
			if res.Exercised > 0 {
				r.Specs++
				r.Transitions += res.Exercised
			}
			for why, n := range res.Excused {
				if r.Excused == nil {
					r.Excused = judge.Excuses{}
				}
				r.Excused[why] += n
			}
			r.Notes = append(r.Notes, res.Notes...)
			for _, why := range res.NotApplicable {
				if !slices.Contains(r.notApplicable, why) {
					r.notApplicable = append(r.notApplicable, why)
				}
			}
		}
	}
}

// exercisedIn returns the history files that exercised a guarantee.
func exercisedIn(judged []JudgedHistory, id contract.ID) map[string]bool {
	files := map[string]bool{}
	for _, j := range judged {
		for _, r := range j.Results {
			if r.Guarantee == id && r.Exercised > 0 && !j.superseded {
				files[j.File] = true
			}
		}
	}
	return files
}

// decide sets the row's verdict. specs are those that prove it, exercised the histories that exercised it.
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
			// A spec that exercised the guarantee before it failed over something else counts as evidence.
			if !exercised[s.History] {
				failed = append(failed, fmt.Sprintf("its spec %s before exercising it: %s", s.State, oneLine(s.Message)))
			}
		}
	}
	switch {
	case len(r.Findings) > 0 && r.ImplOnly():
		r.Verdict, r.Reasons = Deviation, []string{"only the implementation promises it"}
	case len(r.Findings) > 0:
		r.Verdict = Fail
	case len(specs) == 0 && r.Transitions > 0:
		// Not selected, but other specs exercised it and it held.
		r.Verdict = Pass
		if !inLevel {
			r.Reasons = []string{"above the level that was selected; exercised by other specs"}
		}
	case len(specs) == 0:
		r.Verdict = NotSelected
	case len(failed) > 0:
		r.Verdict, r.Reasons = Inconclusive, failed
	case !applies:
		r.Verdict, r.Reasons = NotApplicable, skipped
		for _, why := range skipped {
			if rest, found := strings.CutPrefix(why, "inconclusive: "); found {
				r.Verdict, r.Reasons = Inconclusive, []string{rest}
			}
		}
	case r.Transitions == 0 && len(r.notApplicable) > 0:
		r.Verdict, r.Reasons = NotApplicable, r.notApplicable
	case r.Transitions == 0:
		r.Verdict, r.Reasons = Inconclusive, []string{"nothing in any history exercised it"}
	default:
		r.Verdict = Pass
	}
}

// markInconclusive makes a pass inconclusive where a judge could not decide.
func (r *Row) markInconclusive(judged []JudgedHistory) {
	if r.Verdict != Pass {
		return
	}
	for _, j := range judged {
		for _, res := range j.Results {
			if res.Guarantee != r.ID || !j.countsOpen() {
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

// troubles lists incomplete recordings and specs that failed without a violation that explains it.
func troubles(specs []Spec, judged []JudgedHistory) []string {
	var out []string
	accounted := map[string]bool{}
	for _, j := range judged {
		if j.Incomplete != "" && j.countsOpen() {
			out = append(out, fmt.Sprintf("%s: the recording is not complete: %s", j.Spec, oneLine(j.Incomplete)))
		}
		accounted[j.Spec] = len(Broken(j.Results)) > 0 || j.Explored
	}
	for _, s := range specs {
		switch s.State {
		case "passed", "skipped", "pending":
		default:
			if !accounted[s.Text] && !s.Superseded {
				trouble := fmt.Sprintf("%s (%s): %s", s.Text, s.State, oneLine(s.Message))
				if s.Diagnosis != "" {
					trouble += "; " + oneLine(s.Diagnosis)
				}
				out = append(out, trouble)
			}
		}
	}
	return out
}

// decideOverall decides on the cluster; narrowed says that FOCUS or LABELS left out guarantees of the level.
func (run *Run) decideOverall(narrowed bool) {
	run.Overall = Conformant
	selected := 0
	for i := range run.Rows {
		r := &run.Rows[i]
		r.markInconclusive(run.Histories)
		switch r.Verdict {
		case Fail:
			run.Overall = NotConformant
		case Inconclusive:
			if run.Overall == Conformant {
				run.Overall = OverallInconclusive
			}
		}
		if r.Verdict != NotSelected {
			selected++
		}
	}
	if run.Overall == Conformant && (len(run.Troubles) > 0 || selected == 0 || len(run.Histories) == 0) {
		run.Overall = OverallInconclusive
	}
	if run.Overall == Conformant && !narrowed {
		for _, r := range run.Rows {
			if r.Level == contract.Core && r.Verdict != Pass {
				run.Overall = OverallInconclusive
				run.Troubles = append(run.Troubles, fmt.Sprintf("the core guarantee %s is %s", r.ID, r.Verdict))
			}
		}
	}
}

// AddTrouble adds a reason for which the run is not complete: a conformant result becomes inconclusive.
func (run *Run) AddTrouble(why string) {
	run.Troubles = append(run.Troubles, why)
	if run.Overall == Conformant {
		run.Overall = OverallInconclusive
	}
}

// ExitCode is the exit code of a command that ends with this run.
func (run *Run) ExitCode() int {
	switch run.Overall {
	case Conformant:
		return ExitConformant
	case NotConformant:
		return ExitNotConformant
	}
	return ExitInconclusive
}
