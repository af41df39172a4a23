package verdict_test

import (
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

func TestKnownIssues(t *testing.T) {
	issue := contract.KnownIssue{Guarantee: contract.OrderingCreate, Reason: "ours", Expires: "2027-03-01"}
	old := issue
	old.Expired = true
	for _, c := range []struct {
		issue   contract.KnownIssue
		verdict verdict.Verdict
		want    string
	}{
		{issue, verdict.Fail, "ordering/create is broken, as is known until 2027-03-01 (ours)"},
		{old, verdict.Fail, "ordering/create is broken, and was known to be until 2027-03-01: that day has passed (ours)"},
		{issue, verdict.Pass, "ordering/create passes, and is said to be a known issue: take it out of the file (ours)"},
		{old, verdict.Pass, "ordering/create passes, and is said to be a known issue: take it out of the file (ours)"},
		{issue, verdict.Inconclusive, "ordering/create is inconclusive, and known to be broken until 2027-03-01 (ours)"},
		{old, verdict.NotSelected, "ordering/create is not selected, and was known to be broken until 2027-03-01: that day has passed (ours)"},
	} {
		run := verdict.Run{Rows: []verdict.Row{{Guarantee: contract.Guarantee{ID: contract.OrderingCreate}, Verdict: c.verdict}}, Overall: verdict.NotConformant}
		run.Known = run.KnownIssues([]contract.KnownIssue{c.issue})
		if len(run.Known) != 1 || run.Known[0].String() != c.want {
			t.Errorf("%s: expected %q, found %v", c.verdict, c.want, run.Known)
		}
		if run.Rows[0].Verdict != c.verdict || run.ExitCode() != verdict.ExitNotConformant {
			t.Errorf("%s: expected no verdict and no exit code to change", c.verdict)
		}
	}
}
