package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/export"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// Tools that collect results take exit code 1 for a broken guarantee.
func TestResultsThatCannotBeHandedOver(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	broken := verdict.Decide("extended", nil, nil)
	broken.Overall = verdict.NotConformant
	for name, c := range map[string]struct {
		outcome error
		want    int
	}{
		"conformant":     {nil, verdict.ExitInconclusive},
		"not conformant": {runner.Conclude(io.Discard, &broken, 0, 0), verdict.ExitNotConformant},
		"wrong use":      {cli.UsageError{Err: errors.New("no such level")}, verdict.ExitUsage},
		"no verdict":     {runner.OrInconclusive(errors.New("interrupted")), verdict.ExitInconclusive},
	} {
		o := options(map[string]string{"RESULTS_DIR": filepath.Join(file, "below"), "REPORT_DIR": t.TempDir()})
		if code := cli.ExitCode(o.finish(c.outcome)); code != c.want {
			t.Errorf("%s: expected exit code %d, found %d", name, c.want, code)
		}
	}
}

// What is handed over is of this run: the report folder may hold what an earlier one found.
func TestResultsOfARefusalAreItsOwn(t *testing.T) {
	results, dir := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, report.JUnitFile), []byte(`<testsuites tests="1"></testsuites>`), 0o600); err != nil {
		t.Fatal(err)
	}
	o := options(map[string]string{"RESULTS_DIR": results, "REPORT_DIR": dir})
	if code := cli.ExitCode(o.finish(cli.UsageError{Err: errors.New("no such level")})); code != verdict.ExitUsage {
		t.Errorf("expected exit code %d, found %d", verdict.ExitUsage, code)
	}
	text, err := os.ReadFile(filepath.Join(results, export.ResultsJUnit))
	if err != nil || !strings.Contains(string(text), "inconclusive, exit code 2: no such level") {
		t.Errorf("expected why there was no run, found %v and %s", err, text)
	}
	o.opened = true
	if err := o.finish(nil); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(results, export.ResultsJUnit)); err != nil || !strings.Contains(string(text), `<testsuites tests="1">`) {
		t.Errorf("expected the outcome of the run, found %v and %s", err, text)
	}
}

// That a report cannot be judged again says nothing about the cluster.
func TestUnreadableHistoryIsNoBrokenGuarantee(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		runner.SettingsFile:             `{"run": "r", "reportDir": "/r", "namespacePrefix": "sts", "level": "extended", "images": {"nginx": "n", "busybox": "b"}}`,
		"histories/a-0123abcd.jsonl.gz": "no gzip",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := judgeFolder(io.Discard, dir, runconfig.Suite{}); cli.ExitCode(err) != verdict.ExitUsage {
		t.Errorf("expected exit code %d, found %v", verdict.ExitUsage, err)
	}
}
