package verdict_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

const (
	create   = contract.OrderingCreate
	released = contract.LifecycleRelease // promised by the implementation alone
)

func spec(state string, ids ...contract.ID) verdict.Spec {
	return verdict.Spec{Text: "spec of " + string(ids[0]), State: state, Selected: true, History: "histories/" + string(ids[0]), Proves: ids}
}

func judged(results ...judge.Result) verdict.JudgedHistory {
	return verdict.JudgedHistory{Spec: "spec of " + string(results[0].Guarantee), File: "histories/" + string(results[0].Guarantee), Results: results}
}

func exercised(id contract.ID) judge.Result { return judge.Result{Guarantee: id, Exercised: 2} }

func broken(id contract.ID) judge.Result {
	return judge.Result{Guarantee: id, Exercised: 2, Violations: []judge.Finding{{Guarantee: id, Text: "web-1 came too early"}}}
}

func excluded(id contract.ID) judge.Result {
	const why = "the class binds at once"
	return judge.Result{Guarantee: id, Notes: []string{why}, NotApplicable: []string{why}}
}

func undecided(id contract.ID) judge.Result {
	return judge.Result{Guarantee: id, Exercised: 2, Inconclusive: []judge.Finding{{Guarantee: id, Text: "a gap"}}}
}

func row(t *testing.T, run verdict.Run, id contract.ID) verdict.Row {
	t.Helper()
	for _, r := range run.Rows {
		if r.ID == id {
			return r
		}
	}
	t.Fatalf("expected a row for %s", id)
	return verdict.Row{}
}

func TestVerdictOfOneGuarantee(t *testing.T) {
	for name, tt := range map[string]struct {
		id     contract.ID
		specs  []verdict.Spec
		judged []verdict.JudgedHistory
		want   verdict.Verdict
		reason string
	}{
		"exercised and upheld":                         {create, []verdict.Spec{spec("passed", create)}, []verdict.JudgedHistory{judged(exercised(create))}, verdict.Pass, ""},
		"broken":                                       {create, []verdict.Spec{spec("failed", create)}, []verdict.JudgedHistory{judged(broken(create))}, verdict.Fail, ""},
		"broken in a spec for another":                 {create, []verdict.Spec{spec("failed", contract.OrderingScaleUp)}, []verdict.JudgedHistory{judged(broken(create))}, verdict.Fail, ""},
		"broken though not selected":                   {create, nil, []verdict.JudgedHistory{judged(broken(create))}, verdict.Fail, ""},
		"upheld once, broken once":                     {create, []verdict.Spec{spec("passed", create)}, []verdict.JudgedHistory{judged(exercised(create)), judged(broken(create))}, verdict.Fail, ""},
		"broken, promised by the implementation alone": {released, []verdict.Spec{spec("passed", released)}, []verdict.JudgedHistory{judged(broken(released))}, verdict.Deviation, "only the implementation"},
		"selected, but not exercised":                  {create, []verdict.Spec{spec("passed", create)}, []verdict.JudgedHistory{judged(exercised(released))}, verdict.Inconclusive, "nothing in any history exercised it"},
		"its spec failed over something else":          {create, []verdict.Spec{spec("failed", create)}, []verdict.JudgedHistory{judged(exercised(create))}, verdict.Pass, ""},
		"its spec failed before it":                    {create, []verdict.Spec{spec("failed", create)}, []verdict.JudgedHistory{judged(exercised(released))}, verdict.Inconclusive, "failed before exercising it"},
		"its spec panicked":                            {create, []verdict.Spec{spec("panicked", create)}, nil, verdict.Inconclusive, "panicked before exercising it"},
		"a judge could not decide":                     {create, []verdict.Spec{spec("passed", create)}, []verdict.JudgedHistory{judged(undecided(create))}, verdict.Inconclusive, "a gap"},
		"not selected":                                 {create, nil, nil, verdict.NotSelected, ""},
		"not selected, exercised elsewhere":            {create, []verdict.Spec{spec("passed", released)}, []verdict.JudgedHistory{judged(exercised(create))}, verdict.Pass, ""},
		"the cluster lacks the feature": {create, []verdict.Spec{{
			State: "skipped", Selected: true, Message: "not applicable: no such field", Proves: []contract.ID{create},
		}}, nil, verdict.NotApplicable, "no such field"},
		"its spec found that it does not apply": {
			create, []verdict.Spec{spec("passed", create)}, []verdict.JudgedHistory{judged(excluded(create))}, verdict.NotApplicable, "the class binds at once",
		},
		"a part of it does not apply": {
			create, []verdict.Spec{spec("passed", create)}, []verdict.JudgedHistory{judged(excluded(create)), judged(exercised(create))}, verdict.Pass, "",
		},
		"the spec could not decide": {create, []verdict.Spec{{
			State: "skipped", Selected: true, Message: "inconclusive: the probe was ambiguous", Proves: []contract.ID{create},
		}}, nil, verdict.Inconclusive, "the probe was ambiguous"},
		"filtered out": {create, []verdict.Spec{{State: "skipped", Proves: []contract.ID{create}}}, nil, verdict.NotSelected, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := row(t, verdict.Decide(contract.Extended, tt.specs, tt.judged), tt.id)
			if got.Verdict != tt.want {
				t.Errorf("expected %q, found %q (%v)", tt.want, got.Verdict, got.Reasons)
			}
			if !strings.Contains(strings.Join(got.Reasons, "; "), tt.reason) {
				t.Errorf("expected a reason with %q, found %v", tt.reason, got.Reasons)
			}
		})
	}
}

