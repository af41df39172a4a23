package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/nightly"
)

func TestNewNightlyRun(t *testing.T) {
	now := time.Unix(1234, 0)
	dir := t.TempDir()
	read := func(set ...string) (nightlyRun, string) {
		values := map[string]string{"REPORT_DIR": dir}
		for _, s := range set {
			name, value, _ := strings.Cut(s, "=")
			values[name] = value
		}
		var o nightlyOptions
		o.addFlags(cli.NewFlags(pflag.NewFlagSet("nightly", pflag.ContinueOnError), func(name string) string { return values[name] }))
		n, problems := newNightlyRun(o, now)
		var said []string
		for _, p := range problems {
			said = append(said, p.Text)
		}
		return n, strings.Join(said, "; ")
	}
	if n, said := read(); said != "" || n.count != 3 || n.firstSeed != 1234 || n.faults != "weekly" || n.trend != filepath.Join(dir, "nightly", "trend.jsonl") {
		t.Errorf("expected three runs, a seed of now, faults once a week, found %+v, %s", n, said)
	}
	if n, said := read("RUNS=7", "SEED=-5", "FAULTS=never", "TREND=kept/trend.jsonl"); said != "" || n.count != 7 || n.firstSeed != -5 || n.faults != "never" || n.trend != "kept/trend.jsonl" {
		t.Errorf("expected what was asked, found %+v, %s", n, said)
	}
	for _, wrong := range []string{"RUNS=0", "RUNS=-1", "RUNS=two", "FAULTS=daily", "SEED=x", "LEVEL=nice"} {
		if _, said := read(wrong); !strings.HasPrefix(said, wrong+": expected ") {
			t.Errorf("%s: expected to be told what is wrong, found %q", wrong, said)
		}
	}
}

func TestANightlyRunLeavesTheTrendAndNoOldRun(t *testing.T) {
	var n nightlyRun
	n.ReportDir = t.TempDir()
	for _, path := range []string{"run-1/conformance.yaml", "run-12/conformance.yaml", "run-home/kept", "trend.jsonl", "mine/kept"} {
		file := filepath.Join(n.ReportDir, path)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("apiVersion: statefulset-conformance.hero-academy.github.io/v2\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.clear(); err != nil {
		t.Fatal(err)
	}
	for path, stays := range map[string]bool{"run-1": false, "run-12": false, "run-home/kept": true, "trend.jsonl": true, "mine/kept": true} {
		if _, err := os.Stat(filepath.Join(n.ReportDir, path)); (err == nil) != stays {
			t.Errorf("%s: expected to stay: %t, found %v", path, stays, err)
		}
	}
}

func TestExitCodesOfNights(t *testing.T) {
	program := exec.CommandContext(t.Context(), "sh", "-c", "exit 3").Run()
	for name, tt := range map[string]struct {
		err  error
		want int
	}{
		"every run was conformant":        {nightlyError(nightly.Conformant), 0},
		"flakes":                          {nightlyError(nightly.Flaky), 4},
		"a regression":                    {fmt.Errorf("nightly: %w", nightlyError(nightly.Regressed)), 1},
		"interrupted":                     {interruptedError("report", errors.New("the cluster is still there")), 3},
		"interrupted, wrong use":          {interruptedError("report", cli.UsageError{Err: errors.New("no such level")}), 3},
		"a program that it started fails": {fmt.Errorf("compiling the suite: %w", program), cli.ExitFailed},
	} {
		if got := cli.ExitCode(tt.err); got != tt.want {
			t.Errorf("%s: expected exit code %d, found %d", name, tt.want, got)
		}
	}
}
