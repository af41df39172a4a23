package comparison_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/comparison"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/figures"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/sanitize"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// reported is a report with these verdicts, of a run at level core.
func reported(result verdict.Overall, verdicts map[contract.ID]verdict.Verdict) *report.Conformance {
	c := &report.Conformance{Result: result, Settings: report.Settings{Level: contract.Core}}
	for _, id := range []contract.ID{"dns/a", "dns/b", "dns/c"} {
		if v, has := verdicts[id]; has {
			c.Guarantees = append(c.Guarantees, report.Guarantee{ID: id, Verdict: v, Reasons: []string{"reason of " + string(v)}})
		}
	}
	return c
}

func names(rows []comparison.Row) string {
	all := make([]string, len(rows))
	for i, r := range rows {
		all[i] = string(r.ID)
	}
	return strings.Join(all, " ")
}

func TestVerdictsThatChanged(t *testing.T) {
	type verdicts = map[contract.ID]verdict.Verdict
	for name, c := range map[string]struct {
		before, after             verdicts
		worse, better, changed    string
		gone, added               string
		outcome                   comparison.Outcome
		resultBefore, resultAfter verdict.Overall
	}{
		"the same":               {before: verdicts{"dns/a": "pass"}, after: verdicts{"dns/a": "pass"}, outcome: comparison.NothingWorse},
		"broken":                 {before: verdicts{"dns/a": "pass"}, after: verdicts{"dns/a": "fail"}, worse: "dns/a", outcome: comparison.Worse},
		"not shown any more":     {before: verdicts{"dns/a": "pass"}, after: verdicts{"dns/a": "inconclusive"}, worse: "dns/a", outcome: comparison.Worse},
		"not there any more":     {before: verdicts{"dns/a": "pass"}, after: verdicts{"dns/a": "not applicable"}, worse: "dns/a", outcome: comparison.Worse},
		"deviates":               {before: verdicts{"dns/a": "inconclusive"}, after: verdicts{"dns/a": "deviation"}, worse: "dns/a", outcome: comparison.Worse},
		"broken after unknown":   {before: verdicts{"dns/a": "inconclusive"}, after: verdicts{"dns/a": "fail"}, worse: "dns/a", outcome: comparison.Worse},
		"mended":                 {before: verdicts{"dns/a": "fail"}, after: verdicts{"dns/a": "pass"}, better: "dns/a", outcome: comparison.NothingWorse},
		"broken, then not shown": {before: verdicts{"dns/a": "fail"}, after: verdicts{"dns/a": "inconclusive"}, changed: "dns/a", outcome: comparison.NothingWorse},
		"only afterwards, and broken": {
			before: verdicts{"dns/a": "pass"}, after: verdicts{"dns/a": "pass", "dns/b": "fail"}, added: "dns/b",
			resultBefore: verdict.Conformant, resultAfter: verdict.NotConformant, outcome: comparison.Worse,
		},
		"only before":    {before: verdicts{"dns/a": "pass", "dns/b": "fail"}, after: verdicts{"dns/a": "pass"}, gone: "dns/b", outcome: comparison.NothingWorse},
		"left out once":  {before: verdicts{"dns/a": "pass", "dns/b": "pass"}, after: verdicts{"dns/a": "not selected", "dns/b": "pass"}, outcome: comparison.NothingWorse},
		"nothing shared": {before: verdicts{"dns/a": "pass"}, after: verdicts{"dns/b": "fail"}, gone: "dns/a", added: "dns/b", outcome: comparison.NotComparable},
		"nothing selected in both": {
			before: verdicts{"dns/a": "not selected", "dns/b": "fail"}, after: verdicts{"dns/a": "pass", "dns/b": "not selected"}, outcome: comparison.NotComparable,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := comparison.Of(reported(c.resultBefore, c.before), reported(c.resultAfter, c.after))
			if got.Outcome != c.outcome {
				t.Errorf("expected %q, found %q", c.outcome, got.Outcome)
			}
			for what, pair := range map[string][2]string{
				"worse": {c.worse, names(got.Worse)}, "better": {c.better, names(got.Better)}, "changed": {c.changed, names(got.Changed)},
				"gone": {c.gone, names(got.Gone)}, "added": {c.added, names(got.Added)},
			} {
				if pair[0] != pair[1] {
					t.Errorf("%s: expected %q, found %q", what, pair[0], pair[1])
				}
			}
		})
	}
}

// A narrowed run, or one of another level, has a result of other guarantees.
func TestResultsOfDifferentRunsAreNotCompared(t *testing.T) {
	for name, alter := range map[string]func(*report.Conformance){
		"partial":       func(c *report.Conformance) { c.Partial = true },
		"another level": func(c *report.Conformance) { c.Settings.Level = contract.Extended },
	} {
		before := reported(verdict.Conformant, map[contract.ID]verdict.Verdict{"dns/a": "pass"})
		after := reported(verdict.NotConformant, map[contract.ID]verdict.Verdict{"dns/a": "pass", "dns/b": "fail"})
		alter(after)
		if c := comparison.Of(before, after); c.ResultWorse || c.Outcome != comparison.NothingWorse || len(c.Differences) == 0 {
			t.Errorf("%s: expected a difference, and the results not compared, found %q, %v", name, c.Outcome, c.Differences)
		}
	}
}

