package runner

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/preflight"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// Conclude prints the verdicts of a run, with how long its specs and the whole command took, and returns them as an error with the exit code, or nil if the
// cluster is conformant.
func Conclude(out io.Writer, run *verdict.Run, specs, all time.Duration) error {
	if err := report.Console(out, run, specs, all); err != nil {
		return err
	}
	if code := run.ExitCode(); code != verdict.ExitConformant {
		return cli.ExitError{Err: fmt.Errorf("the cluster was found %s (exit code %d)", run.Overall, code), Code: code}
	}
	return nil
}

// OrInconclusive gives an error without an exit code of its own, which kept a run from its verdict, that of an inconclusive run: it says nothing about
// the cluster, so the process must not end as after a broken guarantee.
func OrInconclusive(err error) error {
	if err == nil || errors.As(err, new(cli.ExitError)) || errors.As(err, new(cli.UsageError)) {
		return err
	}
	return cli.ExitError{Err: err, Code: verdict.ExitInconclusive}
}

// PreflightError turns preflight's problems into one error, which lists them one a line, with the exit code that fits the worst.
func PreflightError(problems []preflight.Problem) error {
	code := verdict.ExitUsage
	lines := make([]string, 0, len(problems))
	for _, p := range problems {
		if !p.Usage {
			code = verdict.ExitInconclusive
		}
		lines = append(lines, p.Text)
	}
	if len(lines) > 1 {
		lines[0] = fmt.Sprintf("%d problems\n%s", len(lines), lines[0])
	}
	return cli.ExitError{Err: errors.New(strings.Join(lines, "\n")), Code: code}
}
