package verdict

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// attempt is a spec that proves ordering/create, and its history with one result.
func attempt(text, repeats, state, disturbance string, r judge.Result) (Spec, JudgedHistory) {
	r.Guarantee = contract.OrderingCreate
	s := Spec{Text: text, Repeats: repeats, State: state, Selected: true, History: "histories/" + text + ".jsonl", Proves: []contract.ID{contract.OrderingCreate}, Disturbance: disturbance}
	return s, JudgedHistory{Spec: text, File: s.History, Results: []judge.Result{r}}
}

func TestTheConclusiveAttemptCounts(t *testing.T) {
	open := judge.Result{Inconclusive: []judge.Finding{{Text: "changed by another client"}}}
	upheld, broken := judge.Result{Exercised: 1}, judge.Result{Exercised: 1, Violations: []judge.Finding{{Text: "out of order"}}}
	for name, c := range map[string]struct {
		first       judge.Result
		firstState  string
		second      judge.Result
		secondState string
		want        Verdict
		troubles    int
	}{
		"the second passed":                       {open, "failed", upheld, "passed", Pass, 0},
		"the second was disturbed too":            {open, "failed", open, "failed", Inconclusive, 2},
		"the second found it broken":              {open, "failed", broken, "failed", Fail, 1},
		"the first passed with something open":    {open, "passed", upheld, "passed", Pass, 0},
		"a violation of the first counts as well": {broken, "failed", upheld, "passed", Fail, 0},
	} {
		first, before := attempt("a", "", c.firstState, "another client changed the set", c.first)
		second, after := attempt("a-2", "a", c.secondState, "", c.second)
		run := Decide(contract.Core, []Spec{first, second}, []JudgedHistory{before, after})
		for _, row := range run.Rows {
			if row.ID == contract.OrderingCreate && row.Verdict != c.want {
				t.Errorf("%s: expected %s, found %s %v", name, c.want, row.Verdict, row.Reasons)
			}
		}
		if troubled := len(troubles(run.Specs, run.Histories)); troubled != c.troubles {
			t.Errorf("%s: expected %d troubles, found %v", name, c.troubles, run.Troubles)
		}
	}
}

// save writes a report folder with one spec and its history.
func save(t *testing.T, dir string, s Spec, change func(*history.History)) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "histories"), 0o700); err != nil {
		t.Fatal(err)
	}
	h := &history.History{Header: history.Header{Spec: s.Text, Namespace: "sts-1", Run: "run"}}
	change(h)
	h.Close(0)
	h.End.Complete = true
	if err := h.Save(filepath.Join(dir, s.History)); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(Outcomes{Run: "run", Specs: []Spec{s}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, SpecsFile), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOnlyWhatWasDisturbedAndIsOpenIsRepeated(t *testing.T) {
	gap := func(h *history.History) {
		h.Gaps = []history.Gap{{Seq: 1, Resource: history.Pods, Reason: "the watch could not be resumed"}}
	}
	check := func(o history.Outcome) func(*history.History) {
		return func(h *history.History) {
			gap(h)
			h.Checks = []history.Check{{Seq: 2, Guarantee: contract.DNSHeadless, Outcome: o, Text: "looked up"}}
		}
	}
	for name, c := range map[string]struct {
		state  string
		change func(*history.History)
		want   bool
	}{
		"it failed over a gap":                 {"failed", gap, true},
		"it failed and nobody disturbed it":    {"failed", func(*history.History) {}, false},
		"it passed in spite of a gap":          {"passed", gap, false},
		"it passed and left something open":    {"passed", check(history.Inconclusive), true},
		"it found something broken over a gap": {"failed", check(history.Failed), false},
		"it does not apply":                    {"skipped", gap, false},
	} {
		dir := t.TempDir()
		save(t, dir, Spec{Text: "a", State: c.state, Selected: true, History: "histories/a.jsonl"}, c.change)
		why, err := Disturbed(dir)
		if err != nil || (why["a"] != "") != c.want {
			t.Errorf("%s: expected repeated %t, found %v, %v", name, c.want, why, err)
		}
	}
}

func TestAddAttempt(t *testing.T) {
	dir, again := t.TempDir(), t.TempDir()
	nothing := func(*history.History) {}
	save(t, dir, Spec{Text: "a", State: "failed", Selected: true, History: "histories/a.jsonl"}, nothing)
	save(t, again, Spec{Text: "a (attempt 2)", Repeats: "a", Attempt: 2, State: "passed", Selected: true, History: "histories/a-2.jsonl"}, nothing)
	if err := AddAttempt(dir, again, map[string]string{"a": "a gap"}); err != nil {
		t.Fatal(err)
	}
	all, err := readSpecs(dir)
	if err != nil || len(all.Specs) != 2 || all.Specs[0].Disturbance != "a gap" || all.Specs[1].Repeats != "a" {
		t.Errorf("expected both attempts, found %+v, %v", all, err)
	}
}
