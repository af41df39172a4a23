package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
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

// That a report cannot be judged again says nothing about the cluster.
func TestUnreadableHistoryIsNoBrokenGuarantee(t *testing.T) {
	report := t.TempDir()
	for name, text := range map[string]string{
		runner.SettingsFile:             `{"run": "r", "reportDir": "/r", "namespacePrefix": "sts", "level": "extended", "images": {"nginx": "n", "busybox": "b"}}`,
		"histories/a-0123abcd.jsonl.gz": "no gzip",
	} {
		path := filepath.Join(report, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := judgeFolder(io.Discard, report, runconfig.Suite{}); cli.ExitCode(err) != verdict.ExitUsage {
		t.Errorf("expected exit code %d, found %v", verdict.ExitUsage, err)
	}
}
