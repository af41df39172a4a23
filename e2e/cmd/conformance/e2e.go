package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/kubernetes"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cluster"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/guarantee"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/limits"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/preflight"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/progress"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/settings"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
	"github.com/hero-academy/statefulset-conformance/hack/nodeimage"
)

// asked is what a person asked of a run, from the environment: that is how make hands its variables on.
type asked struct {
	focus, labels, procs, seed string
	level                      guarantee.Level
	reportDir                  string
	storageClass               string
	limits                     limits.Limits
	images                     nodeimage.Workload
	keep                       bool
}

func readAsked() (asked, error) {
	a := asked{
		focus: os.Getenv("FOCUS"), labels: os.Getenv("LABELS"), procs: os.Getenv("PROCS"), seed: os.Getenv("SEED"),
		level: guarantee.Level(os.Getenv("LEVEL")), storageClass: os.Getenv("STORAGE_CLASS"),
		images: nodeimage.Workload{Nginx: os.Getenv("NGINX_IMAGE"), Busybox: os.Getenv("BUSYBOX_IMAGE")},
		keep:   os.Getenv("KEEP_CLUSTER") == "1",
	}
	var err error
	if a.limits, err = limits.Default().Override(os.Getenv("LIMITS")); err != nil {
		return asked{}, wrongUse{fmt.Errorf("LIMITS: %w", err)}
	}
	switch a.level {
	case "":
		a.level = guarantee.Extended
	case guarantee.Core, guarantee.Extended, guarantee.Disruptive:
	default:
		return asked{}, wrongUse{fmt.Errorf("LEVEL=%s: expected %s, %s or %s", a.level, guarantee.Core, guarantee.Extended, guarantee.Disruptive)}
	}
	dir := os.Getenv("REPORT_DIR")
	if dir == "" {
		dir = "report"
	}
	if a.reportDir, err = filepath.Abs(dir); err != nil {
		return asked{}, wrongUse{err}
	}
	return a, nil
}

