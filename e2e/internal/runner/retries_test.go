package runner

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

func TestFocusOnChosenSpecsAlone(t *testing.T) {
	focus := regexp.MustCompile(focusOn([]string{"A set (with a name) scales", "DNS answers"}))
	for text, want := range map[string]bool{"A set (with a name) scales": true, "DNS answers": true, "DNS answers twice": false, "The DNS answers": false} {
		if got := focus.MatchString(suiteText + " " + text); got != want {
			t.Errorf("%s: expected %t, found %t", text, want, got)
		}
	}
}

func TestCollectKeepsTheFilesOfBothAttempts(t *testing.T) {
	dir := t.TempDir()
	attempt := filepath.Join(dir, "attempt-2")
	fill(t, dir, map[string]string{"histories/a-00000000.jsonl.gz": "first", "rights/process-1.json": "first"})
	fill(t, attempt, map[string]string{"histories/a-attempt-2-00000001.jsonl.gz": "second", "rights/process-1.json": "second", "failures/a-00000001/pods.yaml": "second"})
	if err := collect(dir, attempt); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"histories/a-00000000.jsonl.gz": "first", "histories/a-attempt-2-00000001.jsonl.gz": "second",
		"rights/process-1.json": "first", "rights/attempt-2-process-1.json": "second", "failures/a-00000001/pods.yaml": "second",
	} {
		if text, err := os.ReadFile(filepath.Join(dir, file)); err != nil || string(text) != want {
			t.Errorf("%s: expected %q, found %q, %v", file, want, text, err)
		}
	}
}
