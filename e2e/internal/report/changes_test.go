package report_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
)

// coverageFile is made from the report of a whole run.
const coverageFile = "../../COVERAGE.md"

func TestChangesOfARecordedRunAreCounted(t *testing.T) {
	t.Parallel()
	c := recordedReport(t, "conformant")
	if c.Changes[history.FieldReplicas][history.AtRest] == 0 || c.Changes[history.FieldTemplate][history.AtRest] == 0 {
		t.Errorf("expected changes of replicas and template at rest, found %v", c.Changes)
	}
	var summary bytes.Buffer
	if err := report.WriteSummary(&summary, c); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("| replicas | %d |", c.Changes[history.FieldReplicas][history.AtRest]); !strings.Contains(summary.String(), want) {
		t.Errorf("expected %q in the summary:\n%s", want, summary.String())
	}
	inOrder(t, page(t, recordedRun(t, "conformant")), "<strong>changes</strong>", "<td>replicas</td>", "<td>template</td>", "Specs")
}

// TestCoverage holds e2e/COVERAGE.md to the fields and phases that there are. With -update it is written anew, from the report folder that REPORT
// names (make coverage).
func TestCoverage(t *testing.T) {
	t.Parallel()
	if *update && os.Getenv("REPORT") != "" {
		c, err := judgeFolder(os.Getenv("REPORT"))
		if err != nil {
			t.Fatal(err)
		}
		if c.Partial {
			t.Fatal("the run was narrowed: make the report of a whole run")
		}
		var out bytes.Buffer
		if err := report.WriteCoverage(&out, c); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(coverageFile, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(coverageFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, phase := range history.AllPhases() {
		if !strings.Contains(string(data), fmt.Sprintf(" %s |", phase)) {
			t.Errorf("the table lacks the phase %q: make coverage", phase)
		}
	}
	for _, field := range history.AllFields() {
		if !strings.Contains(string(data), fmt.Sprintf("| %s |", field)) {
			t.Errorf("the table lacks the field %q: make coverage", field)
		}
	}
}
