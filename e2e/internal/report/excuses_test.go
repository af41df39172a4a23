package report_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

func TestExcusesAreShown(t *testing.T) {
	excused := map[judge.Excuse]int{judge.CacheLag: 2, judge.OlderSpec: 1}
	const want = "excused 3: informer cache lag, an earlier version of the set"
	if got := judge.Excuses(excused).String(); got != want {
		t.Errorf("expected %q, found %q", want, got)
	}
	if got := judge.Excuses(nil).String(); got != "" {
		t.Errorf("expected nothing where nothing was excused, found %q", got)
	}
	if got, want := (report.Guarantee{Excuses: excused}).Seen(), want; got != want {
		t.Errorf("expected the page to say %q, found %q", want, got)
	}
	g, _ := contract.Get(contract.OrderingCreate)
	run := verdict.Run{Rows: []verdict.Row{{Guarantee: g, Verdict: verdict.Pass, Specs: 1, Transitions: 4, Excused: excused}}}
	var out bytes.Buffer
	if err := report.Console(&out, &run, time.Minute, time.Minute); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "4 × in 1 spec  "+want) {
		t.Errorf("expected a line with %q on the console, found\n%s", want, out.String())
	}
}
