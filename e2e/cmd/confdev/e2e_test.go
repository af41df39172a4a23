package main

import (
	"io"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
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
