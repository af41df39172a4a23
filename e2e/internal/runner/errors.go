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
		return outcomeError{overall: run.Overall, code: code}
	}
	return nil
}

// outcomeError is the verdict on a cluster that is not found conformant.
type outcomeError struct {
	overall verdict.Overall
	code    int
}

// Error is the verdict.
func (o outcomeError) Error() string {
	return fmt.Sprintf("the cluster was found %s (exit code %d)", o.overall, o.code)
}

// ExitCode is the process's exit code.
func (o outcomeError) ExitCode() int { return o.code }

// OrInconclusive gives an error that kept a run from its verdict the exit code of an inconclusive run: it says nothing about the cluster,
// so the process must not end as after a broken guarantee.
func OrInconclusive(err error) error {
	if err == nil || errors.As(err, new(outcomeError)) || cli.ExitCode(err) != cli.ExitFailed {
		return err
	}
	return inconclusiveError{err}
}

type inconclusiveError struct{ error }

func (i inconclusiveError) Unwrap() error { return i.error }

// ExitCode is the process's exit code.
func (inconclusiveError) ExitCode() int { return verdict.ExitInconclusive }

// PreflightError turns preflight's problems into one error, with the exit code that fits the worst.
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
	return preflightError{text: strings.Join(lines, "\n"), code: code}
}

type preflightError struct {
	text string
	code int
}

// Error lists the problems, one a line.
func (e preflightError) Error() string { return e.text }

// ExitCode is the process's exit code.
func (e preflightError) ExitCode() int { return e.code }
