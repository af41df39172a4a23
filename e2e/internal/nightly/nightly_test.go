package nightly_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/nightly"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

const (
	create = contract.OrderingCreate
	heals  = contract.OrderingHeals
)

// option changes a run that was conformant.
type option func(*report.Conformance)

func verdictOf(id contract.ID, v verdict.Verdict) option {
	return func(c *report.Conformance) {
		g := report.Guarantee{ID: id, Verdict: v}
		switch v {
		case verdict.Fail:
			g.Findings = []report.Finding{{Text: "web-1 came | too early; docs: https://x"}}
		case verdict.Inconclusive:
			g.Reasons = []string{"a gap"}
		}
		c.Guarantees = append(c.Guarantees, g)
	}
}

func broken(id contract.ID) option { return verdictOf(id, verdict.Fail) }
func open(id contract.ID) option   { return verdictOf(id, verdict.Inconclusive) }

func troubled(text string) option {
	return func(c *report.Conformance) { c.Troubles = append(c.Troubles, text) }
}

func took(seconds float64) option { return func(c *report.Conformance) { c.Seconds = seconds } }

func run(seed string, options ...option) nightly.Run {
	c := &report.Conformance{
		Result: verdict.Conformant, Seconds: 200, Cluster: report.Cluster{KubernetesVersion: "v1.36.3"}, Suite: report.Suite{Version: "v1"},
		Specs: []report.Spec{{Text: "A set", ClusterSeconds: 3}, {Text: "A set of pods", ClusterSeconds: 4}},
	}
	for _, o := range options {
		o(c)
	}
	return nightly.Run{Seed: seed, Folder: "run-" + seed, Report: c}
}

func lost(seed string) nightly.Run {
	return nightly.Run{Seed: seed, Folder: "run-" + seed, Err: "the API server went away"}
}

func names(list []nightly.Change) string {
	var out []string
	for _, c := range list {
		out = append(out, c.What+" "+c.Problem)
	}
	return strings.Join(out, ", ")
}

func TestCompare(t *testing.T) {
	for name, tt := range map[string]struct {
		runs                      []nightly.Run
		faults                    nightly.FaultsOutcome
		want                      nightly.Outcome
		exit                      int
		regressions, open, flakes string
	}{
		"all conformant": {runs: []nightly.Run{run("1"), run("2")}, want: nightly.Conformant},
		"not applicable and passed are nothing": {
			runs: []nightly.Run{run("1", verdictOf(create, verdict.NotApplicable), verdictOf(heals, verdict.Deviation)), run("2", verdictOf(create, verdict.Pass))},
			want: nightly.Conformant,
		},
		"broken in all": {
			runs: []nightly.Run{run("1", broken(create)), run("2", broken(create))},
			want: nightly.Regressed, exit: 1, regressions: "ordering/create broken",
		},
		"broken in the only run": {
			runs: []nightly.Run{run("1", broken(create))}, want: nightly.Regressed, exit: 1, regressions: "ordering/create broken",
		},
		"broken in one of two": {
			runs: []nightly.Run{run("1"), run("2", broken(create))}, want: nightly.Flaky, exit: 4, flakes: "ordering/create broken",
		},
		"another one in each run": {
			runs: []nightly.Run{run("1", broken(create)), run("2", broken(heals))},
			want: nightly.Flaky, exit: 4, flakes: "ordering/create broken, ordering/heals broken",
		},
		"broken once and inconclusive once is seen in all": {
			runs: []nightly.Run{run("1", open(create)), run("2", broken(create))},
			want: nightly.Regressed, exit: 1, regressions: "ordering/create broken",
		},
		"a regression beside a flake": {
			runs: []nightly.Run{run("1", broken(create)), run("2", broken(create), broken(heals))},
			want: nightly.Regressed, exit: 1, regressions: "ordering/create broken", flakes: "ordering/heals broken",
		},
		"inconclusive in all": {
			runs: []nightly.Run{run("1", open(create)), run("2", open(create))}, want: nightly.Inconclusive, exit: 3, open: "ordering/create inconclusive",
		},
		"inconclusive in one of two": {
			runs: []nightly.Run{run("1", open(create)), run("2")}, want: nightly.Flaky, exit: 4, flakes: "ordering/create inconclusive",
		},
		"the same spec in trouble, with other words": {
			runs: []nightly.Run{run("1", troubled("A set of pods (failed): 3 s")), run("2", troubled("A set of pods (timedout): 4 s"))},
			want: nightly.Inconclusive, exit: 3, open: "A set of pods trouble",
		},
		"a spec in trouble once": {
			runs: []nightly.Run{run("1", troubled("A set (failed): 3 s")), run("2")}, want: nightly.Flaky, exit: 4, flakes: "A set trouble",
		},
		"a run without a report": {
			runs: []nightly.Run{run("1"), lost("2")}, want: nightly.Flaky, exit: 4, flakes: "the run no report",
		},
		"broken in every run that has a report": {
			runs: []nightly.Run{run("1", broken(create)), lost("2")},
			want: nightly.Regressed, exit: 1, regressions: "ordering/create broken", flakes: "the run no report",
		},
		"no run has a report":     {runs: []nightly.Run{lost("1"), lost("2")}, want: nightly.Inconclusive, exit: 3, open: "the run no report"},
		"no run":                  {want: nightly.Inconclusive, exit: 3},
		"a fault is not caught":   {runs: []nightly.Run{run("1")}, faults: nightly.FaultsMissed, want: nightly.Regressed, exit: 1},
		"all faults are caught":   {runs: []nightly.Run{run("1")}, faults: nightly.FaultsCaught, want: nightly.Conformant},
		"faults are inconclusive": {runs: []nightly.Run{run("1")}, faults: nightly.FaultsInconclusive, want: nightly.Inconclusive, exit: 3},
	} {
		t.Run(name, func(t *testing.T) {
			n := nightly.Compare(tt.runs, nil, tt.faults)
			if n.Outcome != tt.want || n.Outcome.ExitCode() != tt.exit {
				t.Errorf("expected %s, exit code %d, found %s, %d", tt.want, tt.exit, n.Outcome, n.Outcome.ExitCode())
			}
			for _, part := range [][2]string{{tt.regressions, names(n.Regressions)}, {tt.open, names(n.Undecided)}, {tt.flakes, names(n.Flakes)}} {
				if part[0] != part[1] {
					t.Errorf("expected %q, found %q", part[0], part[1])
				}
			}
		})
	}
}

