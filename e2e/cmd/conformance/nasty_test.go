package main

import (
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/guarantee"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
	"github.com/hero-academy/statefulset-conformance/hack/nasty"
)

func TestNastyTableCountsFalseAlarms(t *testing.T) {
	accused := nastyRow{Adversity: nasty.Adversity{Name: "one", What: "something | happens"}}
	accused.read(&verdict.Run{Overall: verdict.NotConformant, Rows: []verdict.Row{
		{Guarantee: guarantee.Guarantee{ID: guarantee.OrderingCreate}, Verdict: verdict.Fail, Findings: []verdict.Finding{{Finding: judge.Finding{Text: "too | early"}}}},
		{Guarantee: guarantee.Guarantee{ID: guarantee.OrderingHeals}, Verdict: verdict.Inconclusive, Reasons: []string{"a gap"}},
		{Guarantee: guarantee.Guarantee{ID: guarantee.StorageClaimRecreated}, Verdict: verdict.Deviation},
		{Verdict: verdict.Pass},
		{Verdict: verdict.NotApplicable},
		{Verdict: verdict.NotAsked},
	}})
	quiet := nastyRow{Adversity: nasty.Adversity{Name: "two"}}
	quiet.read(&verdict.Run{Overall: verdict.Undecided, Rows: []verdict.Row{{Verdict: verdict.Inconclusive}}})
	table := nastyTable{rows: []nastyRow{accused, quiet}}
	if got := table.alarms(); got != 2 {
		t.Errorf("expected 2 false alarms, found %d: %v", got, accused.accused)
	}
	for _, want := range []string{"| one |", "ordering/create: too \\| early", "| two |", "2 adversities, 2 false alarms"} {
		if got := table.markdown(); !strings.Contains(got, want) {
			t.Errorf("expected %q in the table, found:\n%s", want, got)
		}
	}
	if got := accused.String(); !strings.Contains(got, "FALSE ALARM ordering/create: too | early") || !strings.Contains(got, "1 pass, 1 inconclusive, 2 accused") {
		t.Errorf("found %q", got)
	}
}

func TestChooseAdversities(t *testing.T) {
	for patterns, want := range map[string]int{"": len(nasty.All()), "slow-way": 1, "*-restarts": 2, "slow-way, cut-way": 2} {
		got, err := chooseAdversities(patterns)
		if err != nil || len(got) != want {
			t.Errorf("ADVERSITY=%s: expected %d, found %d, %v", patterns, want, len(got), err)
		}
	}
	for _, patterns := range []string{"nothing-so", "[", "slow-way,nothing-so"} {
		if _, err := chooseAdversities(patterns); err == nil || exitCode(err) != exitWrongUse {
			t.Errorf("ADVERSITY=%s: expected wrong use, found %v", patterns, err)
		}
	}
}
