package verdict_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// folder writes a report folder with one good history.
func folder(t *testing.T, specs []verdict.Spec, change func(*history.History)) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "histories"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := historytest.New()
	s.Running("web", 3)
	h := s.History()
	h.Header.Spec, h.Header.Proves = "one spec", []contract.ID{create}
	if change != nil {
		change(h)
	}
	if err := h.Save(filepath.Join(dir, "histories", "one.jsonl.gz")); err != nil {
		t.Fatal(err)
	}
	if specs != nil {
		data, err := json.Marshal(specs)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, verdict.SpecsFile), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func oneSpec() []verdict.Spec {
	return []verdict.Spec{{Text: "one spec", State: "passed", Selected: true, History: "histories/one.jsonl.gz", Proves: []contract.ID{create}}}
}

func TestJudgeFolder(t *testing.T) {
	run, err := verdict.JudgeFolder(folder(t, oneSpec(), nil), contract.Core)
	if err != nil {
		t.Fatal(err)
	}
	if got := row(t, run, create); got.Verdict != verdict.Pass || got.Transitions != 1 || got.Specs != 1 {
		t.Errorf("expected a pass with 1 transition of 1 spec, found %s, %d, %d", got.Verdict, got.Transitions, got.Specs)
	}
	if run.Overall != verdict.Conformant || !run.Partial {
		t.Errorf("expected a partial conformant run, found %s, partial %v: %v", run.Overall, run.Partial, run.Troubles)
	}
}

func TestIncompleteFolder(t *testing.T) {
	missing := append(oneSpec(), verdict.Spec{Text: "another", State: "passed", Selected: true, History: "histories/two.jsonl.gz", Proves: []contract.ID{create}})
	for name, tt := range map[string]struct {
		specs   []verdict.Spec
		change  func(*history.History)
		trouble string
	}{
		"a history is missing":         {missing, nil, "histories/two.jsonl.gz is missing"},
		"a history has no end":         {oneSpec(), func(h *history.History) { h.End = nil }, "cut short"},
		"a history is incomplete":      {oneSpec(), func(h *history.History) { h.End.Complete, h.End.Reason = false, "pods lag" }, "pods lag"},
		"the specs were never written": {nil, nil, "the run ended before its outcome was written"},
	} {
		t.Run(name, func(t *testing.T) {
			run, err := verdict.JudgeFolder(folder(t, tt.specs, tt.change), contract.Core)
			if err != nil {
				t.Fatal(err)
			}
			if run.Overall != verdict.OverallInconclusive || !strings.Contains(strings.Join(run.Troubles, "; "), tt.trouble) {
				t.Errorf("expected inconclusive with %q, found %s with %v", tt.trouble, run.Overall, run.Troubles)
			}
		})
	}
}

func TestJudgeFolderRejects(t *testing.T) {
	empty := t.TempDir()
	damaged := folder(t, oneSpec(), nil)
	if err := os.WriteFile(filepath.Join(damaged, "histories", "bad.jsonl"), []byte("{}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for dir, text := range map[string]string{empty: "holds no history", damaged: "a history cannot be read"} {
		if _, err := verdict.JudgeFolder(dir, contract.Core); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("expected an error with %q, found %v", text, err)
		}
	}
}

// A namespace that an external client deletes looks like a cluster that breaks every promise.
func TestInvalidatedHistoryBreaksNothing(t *testing.T) {
	violated := func(h *history.History) {
		h.Checks = append(h.Checks, history.Check{Guarantee: contract.DNSGone, Outcome: history.Failed, Text: "it answers", Seq: h.End.Seq, At: h.End.At})
		h.End.Seq++
	}
	run, err := verdict.JudgeFolder(folder(t, oneSpec(), violated), contract.Core)
	if err != nil || run.Overall != verdict.NotConformant {
		t.Fatalf("expected the history to break a promise, found %s, %v", run.Overall, err)
	}
	run, err = verdict.JudgeFolder(folder(t, oneSpec(), func(h *history.History) {
		violated(h)
		h.Invalidate("somebody deleted the namespace")
	}), contract.Core)
	if err != nil || run.Overall != verdict.OverallInconclusive || !strings.Contains(strings.Join(run.Troubles, "\n"), "somebody deleted the namespace") {
		t.Errorf("expected an inconclusive run and why, found %s, %v, %v", run.Overall, run.Troubles, err)
	}
}