func TestFiguresThatMoved(t *testing.T) {
	for name, c := range map[string]struct {
		before, after  figures.Figure
		slower, faster int
	}{
		"within the spread":      {before: figures.Figure{Count: 9, Median: 2, P95: 5}, after: figures.Figure{Count: 9, Median: 5, P95: 9}},
		"beyond it":              {before: figures.Figure{Count: 9, Median: 2, P95: 5}, after: figures.Figure{Count: 9, Median: 5.1, P95: 9}, slower: 1},
		"below it":               {before: figures.Figure{Count: 9, Median: 5, P95: 9}, after: figures.Figure{Count: 9, Median: 2, P95: 4.9}, faster: 1},
		"of too few before":      {before: figures.Figure{Count: 4, Median: 2, P95: 5}, after: figures.Figure{Count: 9, Median: 50, P95: 90}},
		"of too few after":       {before: figures.Figure{Count: 9, Median: 2, P95: 5}, after: figures.Figure{Count: 4, Median: 50, P95: 90}},
		"of another node":        {before: figures.Figure{Of: "a", Count: 9, Median: 2, P95: 5}, after: figures.Figure{Of: "b", Count: 9, Median: 50, P95: 90}},
		"of another measurement": {before: figures.Figure{Kind: "pod-ready", Count: 9, Median: 2, P95: 5}, after: figures.Figure{Kind: "pod-moved", Count: 9, Median: 50, P95: 90}},
	} {
		got := comparison.Of(&report.Conformance{Figures: []figures.Figure{c.before}}, &report.Conformance{Figures: []figures.Figure{c.after}})
		if len(got.Slower) != c.slower || len(got.Faster) != c.faster {
			t.Errorf("%s: expected %d slower and %d faster, found %v and %v", name, c.slower, c.faster, got.Slower, got.Faster)
		}
	}
}

func TestFactsThatDiffer(t *testing.T) {
	before := &report.Conformance{Cluster: report.Cluster{KubernetesVersion: "v1.36.3", Nodes: []string{"a", "b"}}, Suite: report.Suite{Version: "x", Digest: "1"}}
	after := &report.Conformance{Cluster: report.Cluster{KubernetesVersion: "v1.37.2", Nodes: []string{"a"}}, Suite: report.Suite{Version: "x", Digest: "2"}}
	after.Settings.Retries = 2
	want := []comparison.Difference{
		{What: "cluster kubernetesVersion", Before: "v1.36.3", After: "v1.37.2"}, {What: "cluster nodes", Before: "a; b", After: "a"}, {What: "setting retries", After: "2"},
	}
	if got := comparison.Of(before, after).Differences; !slices.Equal(got, want) {
		t.Errorf("expected %v, found %v", want, got)
	}
}

// What a report says may come from anybody.
func TestFormatsTellTheSame(t *testing.T) {
	before := reported(verdict.Conformant, map[contract.ID]verdict.Verdict{"dns/a": "pass", "dns/c": "fail"})
	after := reported(verdict.NotConformant, map[contract.ID]verdict.Verdict{"dns/a": "fail", "dns/b": "pass", "dns/c": "pass"})
	after.Guarantees[0].Findings = []report.Finding{{Text: "<b>pod|set</b>\x1b[31m"}}
	after.Cluster.KubernetesVersion = "<script>|"
	c := comparison.Of(before, after)
	for format, says := range map[string]struct{ told, hostile []string }{
		"text":     {[]string{"WORSE: of 2 guarantees that both runs judged 1 are broken", "the result was conformant and is not conformant", "dns/b", "reason of fail"}, []string{"\x1b"}},
		"markdown": {[]string{"# WORSE", "| dns/a | pass | fail |", "| dns/b |", "| dns/c | fail | pass |"}, []string{"\x1b", "<b>", "<script>"}},
		"html":     {[]string{`<header class="worse">`, "dns/b", "reason of fail"}, []string{"\x1b", "<b>", "<script>"}},
	} {
		var b strings.Builder
		if err := c.Write(&b, format); err != nil {
			t.Fatal(err)
		}
		for _, part := range says.told {
			if !strings.Contains(b.String(), part) {
				t.Errorf("%s: expected %q in:\n%s", format, part, b.String())
			}
		}
		if got := sanitize.Text(b.String()); got != b.String() {
			t.Errorf("%s: expected nothing that the command's output replaces", format)
		}
		for _, part := range says.hostile {
			if strings.Contains(b.String(), part) {
				t.Errorf("%s: expected no %q in:\n%s", format, part, b.String())
			}
		}
	}
	if err := c.Write(&strings.Builder{}, "pdf"); err == nil {
		t.Error("expected an error for a form that there is not")
	}
}
