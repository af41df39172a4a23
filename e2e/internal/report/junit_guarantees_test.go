package report

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/onsi/ginkgo/v2/reporters"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// A CI system that looks at nothing but JUnit must see red exactly when the exit code is not 0.
func TestJUnitIsRedIfTheExitCodeIsNotZero(t *testing.T) {
	for name, c := range map[string]struct {
		verdict        verdict.Verdict
		result         verdict.Overall
		exit           int
		failures, errs int
		skipped        int
	}{
		"pass":           {verdict: verdict.Pass, result: verdict.Conformant},
		"broken":         {verdict: verdict.Fail, result: verdict.NotConformant, exit: verdict.ExitNotConformant, failures: 2},
		"inconclusive":   {verdict: verdict.Inconclusive, result: verdict.OverallInconclusive, exit: verdict.ExitInconclusive, errs: 2},
		"trouble alone":  {verdict: verdict.Pass, result: verdict.OverallInconclusive, exit: verdict.ExitInconclusive, errs: 1},
		"deviation":      {verdict: verdict.Deviation, result: verdict.Conformant},
		"not applicable": {verdict: verdict.NotApplicable, result: verdict.Conformant, skipped: 1},
	} {
		report := &Conformance{Result: c.result, ExitCode: c.exit, Guarantees: []Guarantee{{
			ID: contract.OrderingCreate, Verdict: c.verdict, Reasons: []string{"why"}, Findings: []Finding{{Text: "what", History: "histories/a.jsonl"}},
		}}}
		out, err := withGuarantees([]byte(`<testsuites tests="3"><testsuite name="specs" tests="3"></testsuite></testsuites>`), report)
		if err != nil {
			t.Fatal(err)
		}
		var suites reporters.JUnitTestSuites
		if err := xml.Unmarshal(out, &suites); err != nil {
			t.Fatal(err)
		}
		own := suites.TestSuites[1]
		if suites.Tests != 5 || own.Failures != c.failures || own.Errors != c.errs || own.Skipped != c.skipped || suites.Failures+suites.Errors != c.failures+c.errs {
			t.Errorf("%s: expected %d failures, %d errors, %d skipped, found %+v", name, c.failures, c.errs, c.skipped, own)
		}
		if row := own.TestCases[0]; row.Name != "ordering/create" || row.Classname != "guarantee" || !strings.Contains(string(out), "what; history: histories/a.jsonl") && c.skipped == 0 {
			t.Errorf("%s: expected the guarantee and its evidence, found %+v", name, row)
		}
	}
}
