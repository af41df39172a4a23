package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"testing"
)

func TestRunSteps(t *testing.T) {
	good := step{name: "good", note: "slow at first", run: func(_ context.Context, out io.Writer) error {
		fmt.Fprintln(out, "nobody needs this")
		return nil
	}}
	bad := step{name: "bad", mend: "make good", run: func(_ context.Context, out io.Writer) error {
		fmt.Fprintln(out, "line 7: wrong")
		return errors.New("exit status 1")
	}}
	live := step{name: "live", live: true, run: func(_ context.Context, out io.Writer) error {
		fmt.Fprintln(out, "ok  \tpackage\t0.1s")
		return nil
	}}

	missing := step{name: "missing", run: func(_ context.Context, out io.Writer) error {
		fmt.Fprintln(out, "E: Unable to locate package")
		return notRunError{"there is no browser"}
	}}

	for _, c := range []struct {
		name  string
		steps []step
		fails bool
		want  string
	}{
		{"all pass", []step{good, live}, false, "== good (slow at first): ok, N s\n== live\nok  \tpackage\tNs\n== live: ok, N s\n== all 2 checks passed in N s\n"},
		{
			"every failure is told, and what comes after is checked",
			[]step{bad, good, bad},
			true,
			"== bad: FAILED after N s: exit status 1\nline 7: wrong\n   mend it with: make good\n== good (slow at first): ok, N s\n" +
				"== bad: FAILED after N s: exit status 1\nline 7: wrong\n   mend it with: make good\n== 2 of 3 checks failed in N s: bad, bad\n",
		},
		{
			"what is not run is not called passed",
			[]step{good, missing},
			false,
			"== good (slow at first): ok, N s\n== missing: NOT RUN: there is no browser\n== 1 of 2 checks passed in N s; 1 NOT RUN: missing\n",
		},
		{
			"what is not run hides no failure",
			[]step{missing, bad},
			true,
			"== missing: NOT RUN: there is no browser\n== bad: FAILED after N s: exit status 1\nline 7: wrong\n   mend it with: make good\n" +
				"== 1 of 2 checks failed in N s: bad; 1 NOT RUN: missing\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			err := runSteps(t.Context(), &out, c.steps)
			if got := regexp.MustCompile(`\d+\.\d`).ReplaceAllString(out.String(), "N"); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			if errors.As(err, new(failedError)) != c.fails {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestRunStepsEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	first := step{name: "first", run: func(ctx context.Context, _ io.Writer) error {
		cancel()
		return ctx.Err()
	}}
	second := step{name: "second", run: func(context.Context, io.Writer) error {
		t.Error("the second step was run after an interruption")
		return nil
	}}
	if err := runSteps(ctx, io.Discard, []step{first, second}); !errors.As(err, new(failedError)) {
		t.Errorf("the error is %v, want one that says what failed", err)
	}
}
