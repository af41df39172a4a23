package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

func TestTrialTable(t *testing.T) {
	found := trialRow{trial: trial{name: "one", what: "something happens"}, report: &report.Conformance{
		Result: verdict.NotConformant, Totals: map[verdict.Verdict]int{"pass": 1, "fail": 1, "deviation": 1, "inconclusive": 1, "not applicable": 1}, Seconds: 90,
		Start: time.Date(2026, 11, 30, 1, 2, 3, 0, time.UTC), Suite: report.Suite{Version: "abc"},
		Guarantees: []report.Guarantee{
			{ID: contract.OrderingCreate, Verdict: verdict.Fail, Findings: []report.Finding{{Text: "too | early"}, {Text: "and again"}}},
			{ID: contract.OrderingHeals, Verdict: verdict.Inconclusive, Reasons: []string{"a gap"}},
			{ID: contract.StorageClaimRecreated, Verdict: verdict.Deviation},
			{ID: contract.UpdateMaxUnavailable, Verdict: verdict.NotApplicable, Reasons: []string{"dropped"}},
			{ID: contract.DNSHeadless, Verdict: verdict.Pass},
		},
	}}
	unshown := trialRow{trial: trial{name: "two", what: "nothing"}, trouble: "no cluster"}
	table := trialTable{command: "make this", kind: "try", kinds: "tries", rows: []trialRow{found, unshown}}
	if got := table.alarms(); got != 2 {
		t.Errorf("expected 2 guarantees found broken, found %d: %v", got, found.broken())
	}
	if got, want := table.summary(), "2 tries, 2 false alarms; 2 min; 1 without a report"; got != want {
		t.Errorf("expected %q, found %q", want, got)
	}
	for _, want := range []string{"1 pass, 1 inconclusive, 1 not applicable, 2 found broken (90 s)", "FOUND BROKEN ordering/create: too | early"} {
		if got := found.String(); !strings.Contains(got, want) {
			t.Errorf("expected %q in %q", want, got)
		}
	}
	if got := unshown.String(); !strings.Contains(got, "no report: no cluster") {
		t.Errorf("found %q", got)
	}
	for _, want := range []string{"| one | something happens |", "ordering/create: too \\| early; ", "update/max-unavailable: dropped", "| 2026-11-30, suite abc |"} {
		if got := found.row(); !strings.Contains(got, want) {
			t.Errorf("expected %q in the row, found:\n%s", want, got)
		}
	}
}

// TestResultsAddUp: the file has the last whole run of each trial, whichever command made it.
func TestResultsAddUp(t *testing.T) {
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "RESULTS.md")
	refuse := func(name, why string) {
		if err := (trialRow{trial: trial{name: name, refused: "taint"}, trouble: why}).saveRefusal(dir); err != nil {
			t.Fatal(err)
		}
	}
	all := []trial{{name: "a", refused: "taint"}, {name: "b", refused: "taint"}, {name: "never", refused: "taint"}}
	table := trialTable{command: "make this", kind: "try", kinds: "tries", intro: "Tries."}
	for _, c := range []struct {
		name, why string
		fresh     int
		want      []string
	}{
		{"b", "the taint | b", 1, []string{`Written by "make this"`, "Without a whole run: a, never.", `| b |  | | refused: the taint \| b |`}},
		{"a", "the taint of a", 1, []string{"Without a whole run: never.", "refused: the taint of a |", `refused: the taint \| b |`}},
		{"b", "another taint", 1, []string{"Without a whole run: never.", "refused: the taint of a |", "refused: another taint |"}},
		{"b", "another taint", 0, []string{"refused: the taint of a |", "refused: another taint |"}},
	} {
		refuse(c.name, c.why)
		text, fresh, err := table.markdown(dir, file, all)
		if err != nil || fresh != c.fresh {
			t.Errorf("%s: expected %d new rows, found %d, %v", c.why, c.fresh, fresh, err)
		}
		for _, want := range c.want {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s: expected %q, found:\n%s", c.why, want, text)
			}
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		// The next run may have a report folder of its own.
		dir = t.TempDir()
	}
}

// TestRefusalsAreSaved: what the first checks said of a cluster is found again for the table of all.
func TestRefusalsAreSaved(t *testing.T) {
	dir := t.TempDir()
	one := trial{name: "tainted", what: "taints", refused: "the taint"}
	for _, trouble := range []string{"no cluster", "no node tolerates | the taint"} {
		if err := (trialRow{trial: one, trouble: trouble}).saveRefusal(dir); err != nil {
			t.Fatal(err)
		}
		row, err := tried(dir, one)
		if refused := strings.Contains(trouble, one.refused); (err == nil) != refused || row.wasRefused() != refused {
			t.Errorf("%s: expected it to be a refusal: %t, found %v, %+v", trouble, refused, err, row)
		}
	}
}

func TestTrialsConclude(t *testing.T) {
	fine := trialRow{trial: trial{name: "fine"}, report: &report.Conformance{}}
	broken := trialRow{trial: trial{name: "broken"}, report: &report.Conformance{Guarantees: []report.Guarantee{{ID: "x/y", Verdict: verdict.Fail}}}}
	known, fixed := broken, fine
	known.breaks, fixed.breaks = "x/y", "x/y"
	for _, c := range []struct {
		rows []trialRow
		want string
	}{
		{[]trialRow{fine}, ""},
		{[]trialRow{fine, broken}, "1 false alarms"},
		{[]trialRow{known}, ""},
		{[]trialRow{fixed}, "1 false alarms, or known bugs not found"},
		{[]trialRow{fine, {trial: trial{name: "lost"}}}, "1 of 2 tries without a report"},
		{[]trialRow{fine, {trial: trial{name: "refused", refused: "the taint"}, trouble: "no node tolerates the taint: POD_PATCH"}}, ""},
		{[]trialRow{fine, {trial: trial{name: "refused for another reason", refused: "the taint"}, trouble: "no StorageClass"}}, "1 of 2 tries without a report"},
		{[]trialRow{fine, {trial: trial{name: "refused for two reasons", refused: "the taint"}, trouble: "2 problems\nthe taint\nthe size"}}, "1 of 2 tries without a report"},
		{[]trialRow{{trial: trial{name: "not refused", refused: "the taint"}, report: &report.Conformance{}}}, "1 false alarms"},
	} {
		file := filepath.Join(t.TempDir(), "RESULTS.md")
		err := trialTable{kinds: "tries", rows: c.rows}.conclude(&strings.Builder{}, t.TempDir(), file, []trial{{name: "fine"}, {name: "never run"}})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("expected %q, found %v", c.want, err)
		}
		if _, err := os.Stat(file); err == nil {
			t.Error("expected no results where no trial has a report, found some")
		}
	}
}
