package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/nightly"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/preflight"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/cluster"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

func newNightlyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "nightly",
		Short: "Run the suite several times and tell regressions from flakes",
		Long: `Run the suite RUNS times (3) on one kind cluster, each time in another random order, and weigh the runs against each other and
against the nights before. Once a week it tries the planted faults as well.

It ends with 0 if every run was conformant, 1 if something is broken in every run or a planted fault was not caught, 3 if something
could be decided in no run, 4 if things were seen in some runs only, and 2 on wrong use.

Set by environment variables: RUNS, FAULTS (weekly, always, never), TREND (the file that the nights are kept in, one a line), and
those of "e2e"; SEED is that of the first run. The folder nightly of the report folder then holds a report of each run, summary.md
and, unless TREND says otherwise, trend.jsonl.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runNightly(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
}

// night is what a night was asked for.
type night struct {
	asked
	runs   int
	seed   int64
	faults string
	trend  string
}

// readNight returns what was asked and everything that is wrong with it.
func readNight(getenv func(string) string, now time.Time) (night, []preflight.Problem) {
	a, problems := readAsked(getenv, contract.Core, contract.Extended, contract.Disruptive)
	n := night{asked: a, runs: 3, seed: now.Unix(), faults: getenv("FAULTS"), trend: getenv("TREND")}
	wrong := func(format string, args ...any) {
		problems = append(problems, preflight.Problem{Usage: true, Text: fmt.Sprintf(format, args...)})
	}
	if text := getenv("RUNS"); text != "" {
		var err error
		if n.runs, err = strconv.Atoi(text); err != nil || n.runs < 1 {
			wrong("RUNS=%s: expected how often the suite is to run, 1 or more", text)
		}
	}
	if a.seed != "" {
		n.seed, _ = strconv.ParseInt(a.seed, 10, 64) // readAsked has told what is wrong with it
	}
	if n.faults == "" {
		n.faults = "weekly"
	}
	if !slices.Contains([]string{"weekly", "always", "never"}, n.faults) {
		wrong("FAULTS=%s: expected weekly, always or never", n.faults)
	}
	n.reportDir = filepath.Join(a.reportDir, "nightly")
	if n.trend == "" {
		n.trend = filepath.Join(n.reportDir, "trend.jsonl")
	}
	return n, problems
}

func runNightly(ctx context.Context, out, progress io.Writer) error {
	begin := time.Now()
	n, problems := readNight(os.Getenv, begin)
	if len(problems) > 0 {
		return unfit(problems)
	}
	earlier, err := nightly.Load(n.trend)
	if err != nil {
		return wrongUse{fmt.Errorf("TREND: %w", err)}
	}
	if err := n.clear(); err != nil {
		return err
	}
	runs, err := n.repeat(ctx, out, progress)
	if err != nil && ctx.Err() == nil {
		return err
	}
	planted := nightly.NotTried
	if ctx.Err() == nil && (n.faults == "always" || n.faults == "weekly" && nightly.FaultsDue(earlier, begin)) {
		planted = n.plant(ctx, out, progress)
	}
	if ctx.Err() != nil {
		return interruptedNight{n.reportDir, err}
	}
	weighed := nightly.Weigh(runs, earlier, planted)
	entry := weighed.Entry(begin)
	if err := errors.Join(n.summarize(weighed, append(earlier, entry)), nightly.Append(n.trend, entry)); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s\nsummary: %s\n", weighed.Line(), filepath.Join(n.reportDir, report.SummaryFile))
	if code := weighed.Outcome.ExitCode(); code != 0 {
		return nightOutcome{weighed.Outcome, code}
	}
	return nil
}

// nightOutcome ends the process with a night's exit code.
type nightOutcome struct {
	outcome nightly.Outcome
	code    int
}

// Error says what the night came to.
func (o nightOutcome) Error() string {
	return fmt.Sprintf("the night %s (exit code %d)", o.outcome, o.code)
}

// ExitCode is the process's exit code.
func (o nightOutcome) ExitCode() int { return o.code }

// interruptedNight is a night that is not whole, and so is not weighed.
type interruptedNight struct {
	dir string
	err error
}

// Error says where what there is can be found, and what could not be cleaned up.
func (i interruptedNight) Error() string {
	said := "interrupted: a night that is not whole is not weighed; the reports of its runs are in " + i.dir
	if i.err != nil {
		said += "; " + i.err.Error()
	}
	return said
}

// ExitCode is that of a run that decided nothing.
func (interruptedNight) ExitCode() int { return verdict.ExitInconclusive }

// clear removes the runs of an earlier night; the trend stays.
func (n night) clear() error {
	old, err := filepath.Glob(filepath.Join(n.reportDir, "run-*"))
	if err != nil {
		return err
	}
	for _, dir := range old {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return os.MkdirAll(n.reportDir, 0o755)
}

// repeat runs the suite on one cluster, in another order each time.
func (n night) repeat(ctx context.Context, out, progress io.Writer) (_ []nightly.Run, err error) {
	on, err := benchOn(ctx, n.asked, build(ctx), cluster.Options{
		Name: os.Getenv("CLUSTER_NAME"), NodeImage: os.Getenv("NODE_IMAGE"), KubernetesVersion: os.Getenv("K8S_VERSION"),
		Workload: n.images, Keep: n.keep, Progress: progress,
	}, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, on.close(ctx)) }()
	on.out = out
	var runs []nightly.Run
	for i := range n.runs {
		run := nightly.Run{Seed: strconv.FormatInt(n.seed+int64(i), 10), Folder: fmt.Sprintf("run-%d", i+1)}
		fmt.Fprintf(out, "run %d of %d, seed %s\n", i+1, n.runs, run.Seed)
		on.asked.seed = run.Seed
		begin := time.Now()
		judged, err := on.run(ctx, run.Folder)
		if err == nil {
			run.Report, err = report.Load(filepath.Join(n.reportDir, run.Folder))
		}
		if err != nil {
			run.Err = err.Error()
			fmt.Fprintf(out, "run %d of %d: no report: %v\n", i+1, n.runs, err)
		} else if err := report.Console(out, judged, time.Since(begin).Seconds()); err != nil {
			return nil, err
		}
		runs = append(runs, run)
		if ctx.Err() != nil {
			break
		}
	}
	return runs, nil
}

// plant tries the planted faults, on a cluster of their own.
func (n night) plant(ctx context.Context, out, progress io.Writer) nightly.Planted {
	fmt.Fprintln(out, "planted faults")
	// The faults' command is set by the same variables; its cluster and its folder are its own.
	for name, value := range map[string]string{"CLUSTER_NAME": "", "REPORT_DIR": filepath.Join(n.reportDir, "faults"), "LABELS": "", "LEVEL": ""} {
		if err := os.Setenv(name, value); err != nil {
			fmt.Fprintln(out, "planted faults:", err)
			return nightly.Hindered
		}
	}
	err := runFaults(ctx, out, progress)
	switch {
	case err == nil:
		return nightly.Caught
	case errors.As(err, new(uncaughtError)):
		return nightly.Missed
	}
	fmt.Fprintln(out, "planted faults:", err)
	return nightly.Hindered
}

func (n night) summarize(weighed nightly.Night, trend []nightly.Entry) (err error) {
	f, err := os.Create(filepath.Join(n.reportDir, report.SummaryFile))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return weighed.WriteSummary(f, trend)
}
