package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/onsi/ginkgo/v2/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/apiclient"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/figures"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/preflight"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/version"
)

// SettingsFile is where a run's settings are kept, below the report folder.
const SettingsFile = "settings.json"

// Identity says which suite this program carries, by its version and its own digest.
func Identity(ctx context.Context) (runconfig.Suite, error) {
	self, err := os.Executable()
	if err != nil {
		return runconfig.Suite{}, err
	}
	return report.IdentityOf(self, version.OfSuite(ctx, "."))
}

// SameSuite reports whether two programs carry the same suite: the same binary, or built from the same commit.
func SameSuite(a, b runconfig.Suite) bool {
	if a.Digest != "" && a.Digest == b.Digest {
		return true
	}
	return a.Version == b.Version && a.Version != "" && a.Version != version.Unknown && !strings.HasSuffix(a.Version, version.Dirty)
}

// RESTConfig returns how this process reaches the cluster; the rights that its requests use are recorded.
func (o *Options) RESTConfig(s runconfig.Settings) (*rest.Config, error) {
	config, err := s.RESTConfig()
	if err != nil {
		return nil, err
	}
	config.Wrap(o.used.Record(config.Host))
	return config, nil
}

// Preflight checks whether the cluster can be judged.
func (o *Options) Preflight(ctx context.Context, s runconfig.Settings, progress io.Writer) (preflight.Findings, error) {
	config, err := o.RESTConfig(s)
	if err != nil {
		return preflight.Findings{}, err
	}
	config.QPS = -1 // some dozen requests at once are no load
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

// Execute runs the specs with these settings, judges what they recorded and saves the report; progress is printed to out. The report folder
// must be empty: see OpenReport.
func (o *Options) Execute(ctx context.Context, s runconfig.Settings, out io.Writer) (*verdict.Run, error) {
	begin := time.Now()
	if err := s.Published().Save(filepath.Join(o.ReportDir, SettingsFile)); err != nil {
		return nil, err
	}
	if _, err := o.savePartial(s, begin); err != nil {
		return nil, err
	}
	found := make(chan struct{}, 1)
	stop := o.keepSaving(context.WithoutCancel(ctx), s, begin, found)
	var err error
	if !o.Exploration.Only {
		err = o.runSpecs(ctx, s, out, func() {
			select {
			case found <- struct{}{}:
			default: // it is about to be saved
			}
		})
		if err == nil {
			err = o.repeatDisturbed(ctx, s, begin, out)
		}
	}
	if err == nil && ctx.Err() == nil && o.Exploration.wanted() {
		err = o.exploreRandomly(ctx, s, begin, out)
	}
	stop()
	if err != nil {
		return nil, err
	}
	run, err := Judge(o.ReportDir, s, begin)
	if err != nil {
		return nil, err
	}
	result, err := report.New(o.ReportDir, &run, s, begin, time.Since(begin))
	if err != nil {
		return nil, err
	}
	if err := errors.Join(o.used.Save(o.ReportDir, "preflight"), showScale(o.ReportDir, out)); err != nil {
		return nil, err
	}
	return &run, errors.Join(result.Save(o.ReportDir), report.SaveFiles(o.ReportDir, result))
}

// Judge judges the histories of a report folder, of a run with these settings that began then. A guarantee of the run's level that no spec was selected for
// makes a run partial only if the person narrowed it.
func Judge(dir string, s runconfig.Settings, started time.Time) (verdict.Run, error) {
	run, err := judgeFolder(dir, s)
	run.Started, run.ServerVersion = started, s.Facts.KubernetesVersion
	run.Objectives, run.Known = figures.Hold(s.Objectives, run.Figures()), run.KnownIssues(s.KnownIssues)
	return run, err
}

func judgeFolder(dir string, s runconfig.Settings) (verdict.Run, error) {
	run, err := verdict.JudgeFolder(dir, s.Level)
	if err != nil || !run.Partial || s.Focus != "" || s.Labels != "" {
		return run, err
	}
	run.Partial = run.HeldInPart()
	for _, row := range run.Rows {
		if row.Verdict == verdict.NotSelected && s.Level.Includes(row.Level) {
			run.AddTrouble(fmt.Sprintf("%s was not checked, although neither FOCUS nor LABELS left it out", row.ID))
		}
	}
	return run, nil
}

// PrintUnused names the rights that nothing in a whole run used: one that stays unused from run to run is granted in vain.
func PrintUnused(reportDir string, s runconfig.Settings, out io.Writer) error {
	used, err := apiclient.LoadUsage(reportDir)
	if err != nil {
		return err
	}
	for _, r := range apiclient.Unused(s.Rights(), used) {
		fmt.Fprintf(out, "note: rights: nothing in this run used %s of %s (%s)\n", strings.Join(r.Verbs, ", "), r.Name(), r.Why)
	}
	return nil
}

// saveEvery is how often a run saves a report of the specs that have ended.
const saveEvery = 15 * time.Second

// keepSaving saves a report of the specs that have ended again and again until stop is called, which waits for the last of it; and with its page, once
// something was found broken.
func (o *Options) keepSaving(ctx context.Context, s runconfig.Settings, begin time.Time, broken <-chan struct{}) (stop func()) {
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
			// The run itself will report what keeps it from saving its report.
			case <-ticker.C:
				_, _ = o.savePartial(s, begin)
			case <-broken:
				if result, err := o.savePartial(s, begin); err == nil {
					_ = report.SaveFiles(o.ReportDir, result)
				}
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// notEnded is the trouble of a report that savePartial wrote.
const notEnded = "the run had not ended when this was written"

// Interrupted reports whether a run did not come to its end, by whatever cause: a failure may end it too. It takes the saved report, and what
// its folder was judged to hold.
func Interrupted(saved *report.Conformance, judged *verdict.Run) bool {
	return slices.Contains(saved.Troubles, notEnded) ||
		slices.ContainsFunc(judged.Specs, func(s verdict.Spec) bool { return s.State == types.SpecStateInterrupted.String() })
}

// savePartial saves a report of the specs that have ended, which says that the run has not: it stays if the run is killed.
func (o *Options) savePartial(s runconfig.Settings, begin time.Time) (*report.Conformance, error) {
	run, err := verdict.JudgeFolder(o.ReportDir, o.Level)
	if err != nil {
		run = verdict.Decide(o.Level, nil, nil) // no spec has ended yet
	}
	run.AddTrouble(notEnded)
	result, err := report.New(o.ReportDir, &run, s, begin, time.Since(begin))
	if err != nil {
		return nil, err
	}
	return result, errors.Join(result.Save(o.ReportDir), report.SaveJUnit(o.ReportDir, result))
}

// NotJudged leaves a JUnit report in the report folder, which this process has opened, of a run with these settings that came to no verdict for an error, and
// returns the error: a CI system shows why.
func (o *Options) NotJudged(s runconfig.Settings, began time.Time, err error) error {
	return errors.Join(err, report.SaveNotJudged(o.ReportDir, began, cli.ExitCode(OrInconclusive(err)), s.Scrub(err.Error())))
}