func TestCompareWithEarlierNights(t *testing.T) {
	before := []nightly.Entry{
		{Kubernetes: "v1.36.3", Seconds: 180, Flakes: []string{"ordering/create"}},
		{Kubernetes: "v1.36.3", Seconds: 220, Regressions: []string{"ordering/create"}},
		{Kubernetes: "v1.35.0", Seconds: 9, Undecided: []string{"ordering/heals"}},
		{Kubernetes: "v1.36.3"}, // a night without a report
	}
	n := nightly.Compare([]nightly.Run{run("1", broken(create), took(290)), run("2", took(330)), run("3", took(900))}, before, nightly.FaultsNotRun)
	if n.Seconds != 330 || n.Usual != 200 || !n.Slower() {
		t.Errorf("expected medians of 330 s and 200 s, and slower, found %v, %v, %t", n.Seconds, n.Usual, n.Slower())
	}
	if n.Flakes[0].Nights != 2 || n.Flakes[0].In != 1 || n.Flakes[0].Of != 3 || n.Flakes[0].Seeds[0] != "1" {
		t.Errorf("expected a flake in one of three runs and two of the nights before, found %+v", n.Flakes[0])
	}
	if n := nightly.Compare([]nightly.Run{run("1", took(229))}, before, nightly.FaultsNotRun); n.Slower() {
		t.Errorf("expected %v s to be as usual as %v s", n.Seconds, n.Usual)
	}
	if n := nightly.Compare([]nightly.Run{run("1", took(900))}, nil, nightly.FaultsNotRun); n.Slower() || n.Usual != 0 {
		t.Error("expected the first night to be as it is")
	}
}

func TestFaultsAreDueOnceAWeek(t *testing.T) {
	now := time.Date(2026, 3, 8, 2, 0, 0, 0, time.UTC)
	ago := func(d time.Duration, p nightly.FaultsOutcome) []nightly.Entry {
		return []nightly.Entry{{Time: now.Add(-d), Faults: p}}
	}
	const day = 24 * time.Hour
	for name, tt := range map[string]struct {
		earlier []nightly.Entry
		want    bool
	}{
		"never":                         {nil, true},
		"yesterday":                     {ago(day, nightly.FaultsCaught), false},
		"yesterday, and one was missed": {ago(day, nightly.FaultsMissed), false},
		"yesterday, but inconclusive":   {ago(day, nightly.FaultsInconclusive), true},
		"yesterday without them":        {ago(day, nightly.FaultsNotRun), true},
		"six days ago":                  {ago(6*day, nightly.FaultsCaught), false},
		"a week ago, begun a bit later": {ago(7*day-10*time.Minute, nightly.FaultsCaught), true},
		"eight days ago":                {ago(8*day, nightly.FaultsCaught), true},
	} {
		if got := nightly.FaultsDue(tt.earlier, now); got != tt.want {
			t.Errorf("%s: expected %t, found %t", name, tt.want, got)
		}
	}
}

