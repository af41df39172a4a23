package export

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestResultsForSonobuoy(t *testing.T) {
	report := t.TempDir()
	log, junit := filepath.Join(report, "ginkgo.log"), filepath.Join(report, "junit.xml")
	for file, text := range map[string]string{log: "Running Suite\n", junit: "<testsuites/>"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(t.TempDir(), "results")
	if err := errors.Join(Results(dir, log, junit, errors.New("the cluster was found inconclusive")), Done(dir)); err != nil {
		t.Fatal(err)
	}
	done, err := os.ReadFile(filepath.Join(dir, "done"))
	if err != nil || string(done) != filepath.Join(dir, "results.tar.gz") {
		t.Fatalf("expected done to name the archive, found %q, %v", done, err)
	}
	packed, err := os.ReadFile(string(done))
	if err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	if err := unpack(packed, to); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{ResultsLog: "Running Suite\nthe cluster was found inconclusive\n", ResultsJUnit: "<testsuites/>"} {
		if got, err := os.ReadFile(filepath.Join(to, name)); err != nil || string(got) != want {
			t.Errorf("%s: expected %q, found %q, %v", name, want, got, err)
		}
	}
}

func TestResultsOfARunWithoutSpecs(t *testing.T) {
	dir, none := t.TempDir(), filepath.Join(t.TempDir(), "none")
	if err := errors.Join(Results(dir, none, none, errors.New("rights: expected more of them")), Done(dir)); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, ResultsLog)); err != nil || !strings.HasPrefix(string(text), "rights: ") {
		t.Errorf("expected the log to say why, found %q, %v", text, err)
	}
	if _, err := os.Stat(filepath.Join(dir, ResultsJUnit)); err == nil {
		t.Error("expected no outcome of specs that did not run")
	}
	if _, err := os.Stat(filepath.Join(dir, "done")); err != nil {
		t.Errorf("expected Sonobuoy to be told, found %v", err)
	}
}
