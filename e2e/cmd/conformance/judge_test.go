package main

import (
	"strings"
	"testing"

	"github.com/onsi/ginkgo/v2"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// A spec that failed cannot be taken out of a report's files without notice.
func TestSpecsThatAReportLeavesOut(t *testing.T) {
	s := runconfig.Settings{Level: contract.Extended}
	var all []verdict.Spec
	for _, r := range ginkgo.PreviewSpecs("all").SpecReports {
		all = append(all, verdict.Spec{Text: r.FullText(), State: "passed", Selected: true})
	}
	unaccounted := func(s runconfig.Settings, run verdict.Run) []string {
		t.Helper()
		out, err := runner.Unaccounted(s, &run)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if found := unaccounted(s, verdict.Run{Specs: all}); len(found) > 0 {
		t.Errorf("expected every spec to be accounted for, found %q", found)
	}
	without := func(part string) (out []verdict.Spec) {
		for _, spec := range all {
			if !strings.Contains(spec.Text, part) {
				out = append(out, spec)
			}
		}
		return out
	}
	const dns = "DNS"
	if found := unaccounted(s, verdict.Run{Specs: without(dns)}); len(found) == 0 {
		t.Error("expected the specs that were taken out, found none")
	}
	if found := unaccounted(runconfig.Settings{Level: contract.Extended, Focus: "retention"}, verdict.Run{Specs: without(dns)}); len(found) > 0 {
		t.Errorf("expected the specs that FOCUS leaves out not to be missed, found %q", found)
	}
	left := append(without(dns), verdict.Spec{Text: strings.TrimSpace(unaccounted(s, verdict.Run{Specs: without(dns)})[0])})
	if found := unaccounted(s, verdict.Run{Specs: left}); len(found) == 0 || found[0] != left[len(left)-1].Text {
		t.Errorf("expected a spec that a whole run left out to be missed, found %q", found)
	}
	if _, err := runner.Unaccounted(runconfig.Settings{Level: contract.Extended, Focus: "("}, &verdict.Run{}); err == nil {
		t.Error("expected a focus that is no regular expression to be an error")
	}
}
