package report_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

func TestCompareNoticesEveryChange(t *testing.T) {
	t.Parallel()
	again := recordedReport(t, "order-ignored")
	for name, change := range map[string]func(c *report.Conformance){
		"the version":             func(c *report.Conformance) { c.Cluster.KubernetesVersion = "v1.0.0" },
		"the nodes":               func(c *report.Conformance) { c.Cluster.Nodes = nil },
		"the suite":               func(c *report.Conformance) { c.Suite.Version = "other" },
		"the suite's digest":      func(c *report.Conformance) { c.Suite.Digest = "" },
		"the level":               func(c *report.Conformance) { c.Settings.Level = contract.Disruptive },
		"partial":                 func(c *report.Conformance) { c.Partial = !c.Partial },
		"the exit code":           func(c *report.Conformance) { c.ExitCode = 0 },
		"the result":              func(c *report.Conformance) { c.Result = verdict.Conformant },
		"the totals":              func(c *report.Conformance) { c.Totals[verdict.Pass]++ },
		"the troubles":            func(c *report.Conformance) { c.Troubles = append(c.Troubles, "x") },
		"the lag":                 func(c *report.Conformance) { c.Lag.Longest = 0 },
		"a spec's state":          func(c *report.Conformance) { c.Specs[0].State = "timedout" },
		"a spec's message":        func(c *report.Conformance) { c.Specs[0].Message = "x" },
		"a spec is left out":      func(c *report.Conformance) { c.Specs = c.Specs[1:] },
		"a spec's history":        func(c *report.Conformance) { c.Specs[0].SHA256 = "x" },
		"the digest of the specs": func(c *report.Conformance) { c.SpecsSHA256 = "x" },
		"a finding": func(c *report.Conformance) {
			for i := range c.Guarantees {
				if len(c.Guarantees[i].Findings) > 1 {
					c.Guarantees[i].Findings = c.Guarantees[i].Findings[1:]
				}
			}
		},
		"the reason of a row": func(c *report.Conformance) { c.Guarantees[0].Reasons = append(c.Guarantees[0].Reasons, "x") },
		"the words of a row":  func(c *report.Conformance) { c.Guarantees[0].Must = "x" },
		"who promises a row":  func(c *report.Conformance) { c.Guarantees[0].Sources = nil },
		"the link of a row":   func(c *report.Conformance) { c.Guarantees[0].Link = "x" },
		"a note of a row":     func(c *report.Conformance) { c.Guarantees[0].Notes = append(c.Guarantees[0].Notes, "x") },
		"the words of a finding": func(c *report.Conformance) {
			for i := range c.Guarantees {
				if len(c.Guarantees[i].Findings) > 0 {
					c.Guarantees[i].Findings[0].Text = "x"
				}
			}
		},
		"an inconclusive row is left out, and the result better": func(c *report.Conformance) {
			leaveOut(c, verdict.Inconclusive)
			leaveOut(c, verdict.Fail)
			c.Result, c.ExitCode = verdict.Conformant, verdict.ExitConformant
		},
		"a row that held is left out":         func(c *report.Conformance) { leaveOut(c, verdict.Pass) },
		"the digest of the specs is left out": func(c *report.Conformance) { c.SpecsSHA256 = "" },
		"a row that is broken is left out": func(c *report.Conformance) {
			c.Guarantees = slices.DeleteFunc(c.Guarantees, func(g report.Guarantee) bool { return g.ID == contract.OrderingCreate })
			c.Totals[verdict.Fail]--
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := copyOf(t, again)
			if diffs := c.Compare(again, true); len(diffs) > 0 {
				t.Fatalf("expected no difference before the change, found %v", diffs)
			}
			change(c)
			if len(c.Compare(again, true)) == 0 {
				t.Error("expected a difference")
			}
		})
	}
}

// leaveOut removes the rows with a verdict, and counts the others.
func leaveOut(c *report.Conformance, v verdict.Verdict) {
	c.Guarantees = slices.DeleteFunc(c.Guarantees, func(g report.Guarantee) bool { return g.Verdict == v })
	delete(c.Totals, v)
}