// wholeRun is a run that selected every guarantee up to extended, and in which all were upheld.
func wholeRun() ([]verdict.Spec, []verdict.JudgedHistory) {
	var specs []verdict.Spec
	var all []verdict.JudgedHistory
	for _, g := range contract.All() {
		if g.Level != contract.Disruptive {
			specs = append(specs, spec("passed", g.ID))
			all = append(all, judged(exercised(g.ID)))
		}
	}
	return specs, all
}

func TestOverall(t *testing.T) {
	for name, tt := range map[string]struct {
		change  func(specs []verdict.Spec, all []verdict.JudgedHistory) ([]verdict.Spec, []verdict.JudgedHistory)
		want    verdict.Overall
		exit    int
		partial bool
		trouble string
	}{
		"all upheld": {func(s []verdict.Spec, j []verdict.JudgedHistory) ([]verdict.Spec, []verdict.JudgedHistory) {
			return s, j
		}, verdict.Conformant, 0, false, ""},
		"one broken": {func(s []verdict.Spec, j []verdict.JudgedHistory) ([]verdict.Spec, []verdict.JudgedHistory) {
			return s, append(j, judged(broken(create)))
		}, verdict.NotConformant, 1, false, ""},
		"a deviation": {func(s []verdict.Spec, j []verdict.JudgedHistory) ([]verdict.Spec, []verdict.JudgedHistory) {
			return s, append(j, judged(broken(released)))
		}, verdict.Conformant, 0, false, ""},
		"broken and inconclusive": {func(s []verdict.Spec, j []verdict.JudgedHistory) ([]verdict.Spec, []verdict.JudgedHistory) {
			return s, append(j, judged(broken(create)), judged(undecided(contract.APIMutable)))
		}, verdict.NotConformant, 1, false, ""},
		"one inconclusive": {func(s []verdict.Spec, j []verdict.JudgedHistory) ([]verdict.Spec, []verdict.JudgedHistory) {
			return s, append(j, judged(undecided(create)))
		}, verdict.OverallInconclusive, 3, false, ""},
		"nothing ran": {func([]verdict.Spec, []verdict.JudgedHistory) ([]verdict.Spec, []verdict.JudgedHistory) {
			return nil, nil
		}, verdict.OverallInconclusive, 3, true, ""},
		"narrowed to one family": {func(s []verdict.Spec, j []verdict.JudgedHistory) ([]verdict.Spec, []verdict.JudgedHistory) {
			only := func(id contract.ID) bool { return id.Family() != "api" }
			return slices.DeleteFunc(s, func(s verdict.Spec) bool { return only(s.Proves[0]) }),
				slices.DeleteFunc(j, func(j verdict.JudgedHistory) bool { return only(j.Results[0].Guarantee) })
		}, verdict.Conformant, 0, true, ""},
		"a core guarantee does not apply": {func(s []verdict.Spec, j []verdict.JudgedHistory) ([]verdict.Spec, []verdict.JudgedHistory) {
			for i := range s {
				if s[i].Proves[0] == create {
					s[i].State, s[i].Message = "skipped", "not applicable: for some reason"
				}
			}
			return s, slices.DeleteFunc(j, func(j verdict.JudgedHistory) bool { return j.Results[0].Guarantee == create })
		}, verdict.OverallInconclusive, 3, false, "ordering/create is not applicable"},
		"a recording cut short": {func(s []verdict.Spec, j []verdict.JudgedHistory) ([]verdict.Spec, []verdict.JudgedHistory) {
			j[0].Incomplete = "the file has no end"
			return s, j
		}, verdict.OverallInconclusive, 3, false, "not complete"},
		"nothing that was selected applies": {func([]verdict.Spec, []verdict.JudgedHistory) ([]verdict.Spec, []verdict.JudgedHistory) {
			return []verdict.Spec{{State: "skipped", Selected: true, Message: "not applicable: no node may be disrupted", Proves: []contract.ID{create}}}, nil
		}, verdict.OverallInconclusive, 3, true, "nothing was judged"},
		"a failure of the suite itself": {func(s []verdict.Spec, j []verdict.JudgedHistory) ([]verdict.Spec, []verdict.JudgedHistory) {
			return append(s, verdict.Spec{Text: "SynchronizedAfterSuite", State: "failed", Message: "namespaces are left"}), j
		}, verdict.OverallInconclusive, 3, false, "namespaces are left"},
	} {
		t.Run(name, func(t *testing.T) {
			run := verdict.Decide(contract.Extended, first(tt.change(wholeRun())), second(tt.change(wholeRun())))
			if run.Overall != tt.want || run.ExitCode() != tt.exit || run.Partial != tt.partial {
				t.Errorf("expected %s, exit %d, partial %v; found %s, exit %d, partial %v; troubles %v",
					tt.want, tt.exit, tt.partial, run.Overall, run.ExitCode(), run.Partial, run.Troubles)
			}
			if !strings.Contains(strings.Join(run.Troubles, "; "), tt.trouble) {
				t.Errorf("expected a trouble with %q, found %v", tt.trouble, run.Troubles)
			}
		})
	}
}

