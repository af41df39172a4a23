package report_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/figures"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// TestWhatIsShownBesideTheVerdicts: objectives and known issues are in all reports, and change no verdict.
func TestWhatIsShownBesideTheVerdicts(t *testing.T) {
	t.Parallel()
	dir := recordedRun(t, "order-ignored")
	c := copyOf(t, recordedReport(t, "order-ignored"))
	before := c.Result
	run := verdict.Run{
		Rows:       []verdict.Row{{Guarantee: contract.Guarantee{ID: contract.OrderingCreate}, Verdict: verdict.Fail}, {Guarantee: contract.Guarantee{ID: contract.OrderingHeals}, Verdict: verdict.Pass}},
		Objectives: figures.Hold([]string{"pod-ready.p95=1ms", "pod-ready.max=10m"}, []figures.Figure{{Kind: figures.PodReady, Count: 3, Median: 1, P95: 2, Max: 3}}),
	}
	run.Known = run.KnownIssues([]contract.KnownIssue{
		{Guarantee: contract.OrderingCreate, Reason: "<b>patched</b>", Expires: "2027-03-01"}, {Guarantee: contract.OrderingHeals, Reason: "patched", Expires: "2020-03-01", Expired: true},
	})
	c.Objectives, c.KnownIssues = run.Objectives, run.Known
	if err := c.Save(dir); err != nil {
		t.Fatalf("expected the schema to know them: %v", err)
	}
	saved, err := report.Load(dir)
	if err != nil || saved.Result != before || len(saved.Objectives) != 2 || len(saved.KnownIssues) != 2 {
		t.Fatalf("expected both to be saved, and the result to stay %s, found %v", before, err)
	}
	var console, html, summary bytes.Buffer
	for _, err := range []error{report.Console(&console, &run, time.Second, time.Second), report.WritePage(&html, dir, saved), report.WriteSummary(&summary, saved)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for where, text := range map[string]string{"console": console.String(), "page": html.String(), "summary": summary.String()} {
		for _, want := range []string{"pod-ready.p95: at most 0.001 s wanted, NOT MET: 2 s of 3", "wanted, met: 3 s of 3", "is broken, as is known until 2027-03-01", "take it out of the file"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: expected %q in\n%.4000s", where, want, text)
			}
		}
		if where != "console" && strings.Contains(text, "<b>patched") {
			t.Errorf("%s: expected a person's reason to be escaped", where)
		}
	}
}