// Another version of the suite may have other rows and words: what is left must still fit the result.
func TestCompareWithAnotherSuite(t *testing.T) {
	t.Parallel()
	again := recordedReport(t, "order-ignored")
	for name, c := range map[string]struct {
		change func(c *report.Conformance)
		differ bool
	}{
		"other words":                 {func(c *report.Conformance) { c.Guarantees[0].Must = "x" }, false},
		"a row that held is left out": {func(c *report.Conformance) { leaveOut(c, verdict.Pass) }, false},
		"a row that held is left out, and the result better": {func(c *report.Conformance) {
			leaveOut(c, verdict.Pass)
			c.Result, c.ExitCode = verdict.Conformant, verdict.ExitConformant
		}, true},
		"an exit code that does not fit the result": {func(c *report.Conformance) { c.ExitCode = verdict.ExitConformant }, true},
	} {
		t.Run(name, func(t *testing.T) {
			changed := copyOf(t, again)
			c.change(changed)
			if diffs := changed.Compare(again, false); (len(diffs) > 0) != c.differ {
				t.Errorf("expected a difference: %v; found %v", c.differ, diffs)
			}
		})
	}
}

func copyOf(t *testing.T, c *report.Conformance) *report.Conformance {
	t.Helper()
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	out := &report.Conformance{}
	if err := json.Unmarshal(data, out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCompareNoticesTheWordsOfTroubles(t *testing.T) {
	t.Parallel()
	said, again := copyOf(t, recordedReport(t, "order-ignored")), copyOf(t, recordedReport(t, "order-ignored"))
	said.Troubles, again.Troubles = []string{"a"}, []string{"b"}
	if len(said.Compare(again, true)) == 0 {
		t.Error("expected other words of the same suite to be a difference")
	}
	if diffs := said.Compare(again, false); len(diffs) > 0 {
		t.Errorf("expected other words of another suite to be none, found %v", diffs)
	}
}

// The headers of histories say what they are of.
func TestCompareHistories(t *testing.T) {
	t.Parallel()
	c := report.Conformance{Cluster: report.Cluster{KubernetesVersion: "v1.36.3"}}
	s := runconfig.Settings{Run: "r", Limits: runconfig.DefaultLimits()}
	of := func(change func(run *verdict.Run)) []string {
		run := verdict.Run{Name: "r", Histories: []verdict.JudgedHistory{{File: "f", Version: "v1.36.3", Lag: s.Limits.Lag, ClockSkew: s.Limits.ClockSkew}}}
		change(&run)
		return c.CompareHistories(&run, s)
	}
	if diffs := of(func(*verdict.Run) {}); len(diffs) > 0 {
		t.Errorf("expected no difference, found %v", diffs)
	}
	for name, change := range map[string]func(run *verdict.Run){
		"the run":           func(run *verdict.Run) { run.Name = "other" },
		"the version":       func(run *verdict.Run) { run.Histories[0].Version = "v1.36.4" },
		"how far it lags":   func(run *verdict.Run) { run.Histories[0].Lag *= 2 },
		"the clocks' skews": func(run *verdict.Run) { run.Histories[0].ClockSkew *= 2 },
	} {
		if len(of(change)) != 1 {
			t.Errorf("%s: expected a difference", name)
		}
	}
}

// A guarantee that is added to the contract leaves older reports readable.
func TestReportOfAnOlderContract(t *testing.T) {
	t.Parallel()
	dir := recordedRun(t, "conformant")
	path := filepath.Join(dir, report.File)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var r map[string]any
	if err := yaml.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	r["guarantees"] = slices.DeleteFunc(r["guarantees"].([]any), func(g any) bool { return g.(map[string]any)["id"] == string(contract.OrderingCreate) })
	totals := r["totals"].(map[string]any)
	totals["pass"] = totals["pass"].(float64) - 1
	delete(r, "specsSHA256")
	if data, err = yaml.Marshal(r); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := report.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diffs := c.Compare(recordedReport(t, "conformant"), false); len(diffs) > 0 {
		t.Errorf("expected what both know to be the same, found %v", diffs)
	}
	if err := report.SaveFiles(dir, c); err != nil {
		t.Error(err)
	}
}
