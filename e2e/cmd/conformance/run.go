package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/apiclient"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/preflight"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/rbac"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner/progress"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// conclude prints the verdicts and turns them into the exit code.
func conclude(out io.Writer, run *verdict.Run, took time.Duration) error {
	if err := report.Console(out, run, took.Seconds()); err != nil {
		return err
	}
	if code := run.ExitCode(); code != verdict.ExitConformant {
		return outcome{overall: run.Overall, code: code}
	}
	return nil
}

// outcome ends the process with a run's exit code.
type outcome struct {
	overall verdict.Overall
	code    int
}

func (o outcome) Error() string {
	return fmt.Sprintf("the cluster was found %s (exit code %d)", o.overall, o.code)
}

// ExitCode is the process's exit code.
func (o outcome) ExitCode() int { return o.code }

// judgedOr returns what ended a run. An error that kept it from its verdict says nothing of the cluster, so it must not end the process
// as a broken guarantee does.
func judgedOr(err error) error {
	if err == nil || errors.As(err, new(outcome)) || exitCode(err) != exitFailed {
		return err
	}
	return unjudged{err}
}

// unjudged is an error that kept a run from its verdict.
type unjudged struct{ error }

func (u unjudged) Unwrap() error { return u.error }

// ExitCode is the process's exit code.
func (unjudged) ExitCode() int { return verdict.ExitInconclusive }

// settingsFile is where a run's settings are kept, below the report folder.
const settingsFile = "settings.json"

// ask asks whether the cluster can be judged.
func ask(ctx context.Context, a asked, s runconfig.Settings, progress io.Writer) (preflight.Findings, error) {
	config, err := s.RESTConfig()
	if err != nil {
		return preflight.Findings{}, err
	}
	config.QPS = -1 // some dozen questions at once are no load
	config.Wrap(a.used.Record(config.Host))
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return preflight.Findings{}, err
	}
	found := preflight.Check(ctx, client, s)
	for _, note := range found.Notes {
		fmt.Fprintln(progress, "note:", note)
	}
	return found, nil
}

// execute runs the specs and weighs what they recorded.
func execute(ctx context.Context, b suiteBinaries, a asked, s runconfig.Settings, out io.Writer) (*verdict.Run, error) {
	begin := time.Now()
	file := filepath.Join(a.reportDir, settingsFile)
	if err := s.Save(file); err != nil {
		return nil, err
	}
	if err := saveSoFar(a, s, begin); err != nil {
		return nil, err
	}
	stop := keepSaving(context.WithoutCancel(ctx), a, s, begin)
	err := runGinkgo(ctx, b, a, file, out)
	stop()
	if err != nil {
		return nil, err
	}
	run, err := verdict.JudgeFolder(a.reportDir, a.level)
	if err != nil {
		return nil, err
	}
	result, err := report.New(a.reportDir, &run, s, begin, time.Since(begin))
	if err != nil {
		return nil, err
	}
	if err := a.used.Save(a.reportDir, "preflight"); err != nil {
		return nil, err
	}
	return &run, errors.Join(result.Save(a.reportDir), report.SaveFiles(a.reportDir, result))
}

// tellUnused names the rights that nothing in a whole run made use of: one that stays so from run to run is granted in vain.
func tellUnused(reportDir string, s runconfig.Settings, out io.Writer) error {
	used, err := apiclient.LoadUsage(reportDir)
	if err != nil {
		return err
	}
	for _, r := range apiclient.Unused(rbac.For(len(s.Namespaces) > 0, false), used) {
		fmt.Fprintf(out, "note: rights: nothing in this run used %s of %s (%s)\n", strings.Join(r.Verbs, ", "), r.Name(), r.Why)
	}
	return nil
}

// emptyReport makes the report folder, without what an earlier run left in it. It removes nothing else: a folder that holds
// other things stays as it is.
func emptyReport(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return wrongUse{fmt.Errorf("REPORT_DIR: %w", err)}
	}
	left := []string{
		"histories", "failures", verdict.SpecsFile, settingsFile, report.File, report.SchemaFile, report.PageFile, report.SummaryFile,
		progress.File, ginkgoLog, report.JUnitFile, report.GinkgoFile, apiclient.UsageFolder,
	}
	for _, name := range left {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return wrongUse{fmt.Errorf("REPORT_DIR: %w", err)}
		}
	}
	return nil
}

// saveEvery is how often a run saves what it has found so far.
const saveEvery = 15 * time.Second

// keepSaving saves what has been found so far again and again until stop is called, which waits for the last of it.
func keepSaving(ctx context.Context, a asked, s runconfig.Settings, begin time.Time) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(saveEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				// The run itself will say what keeps it from saving its report.
				_ = saveSoFar(a, s, begin)
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// saveSoFar writes a report of the specs that have ended, which says that the run has not: should the run be killed, it stays.
func saveSoFar(a asked, s runconfig.Settings, begin time.Time) error {
	run, err := verdict.JudgeFolder(a.reportDir, a.level)
	if err != nil {
		run = verdict.Decide(a.level, nil, nil) // no spec has ended yet
	}
	run.AddTrouble("the run had not ended when this was written")
	result, err := report.New(a.reportDir, &run, s, begin, time.Since(begin))
	if err != nil {
		return err
	}
	return result.Save(a.reportDir)
}