func TestTrendIsSaved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kept", "trend.jsonl")
	if earlier, err := nightly.Load(path); err != nil || earlier != nil {
		t.Fatalf("expected a trend to begin with nothing, found %v, %v", earlier, err)
	}
	at := time.Date(2026, 3, 8, 2, 0, 0, 0, time.UTC)
	first := nightly.Compare([]nightly.Run{run("1", broken(create)), run("2"), lost("3")}, nil, nightly.FaultsCaught)
	second := nightly.Compare([]nightly.Run{run("4")}, nil, nightly.FaultsNotRun)
	for i, n := range []nightly.Result{first, second} {
		if err := nightly.Append(path, n.Entry(at.AddDate(0, 0, i))); err != nil {
			t.Fatal(err)
		}
	}
	got, err := nightly.Load(path)
	if err != nil || len(got) != 2 {
		t.Fatalf("expected two nights, found %v, %v", got, err)
	}
	e := got[0]
	if e.Outcome != nightly.Flaky || e.Kubernetes != "v1.36.3" || e.Faults != nightly.FaultsCaught || len(e.Flakes) != 2 || e.Seconds != 200 || !e.Time.Equal(at) {
		t.Errorf("expected the first night as it was, found %+v", e)
	}
	if r := e.Runs; len(r) != 3 || r[0].Seed != "1" || r[0].ClusterSeconds != 7 || r[2].Result != "no report" {
		t.Errorf("expected its three runs, found %+v", r)
	}
	if got[1].Outcome != nightly.Conformant || got[1].Flakes != nil {
		t.Errorf("expected the second night as it was, found %+v", got[1])
	}

	if err := os.WriteFile(path, []byte("{\"outcome\":\"conformant\"}\n\nno object\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := nightly.Load(path); err == nil || !strings.Contains(err.Error(), "trend.jsonl:3: ") {
		t.Errorf("expected an error that names line 3, found %v", err)
	}
}

func TestSummarySeparatesRegressionsFromFlakes(t *testing.T) {
	earlier := []nightly.Entry{{Kubernetes: "v1.36.3", Seconds: 210, Outcome: nightly.Conformant, Time: time.Date(2026, 3, 7, 2, 0, 0, 0, time.UTC)}}
	n := nightly.Compare([]nightly.Run{run("1", broken(create), open(heals)), run("2", broken(create)), lost("3")}, earlier, nightly.FaultsCaught)
	var b strings.Builder
	if err := n.WriteSummary(&b, append(earlier, n.Entry(time.Date(2026, 3, 8, 2, 0, 0, 0, time.UTC)))); err != nil {
		t.Fatal(err)
	}
	rest := b.String()
	for _, want := range []string{
		"## REGRESSED: 3 runs: 1 broken in every run, 2 seen in some runs only, planted faults caught; 200 s a run (usually 210 s)\n",
		"Every run reports the first group below",
		"### Broken in every run\n\n- **ordering/create** broken in 2 of 2: web-1 came \\| too early (seed 1: `run-1`)\n",
		"### Seen in some runs only\n\n", "**ordering/heals** inconclusive in 1 of 2: a gap (seed 1", "**the run** no report in 1 of 3: the API server went away (seed 3",
		"| 1 | 1 | conformant | 200 |\n", "| 3 | 3 | no report: the API server went away | |\n",
		"| 2026-03-07 02:00 | v1.36.3 | conformant | 0 |  | 210 |\n| 2026-03-08 02:00 | v1.36.3 | regressed | 2 | caught | 200 |\n",
	} {
		before, after, found := strings.Cut(rest, want)
		if !found {
			t.Fatalf("expected %q, after what comes before it, in\n%s", want, b.String())
		}
		_, rest = before, after
	}
	if strings.Contains(b.String(), "docs:") {
		t.Error("expected the finding alone")
	}
}
