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
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/nightly"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/preflight"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/cluster"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

func newNightlyCommand() *cobra.Command {
	var o nightlyOptions
	command := &cobra.Command{
		Use:   "nightly",
		Short: "Run the suite several times and distinguish regressions from flakes",
		Long: `Run the suite RUNS times (3) on one kind cluster, each time in another random order, and compare the runs with each other and
with earlier nightly runs. Once a week it tries the planted faults as well.

It ends with 0 if every run was conformant, 1 if something is broken in every run or a planted fault was not caught, 3 if something
could be decided in no run, 4 if things were seen in some runs only, and 2 on wrong use.

With EXPLORE each run goes on with random acts for that time, of other seeds each night; what they tried adds up in explored.json beside the
trend.

SEED is that of the first run. The folder nightly of the report folder then holds a report of each run, summary.md
and, unless TREND says otherwise, trend.jsonl.`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runNightly(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	o.addFlags(flagsOf(command))
	return command
}

// nightlyOptions are the options of nightly.
type nightlyOptions struct {
	e2eOptions
	runs   string
	faults string
	trend  string
}

func (o *nightlyOptions) addFlags(f cli.Flags) {
	o.e2eOptions.addFlags(f)
	f.String(&o.runs, "RUNS", "3", "`number` of runs of the suite")
	f.String(&o.faults, "FAULTS", "weekly", "`when` to try the planted faults: weekly, always or never")
	f.String(&o.trend, "TREND", "", "`file` that keeps a line for each nightly run (default: trend.jsonl beside the reports)")
}

// nightlyRun is a nightly run: several runs of the suite, and perhaps the planted faults.
type nightlyRun struct {
	nightlyOptions
	count     int
	firstSeed int64
}

// newNightlyRun completes the options and returns everything that is wrong with them.
func newNightlyRun(o nightlyOptions, now time.Time) (nightlyRun, []preflight.Problem) {
	n := nightlyRun{nightlyOptions: o, firstSeed: now.Unix()}
	problems := n.Validate(contract.Levels()...)
	wrong := func(format string, args ...any) {
		problems = append(problems, preflight.Problem{Usage: true, Text: fmt.Sprintf(format, args...)})
	}
	var err error
	if n.count, err = strconv.Atoi(n.runs); err != nil || n.count < 1 {
		wrong("RUNS=%s: expected how often the suite is to run, 1 or more", n.runs)
	}
	if n.Seed != "" {
		n.firstSeed, _ = strconv.ParseInt(n.Seed, 10, 64) // Validate has reported what is wrong with it
	}
	if !slices.Contains([]string{"weekly", "always", "never"}, n.faults) {
		wrong("FAULTS=%s: expected weekly, always or never", n.faults)
	}
	n.ReportDir = filepath.Join(n.ReportDir, "nightly")
	if n.trend == "" {
		n.trend = filepath.Join(n.ReportDir, "trend.jsonl")
	}
	if n.Exploration.Coverage == "" {
		n.Exploration.Coverage = filepath.Join(n.ReportDir, "explored.json")
	}
	return n, problems
}

func runNightly(ctx context.Context, o nightlyOptions, out, progress io.Writer) error {
	begin := time.Now()
	n, problems := newNightlyRun(o, begin)
	if len(problems) > 0 {
		return runner.PreflightError(problems)
	}
	earlier, err := nightly.Load(n.trend)
	if err != nil {
		return cli.UsageError{Err: fmt.Errorf("TREND: %w", err)}
	}
	folder, err := runner.OpenReport(n.ReportDir)
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }()
	if err := n.clear(); err != nil {
		return err
	}
	runs, err := n.repeat(ctx, out, progress)
	if err != nil && ctx.Err() == nil {
		return err
	}
	planted := nightly.FaultsNotRun
	if ctx.Err() == nil && (n.faults == "always" || n.faults == "weekly" && nightly.FaultsDue(earlier, begin)) {
		planted = n.plant(ctx, out, progress)
	}
	if ctx.Err() != nil {
		return interruptedError(n.ReportDir, err)
	}
	result := nightly.Compare(runs, earlier, planted)
	entry := result.Entry(begin)
	if err := errors.Join(n.summarize(result, append(earlier, entry)), nightly.Append(n.trend, entry)); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s\nsummary: %s\n", result.Line(), filepath.Join(n.ReportDir, report.SummaryFile))
	return nightlyError(result.Outcome)
}

// nightlyError returns the outcome of a nightly run as an error, nil for a conformant one.
func nightlyError(outcome nightly.Outcome) error {
	code := outcome.ExitCode()
	if code == verdict.ExitConformant {
		return nil
	}
	return cli.ExitError{Err: fmt.Errorf("the nightly run %s (exit code %d)", outcome, code), Code: code}
}

// interruptedError returns the error of a nightly run that is not whole, and so has no outcome: it says in which folder its reports are, and what could
// not be cleaned up, nil if all was. Its exit code is that of a run that decided nothing, whatever came of the clean-up.
func interruptedError(dir string, left error) error {
	said := "interrupted: a nightly run that is not whole has no outcome; the reports of its runs are in " + dir
	if left != nil {
		said += "; " + left.Error()
	}
	return cli.ExitError{Err: errors.New(said), Code: verdict.ExitInconclusive}
}

// clear removes the runs of an earlier nightly run; the trend stays.
func (n nightlyRun) clear() error {
	entries, err := os.ReadDir(n.ReportDir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		dir := filepath.Join(n.ReportDir, e.Name())
		if !strings.HasPrefix(e.Name(), "run-") || !e.IsDir() || !runner.IsReport(dir) {
			continue
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// repeat runs the suite on one cluster, in another order each time.
func (n nightlyRun) repeat(ctx context.Context, out, progress io.Writer) (_ []nightly.Run, err error) {
	on, err := newDevCluster(ctx, n.Options, cluster.Options{
		Name: n.clusterName, NodeImage: n.images.nodeImage, KubernetesVersion: n.images.kubernetesVersion,
		Workload: n.Images, Keep: n.keep, Exclusive: n.Level == contract.Disruptive, Progress: progress,
	}, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, on.close(ctx)) }()
	on.out = out
	var runs []nightly.Run
	for i := range n.count {
		run := nightly.Run{Seed: strconv.FormatInt(n.firstSeed+int64(i), 10), Folder: fmt.Sprintf("run-%d", i+1)}
		fmt.Fprintf(out, "run %d of %d, seed %s\n", i+1, n.count, run.Seed)
		on.options.Seed = run.Seed
		begin := time.Now()
		judged, err := on.run(ctx, run.Folder)
		took := time.Since(begin)
		if err == nil {
			run.Report, err = report.Load(filepath.Join(n.ReportDir, run.Folder))
		}
		if err != nil {
			run.Err = err.Error()
			fmt.Fprintf(out, "run %d of %d: no report: %v\n", i+1, n.count, err)
		} else if err := report.Console(out, judged, took, took); err != nil {
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
func (n nightlyRun) plant(ctx context.Context, out, progress io.Writer) nightly.FaultsOutcome {
	fmt.Fprintln(out, "planted faults")
	// All faults, on clusters and in a folder of their own; each fault chooses the specs and its cluster the level.
	o := faultsOptions{trialOptions: n.trialOptions}
	o.by, o.clusterName, o.ReportDir = bySpecs, "", filepath.Join(n.ReportDir, "faults")
	o.SetLevel(contract.Extended)
	err := runFaults(ctx, o, out, progress)
	switch {
	case err == nil:
		return nightly.FaultsCaught
	case errors.As(err, new(uncaughtError)):
		return nightly.FaultsMissed
	}
	fmt.Fprintln(out, "planted faults:", err)
	return nightly.FaultsInconclusive
}

func (n nightlyRun) summarize(result nightly.Result, trend []nightly.Entry) error {
	return reportdir.Write(n.ReportDir, report.SummaryFile, func(w io.Writer) error { return result.WriteSummary(w, trend) })
}
