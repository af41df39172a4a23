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
		"a row that is broken is left out": func(c *report.Conformance) {
			c.Guarantees = slices.DeleteFunc(c.Guarantees, func(g report.Guarantee) bool { return g.ID == contract.OrderingCreate })
			c.Totals[verdict.Fail]--
		},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := json.Marshal(again)
			if err != nil {
				t.Fatal(err)
			}
			var c report.Conformance
			if err := json.Unmarshal(data, &c); err != nil {
				t.Fatal(err)
			}
			if diffs := c.Compare(again); len(diffs) > 0 {
				t.Fatalf("expected no difference before the change, found %v", diffs)
			}
			change(&c)
			if len(c.Compare(again)) == 0 {
				t.Error("expected a difference")
			}
		})
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
	if diffs := c.Compare(recordedReport(t, "conformant")); len(diffs) > 0 {
		t.Errorf("expected what both know to be the same, found %v", diffs)
	}
	if err := report.SaveFiles(dir, c); err != nil {
		t.Error(err)
	}
}
