package report_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

func TestConsoleTellsSpecsFromTheRest(t *testing.T) {
	for want, all := range map[string]time.Duration{"0 specs in 180 s\n": 180 * time.Second, "0 specs in 180 s, 1169 s in all\n": 1169 * time.Second} {
		var out bytes.Buffer
		if err := report.Console(&out, &verdict.Run{Overall: verdict.Conformant}, 180*time.Second, all); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(out.String(), want) {
			t.Errorf("expected the last line to end with %q, found\n%s", want, out.String())
		}
	}
}

// The log of a finished Job reads like that of the next: the last line says of which run and of which version of the cluster it is.
func TestConsoleTellsWhichRunItIsOf(t *testing.T) {
	started := time.Date(2026, time.November, 30, 19, 12, 40, 0, time.FixedZone("somewhere", 3600))
	for want, run := range map[string]verdict.Run{
		"0 specs in 180 s; started 2026-11-30 18:12 UTC on Kubernetes v1.37.2\n":      {Overall: verdict.Conformant, Started: started, ServerVersion: "v1.37.2"},
		"2026-11-30 18:12 UTC on Kubernetes v1.33.4, held to the promises of v1.34\n": {Overall: verdict.Conformant, Started: started, ServerVersion: "v1.33.4", Promises: "v1.34"},
		"0 specs in 180 s; started 2026-11-30 18:12 UTC\n":                            {Overall: verdict.OverallInconclusive, Started: started},
	} {
		var out bytes.Buffer
		if err := report.Console(&out, &run, 180*time.Second, 180*time.Second); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(out.String(), want) {
			t.Errorf("expected the last line to end with %q, found\n%s", want, out.String())
		}
	}
}