func newE2ECommand() *cobra.Command {
	return &cobra.Command{
		Use:   "e2e",
		Short: "Run the suite on the kept cluster, or on one that is made for it and removed again",
		Long: `Run the suite on the cluster that "cluster up" keeps, or on one that is made for it and removed again.

Set by environment variables: FOCUS (a regular expression on the text of specs), LABELS (a Ginkgo label filter; a guarantee's
label is its ID with a dot for the slash, such as ordering.create), LEVEL (core, extended, disruptive), PROCS, SEED, REPORT_DIR,
STORAGE_CLASS, LIMITS (name=duration, ...), KEEP_CLUSTER=1 (a cluster made for the run stays if it fails), and those of
"cluster up".`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runE2E(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
}

func runE2E(ctx context.Context, out, progress io.Writer) error {
	begin := time.Now()
	a, err := readAsked()
	if err != nil {
		return err
	}
	if err := emptyReport(a.reportDir); err != nil {
		return err
	}
	// The suite compiles while the cluster comes up; neither needs the other.
	suite := build(ctx)
	up, err := cluster.Up(ctx, cluster.Options{
		Name: os.Getenv("CLUSTER_NAME"), NodeImage: os.Getenv("NODE_IMAGE"), KubernetesVersion: os.Getenv("K8S_VERSION"),
		Workload: a.images, Progress: progress,
	})
	if err != nil {
		_, buildErr := suite()
		if ctx.Err() != nil {
			return fmt.Errorf("interrupted before the cluster was ready; nothing was judged: %w", err)
		}
		return errors.Join(err, buildErr)
	}
	built, err := suite()
	var run *verdict.Run
	var s settings.Settings
	if err == nil {
		s = settings.Settings{
			Run: fmt.Sprintf("%s-%d", up.Name(), begin.Unix()), Kubeconfig: up.Kubeconfig(), Level: a.level,
			StorageClass: a.storageClass, NamespacePrefix: "sts", ReportDir: a.reportDir, Limits: a.limits,
			Images: settings.Images{Nginx: up.Images.Nginx, Busybox: up.Images.Busybox}, Focus: a.focus, Labels: a.labels, Suite: built.identity,
		}
		fmt.Fprintf(progress, "suite: first spec after %.1f s\n", time.Since(begin).Seconds())
		run, err = execute(ctx, built, a, s, out)
	}
	failed := err != nil || run.Overall != verdict.Conformant
	if a.keep && failed && !up.Reused() {
		err = errors.Join(err, up.Keep())
		fmt.Fprintf(progress, "cluster: kept, since the run failed; its kubeconfig is %s\n", up.Kubeconfig())
	}
	// The cluster goes also after an interruption.
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
	defer cancel()
	if closeErr := up.Close(closing); closeErr != nil {
		err = errors.Join(err, closeErr)
	}
	if err != nil {
		return err
	}
	return conclude(out, run, time.Since(begin))
}

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

// settingsFile is where a run's settings are kept, below the report folder.
const settingsFile = "settings.json"

// suiteBinaries are the programs that carry out a run.
type suiteBinaries struct {
	ginkgo, suite string
	identity      settings.Suite
}

// build compiles the suite and the runner in the background and returns a function that waits for them.
func build(ctx context.Context) func() (suiteBinaries, error) {
	type result struct {
		binaries suiteBinaries
		err      error
	}
	done := make(chan result, 1)
	go func() {
		b, err := compile(ctx)
		done <- result{b, err}
	}()
	return func() (suiteBinaries, error) {
		r := <-done
		return r.binaries, r.err
	}
}

func compile(ctx context.Context) (suiteBinaries, error) {
	b := suiteBinaries{suite: filepath.Join(".bin", "e2e.test")}
	compile := exec.CommandContext(ctx, "go", "test", "-c", "-o", b.suite, "./e2e")
	if out, err := compile.CombinedOutput(); err != nil {
		return b, fmt.Errorf("compiling the suite: %w\n%s", err, out)
	}
	out, err := exec.CommandContext(ctx, "go", "tool", "-n", "ginkgo").Output()
	if err != nil {
		return b, fmt.Errorf("building ginkgo (go tool -n ginkgo): %w", err)
	}
	b.ginkgo = strings.TrimSpace(string(out))
	b.identity, err = report.IdentityOf(b.suite)
	return b, err
}

// execute checks the cluster, runs the specs and weighs what they recorded.
func execute(ctx context.Context, b suiteBinaries, a asked, s settings.Settings, out io.Writer) (*verdict.Run, error) {
	config, err := s.RESTConfig()
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	facts, problems, err := preflight.Check(ctx, client, s)
	if err != nil {
		return nil, err
	}
	s.Facts = facts
	if len(problems) > 0 {
		return nil, unfit(problems)
	}
	begin := time.Now()
	file := filepath.Join(a.reportDir, settingsFile)
	if err := s.Save(file); err != nil {
		return nil, err
	}
	if err := runGinkgo(ctx, b, a, file, out); err != nil {
		return nil, err
	}
	run, err := verdict.Folder(a.reportDir, a.level)
	if err != nil {
		return nil, err
	}
	result, err := report.New(a.reportDir, &run, s, begin, time.Since(begin))
	if err != nil {
		return nil, err
	}
	return &run, errors.Join(result.Save(a.reportDir), report.SaveFiles(a.reportDir, result))
}

// unfit turns preflight's problems into one error, with the exit code that fits the worst.
func unfit(problems []preflight.Problem) error {
	code := verdict.ExitUsage
	lines := make([]string, 0, len(problems))
	for _, p := range problems {
		if !p.Usage {
			code = verdict.ExitInconclusive
		}
		lines = append(lines, p.Text)
	}
	return preflightError{text: strings.Join(lines, "\n"), code: code}
}

type preflightError struct {
	text string
	code int
}

func (e preflightError) Error() string { return e.text }

// ExitCode is the process's exit code.
func (e preflightError) ExitCode() int { return e.code }

// runGinkgo runs the specs. That some failed is no error here: the verdicts tell.
func runGinkgo(ctx context.Context, b suiteBinaries, a asked, file string, out io.Writer) error {
	filter := "!" + string(guarantee.Disruptive)
	switch a.level {
	case guarantee.Core:
		filter = string(guarantee.Core)
	case guarantee.Disruptive:
		filter = ""
	}
	args := []string{
		"--randomize-all", "--fail-on-empty", "--fail-on-pending", "--keep-going", "--no-color", "-v", "--timeout=1h", "--grace-period=60s",
		"--output-dir=" + a.reportDir, "--junit-report=junit.xml", "--json-report=ginkgo.json",
	}
	switch a.procs {
	case "":
		args = append(args, "-p")
	default:
		args = append(args, "--procs="+a.procs)
	}
	if a.seed != "" {
		args = append(args, "--seed="+a.seed)
	}
	if a.focus != "" {
		args = append(args, "--focus="+a.focus)
	}
	if a.labels != "" && filter != "" {
		filter = fmt.Sprintf("(%s) && (%s)", filter, a.labels)
	} else if a.labels != "" {
		filter = a.labels
	}
	if filter != "" {
		args = append(args, "--label-filter="+filter)
	}
	args = append(args, b.suite, "--", "-conformance.settings="+file)

	log, err := os.Create(filepath.Join(a.reportDir, ginkgoLog))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.CommandContext(ctx, b.ginkgo, args...)
	cmd.Stdout, cmd.Stderr = log, log
	// A group of its own: a terminal's Ctrl-C would reach Ginkgo's processes beside our own signal, and two signals mean to
	// them that clean-up is to be skipped.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = 90 * time.Second
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	followed := make(chan error, 1)
	go func() { followed <- progress.Follow(following, filepath.Join(a.reportDir, progress.File), out) }()
	err = cmd.Run()
	stop()
	followErr := <-followed
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && ctx.Err() == nil {
		return fmt.Errorf("running ginkgo: %w", err)
	}
	// With no outcome at all the specs did not even begin, and only Ginkgo can say why.
	if _, missing := os.Stat(filepath.Join(a.reportDir, verdict.SpecsFile)); missing != nil && ctx.Err() == nil {
		said, _ := os.ReadFile(log.Name())
		return fmt.Errorf("the specs did not run to their end; Ginkgo said:\n%s", said)
	}
	return followErr
}

// ginkgoLog is what Ginkgo itself printed, below the report folder.
const ginkgoLog = "ginkgo.log"

// emptyReport makes the report folder, without what an earlier run left in it. It removes nothing else: a folder that holds
// other things stays as it is.
func emptyReport(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return wrongUse{fmt.Errorf("REPORT_DIR: %w", err)}
	}
	left := []string{
		"histories", "failures", verdict.SpecsFile, settingsFile, report.File, report.PageFile, report.SummaryFile, progress.File, ginkgoLog, "junit.xml", "ginkgo.json",
	}
	for _, name := range left {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return wrongUse{fmt.Errorf("REPORT_DIR: %w", err)}
		}
	}
	return nil
}