func first[A, B any](a A, _ B) A  { return a }
func second[A, B any](_ A, b B) B { return b }

func TestEveryGuaranteeHasARow(t *testing.T) {
	run := verdict.Decide(contract.Core, nil, nil)
	if len(run.Rows) != len(contract.All()) {
		t.Errorf("expected %d rows, found %d", len(contract.All()), len(run.Rows))
	}
}

func TestSentences(t *testing.T) {
	got := verdict.Sentences([]judge.Finding{{Guarantee: create, Text: "web-2 was created at rv 812 (+4.1 s) while web-1 was not Ready"}}, "histories/x.jsonl.gz")
	for _, part := range []string{"ordering/create broken: web-2 was created", "docs: https://", "history: histories/x.jsonl.gz"} {
		if !strings.Contains(got, part) {
			t.Errorf("expected %q in %q", part, got)
		}
	}
}

func TestUnfinishedRunIsNeverConformant(t *testing.T) {
	for before, want := range map[verdict.Overall]verdict.Overall{
		verdict.Conformant: verdict.OverallInconclusive, verdict.OverallInconclusive: verdict.OverallInconclusive, verdict.NotConformant: verdict.NotConformant,
	} {
		run := verdict.Run{Overall: before}
		if run.AddTrouble("cut"); run.Overall != want || len(run.Troubles) != 1 {
			t.Errorf("%s: expected %s and the reason, found %s and %v", before, want, run.Overall, run.Troubles)
		}
	}
}

func TestTroubleIsOneLine(t *testing.T) {
	oneLine := func(message string) string {
		t.Helper()
		s := spec("failed", create)
		s.Message = message
		run := verdict.Decide(contract.Core, []verdict.Spec{s}, nil)
		return strings.TrimPrefix(run.Troubles[0], s.Text+" (failed): ")
	}
	for message, want := range map[string]string{
		"expected pods; found: none\nInterrupted by User": "expected pods; found: none",
		"": "",
		"Unexpected error:\n    <*errors.errorString | 0x1>: \n    EOF\n    \noccurred":             "EOF",
		"nothing must be left\nUnexpected error:\n    <*url.Error | 0x1>: \n    Get: EOF\noccurred": "nothing must be left: Get: EOF",
		"Unexpected error:\n    cut": "Unexpected error:",
	} {
		if got := oneLine(message); got != want {
			t.Errorf("%q: expected %q, found %q", message, want, got)
		}
	}
}

