package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
)

func TestCleanRemovesOnlyWhatIsKnown(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("DOCKER_HOST", "")
	t.Setenv("PATH", t.TempDir()) // without an engine
	cache, err := engine.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"clusters", "lint", "node-image", "changed", "notes"} {
		if err := os.MkdirAll(filepath.Join(cache, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	if err := cleanMachine(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(cache)
	if err != nil || len(left) != 1 || !strings.Contains(out.String(), "notes in it is not this project's") {
		t.Errorf("expected a folder of other origin to stay, found %v, %v: %s", left, err, out.String())
	}
	if err := os.Remove(filepath.Join(cache, "notes")); err != nil {
		t.Fatal(err)
	}
	if err := cleanMachine(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(cache); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("expected the cache folder to go, found %v", err)
	}
}

func TestRunsThatBeginTogetherHaveNamesOfTheirOwn(t *testing.T) {
	if first, second := runName("n"), runName("n"); first == second {
		t.Errorf("expected two names, found %s twice", first)
	}
}
