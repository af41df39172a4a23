package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/packaging"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner/parentwatch"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner/progress"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// suiteBinaries are the programs that carry out a run.
type suiteBinaries struct {
	ginkgo, suite string
	identity      runconfig.Suite
}

// build compiles the suite and the runner in the background, unless they were packed with this program, and returns a function that waits for them.
func build(ctx context.Context) func() (suiteBinaries, error) {
	compiled := sync.OnceValues(func() (suiteBinaries, error) { return compile(ctx) })
	go func() { _, _ = compiled() }()
	return compiled
}

func compile(ctx context.Context) (suiteBinaries, error) {
	if dir := packaging.Packed(); dir != "" {
		b := suiteBinaries{suite: filepath.Join(dir, packaging.Suite), ginkgo: filepath.Join(dir, packaging.Ginkgo)}
		var err error
		b.identity, err = report.IdentityOf(b.suite, ownVersion())
		return b, err
	}
	b := suiteBinaries{suite: filepath.Join(".bin", "e2e.test")}
	compile := exec.CommandContext(ctx, "go", "test", "-c", "-o", b.suite, "./e2e/specs")
	if out, err := compile.CombinedOutput(); err != nil {
		return b, fmt.Errorf("compiling the suite: %w\n%s", err, out)
	}
	out, err := exec.CommandContext(ctx, "go", "tool", "-n", "ginkgo").Output()
	if err != nil {
		return b, fmt.Errorf("building ginkgo (go tool -n ginkgo): %w", err)
	}
	b.ginkgo = strings.TrimSpace(string(out))
	b.identity, err = report.IdentityOf(b.suite, packaging.Version(ctx, "."))
	return b, err
}

// fittingProcs is how many specs run at once when nobody says. Specs wait most of the time, so that four suit a processor; more than
// eight would be hard on a small cluster, whatever machine the suite runs on.
func fittingProcs() int { return min(4*runtime.NumCPU(), 8) }

// runGinkgo runs the specs. That some failed is no error here: the verdicts tell.
func runGinkgo(ctx context.Context, b suiteBinaries, a asked, file string, out io.Writer) error {
	args := []string{
		"--randomize-all", "--fail-on-empty", "--fail-on-pending", "--no-color", "-v", "--timeout=1h", "--grace-period=60s",
		"--output-dir=" + a.reportDir, "--json-report=" + report.GinkgoFile,
	}
	if a.failFast {
		args = append(args, "--fail-fast")
	}
	procs := a.procs
	if procs == "" {
		procs = strconv.Itoa(fittingProcs())
	}
	args = append(args, "--procs="+procs)
	if a.seed != "" {
		args = append(args, "--seed="+a.seed)
	}
	if a.focus != "" {
		args = append(args, "--focus="+a.focus)
	}
	if filter := a.labelFilter(); filter != "" {
		args = append(args, "--label-filter="+filter)
	}
	line, letGo, err := parentwatch.Hold(ctx)
	if err != nil {
		return err
	}
	defer letGo()
	args = append(args, b.suite, "--", "-conformance.settings="+file, "-conformance.lifeline="+line)

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
