package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner"
)

func TestE2ERejects(t *testing.T) {
	for variable, value := range map[string]string{"EXPLORE": "soon", "LEVEL": "all", "PROCS": "0", "SEED": "x", "FOCUS": "(", "LABELS": "&&", "LIMITS": "pod-ready=soon", "REPORT_DIR": "/proc/self/report"} {
		var o e2eOptions
		o.addFlags(cli.NewFlags(pflag.NewFlagSet("e2e", pflag.ContinueOnError), func(k string) string { return map[string]string{variable: value}[k] }))
		err := runner.OrInconclusive(runE2E(t.Context(), &o, io.Discard, io.Discard))
		if err == nil || cli.ExitCode(err) != cli.ExitUsage || !strings.HasPrefix(err.Error(), variable) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s=%s: expected exit code %d and one line, found: %v", variable, value, cli.ExitUsage, err)
		}
	}
}

// A run that gets no cluster leaves a JUnit report that says why.
func TestE2EWithoutACluster(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("DOCKER_HOST", "tcp://192.0.2.1:2375")
	dir := filepath.Join(t.TempDir(), "report")
	var o e2eOptions
	o.addFlags(cli.NewFlags(pflag.NewFlagSet("e2e", pflag.ContinueOnError), func(k string) string { return map[string]string{"REPORT_DIR": dir}[k] }))
	if err := runE2E(t.Context(), &o, io.Discard, io.Discard); err == nil {
		t.Fatal("expected an engine on another machine to be refused, found no error")
	}
	text, err := os.ReadFile(filepath.Join(dir, report.JUnitFile))
	if err != nil || !strings.Contains(string(text), "inconclusive, exit code 3: DOCKER_HOST=") {
		t.Errorf("expected the reason, found %v and %s", err, text)
	}
}
