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
