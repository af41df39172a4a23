package judge_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// TestFixtures judges the histories in fixtures/histories: a file is named after its guarantee, with a dot for the slash. A good one
// exercises it without any finding; a bad one breaks it and no other.
func TestFixtures(t *testing.T) {
	for _, kind := range []string{"good", "bad"} {
		files, err := filepath.Glob(filepath.Join("..", "..", "..", "fixtures", "histories", kind, "*"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no histories in fixtures/histories/%s: %v", kind, err)
		}
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), ".jsonl")
			t.Run(kind+"/"+name, func(t *testing.T) {
				id := contract.ID(strings.Replace(name, ".", "/", 1))
				if !slices.Contains(judge.JudgedGuarantees(), id) {
					t.Fatalf("%s: %q is no guarantee that is judged from a history", file, id)
				}
				h, err := history.Load(file)
				if err != nil {
					t.Fatal(err)
				}
				if !strings.HasPrefix(h.Header.Spec, kind+": ") {
					t.Errorf("expected a first line that says %q and what the history shows, found %q", kind, h.Header.Spec)
				}
				checkFixture(t, h, id, kind == "bad")
			})
		}
	}
}

func checkFixture(t *testing.T, h *history.History, id contract.ID, bad bool) {
	t.Helper()
	for _, r := range judge.History(h) {
		for _, f := range r.Inconclusive {
			t.Errorf("%s: expected no inconclusive finding, found: %s", r.Guarantee, f.Text)
		}
		switch {
		case r.Guarantee == id && bad:
			if len(r.Violations) == 0 {
				t.Errorf("%s: expected a violation, found none", id)
			}
			for _, f := range r.Violations {
				t.Logf("%s", f.Text)
			}
			continue
		case r.Guarantee == id && r.Exercised == 0:
			t.Errorf("%s: expected to be exercised", id)
		}
		for _, f := range r.Violations {
			t.Errorf("%s: expected no violation, found: %s", r.Guarantee, f.Text)
		}
	}
}