// Version 1 of the report called guarantees that the run left out "not asked".
func TestVerdictsOfReportVersion1(t *testing.T) {
	for text, want := range map[string]verdict.Verdict{"not asked": verdict.NotSelected, "not selected": verdict.NotSelected, "pass": verdict.Pass} {
		var got verdict.Verdict
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q: expected %q, found %q, %v", text, want, got, err)
		}
	}
}

// What judges overlook with such tolerances must not pass for conformance in all of the contract.
func TestWideTolerancesMakeARunPartial(t *testing.T) {
	for _, c := range []struct {
		lag, skew time.Duration
		want      string
	}{
		{2 * time.Second, time.Second, ""},
		{judge.MaxLag, judge.MaxClockSkew, ""},
		{10 * time.Minute, time.Second, "controller-lag=10m0s"},
		{2 * time.Second, time.Hour, "clock-skew=1h0m0s"},
	} {
		run := verdict.Decide(contract.Core, nil, []verdict.JudgedHistory{{Spec: "narrow"}, {Spec: "wide", Lag: c.lag, ClockSkew: c.skew}})
		if got := strings.Join(run.Tolerances, ","); got != c.want || c.want != "" && !run.Partial {
			t.Errorf("%v, %v: expected %q to make the run partial, found %q, partial %t", c.lag, c.skew, c.want, got, run.Partial)
		}
	}
}

func TestEpisodesLowerNothingAndAccuse(t *testing.T) {
	explored := func(r judge.Result) verdict.JudgedHistory {
		return verdict.JudgedHistory{Spec: "episode", File: "histories/episode", Results: []judge.Result{r}, Explored: true, Incomplete: "a gap"}
	}
	specs := []verdict.Spec{spec("passed", create), {Text: "episode", State: "failed", Selected: true, Message: "a request failed"}}
	run := verdict.Decide(contract.Core, specs, []verdict.JudgedHistory{judged(exercised(create)), explored(undecided(create))})
	if got := row(t, run, create); got.Verdict != verdict.Pass || got.Transitions != 4 {
		t.Errorf("expected what an episode leaves open to lower nothing, and what it exercised to count; found %s with %d", got.Verdict, got.Transitions)
	}
	if len(run.Troubles) > 0 {
		t.Errorf("expected no trouble, found %v", run.Troubles)
	}
	run = verdict.Decide(contract.Core, specs, []verdict.JudgedHistory{judged(exercised(create)), explored(broken(create))})
	if got := row(t, run, create); got.Verdict != verdict.Fail || run.Overall != verdict.NotConformant {
		t.Errorf("expected what an episode found broken to count, found %s", got.Verdict)
	}
}

// A version before 1.33 is held to the rows that it had: the others do not apply, whatever became of their specs, and the run is partial.
func TestOldVersionsAreHeldToAPart(t *testing.T) {
	const later = contract.StorageWhenScaledDelete
	for version, want := range map[string]verdict.Verdict{"v1.31.4": verdict.NotApplicable, "v1.33.0": verdict.Inconclusive} {
		j := judged(exercised(create))
		j.Promises = version
		run := verdict.Decide(contract.Extended, []verdict.Spec{spec("passed", create), spec("failed", later)}, []verdict.JudgedHistory{j})
		old := want == verdict.NotApplicable
		got := row(t, run, later)
		if got.Verdict != want || old != strings.Contains(strings.Join(got.Reasons, " "), "v1.31.4 is older than 1.32") {
			t.Errorf("%s: expected %s, found %s %v", version, want, got.Verdict, got.Reasons)
		}
		if run.HeldInPart() != old || row(t, run, create).Verdict != verdict.Pass {
			t.Errorf("%s: expected a run held in part %t and a pass of what came before", version, old)
		}
	}
}
