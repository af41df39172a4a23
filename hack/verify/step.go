package main

import (
	"bytes"
	"context"
	"errors"
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

// notRunError says why a step could not do what it is for, on a machine that lacks what it needs. It is told and fails nothing.
type notRunError struct{ why string }

// Error says why.
func (e notRunError) Error() string { return e.why }

// outcome is what became of a step.
type outcome int

const (
	passed outcome = iota
	failed
	notRun
)

// failedError says which steps failed, after each has told why.
type failedError struct{ names []string }

// Error names the steps.
func (f failedError) Error() string { return "failed: " + strings.Join(f.names, ", ") }

// runSteps runs every step, whatever became of those before it, and ends with one line.
func runSteps(ctx context.Context, out io.Writer, steps []step) error {
	begin := time.Now()
	names := map[outcome][]string{}
	for _, s := range steps {
		became := runStep(ctx, out, s)
		names[became] = append(names[became], s.name)
		if ctx.Err() != nil {
			fmt.Fprintln(out, "== interrupted: what comes after was not checked")
			return failedError{names[failed]}
		}
	}
	took := time.Since(begin).Seconds()
	missed := ""
	if n := len(names[notRun]); n > 0 {
		missed = fmt.Sprintf("; %d NOT RUN: %s", n, strings.Join(names[notRun], ", "))
	}
	if n := len(names[failed]); n > 0 {
		fmt.Fprintf(out, "== %d of %d checks failed in %.1f s: %s%s\n", n, len(steps), took, strings.Join(names[failed], ", "), missed)
		return failedError{names[failed]}
	}
	if missed == "" {
		fmt.Fprintf(out, "== all %d checks passed in %.1f s\n", len(steps), took)
	} else {
		fmt.Fprintf(out, "== %d of %d checks passed in %.1f s%s\n", len(names[passed]), len(steps), took, missed)
	}
	return nil
}

func runStep(ctx context.Context, out io.Writer, s step) outcome {
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
		return passed
	}
	if ctx.Err() != nil {
		fmt.Fprintf(out, ": interrupted after %.1f s\n", took)
		return failed
	}
	if why, is := errors.AsType[notRunError](err); is {
		fmt.Fprintf(out, ": NOT RUN: %v\n", why)
		return notRun
	}
	fmt.Fprintf(out, ": FAILED after %.1f s: %v\n", took, err)
	if buffer.Len() > 0 {
		fmt.Fprintln(out, strings.TrimRight(buffer.String(), "\n"))
	}
	if s.mend != "" {
		fmt.Fprintf(out, "   mend it with: %s\n", s.mend)
	}
	return failed
}
