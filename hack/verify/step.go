package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// step is one check.
type step struct {
	name string
	// note tells what may take long, before it does.
	note string
	// live steps are watched while they run; what others print is shown only if they fail.
	live bool
	// mend is the command that puts right what the step found, if there is one.
	mend string
	run  func(ctx context.Context, out io.Writer) error
}

// failedError says which steps failed, after each has told why.
type failedError struct{ names []string }

// Error names the steps.
func (f failedError) Error() string { return "failed: " + strings.Join(f.names, ", ") }

// runSteps runs every step, whatever became of those before it, and ends with one line.
func runSteps(ctx context.Context, out io.Writer, steps []step) error {
	begin := time.Now()
	var failed []string
	for _, s := range steps {
		if !runStep(ctx, out, s) {
			failed = append(failed, s.name)
		}
		if ctx.Err() != nil {
			fmt.Fprintln(out, "== interrupted: what comes after was not checked")
			return failedError{failed}
		}
	}
	took := time.Since(begin).Seconds()
	if len(failed) > 0 {
		fmt.Fprintf(out, "== %d of %d checks failed in %.1f s: %s\n", len(failed), len(steps), took, strings.Join(failed, ", "))
		return failedError{failed}
	}
	fmt.Fprintf(out, "== all %d checks passed in %.1f s\n", len(steps), took)
	return nil
}

func runStep(ctx context.Context, out io.Writer, s step) bool {
	fmt.Fprintf(out, "== %s", s.name)
	if s.note != "" {
		fmt.Fprintf(out, " (%s)", s.note)
	}
	var buffer bytes.Buffer
	to := io.Writer(&buffer)
	if s.live {
		fmt.Fprintln(out)
		to = out
	}
	begin := time.Now()
	err := s.run(ctx, to)
	took := time.Since(begin).Seconds()
	if s.live {
		fmt.Fprintf(out, "== %s", s.name)
	}
	if err == nil {
		fmt.Fprintf(out, ": ok, %.1f s\n", took)
		return true
	}
	if ctx.Err() != nil {
		fmt.Fprintf(out, ": interrupted after %.1f s\n", took)
		return false
	}
	fmt.Fprintf(out, ": FAILED after %.1f s: %v\n", took, err)
	if buffer.Len() > 0 {
		fmt.Fprintln(out, strings.TrimRight(buffer.String(), "\n"))
	}
	if s.mend != "" {
		fmt.Fprintf(out, "   mend it with: %s\n", s.mend)
	}
	return false
}
