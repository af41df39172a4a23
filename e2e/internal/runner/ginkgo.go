package runner

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
	"time"

	"github.com/onsi/ginkgo/v2/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// GinkgoLog is what Ginkgo itself printed, below the report folder.
const GinkgoLog = "ginkgo.log"

// defaultProcs is how many specs run at once. Specs wait most of the time, so that four suit a processor; more than eight would be hard on
// a small cluster, whatever machine the suite runs on, and lead to more than the 20 requests a second that a controller sends by default
// (kube-controller-manager's --kube-api-qps).
func defaultProcs() int { return min(4*runtime.NumCPU(), 8) }

// gracePeriod is how long an interrupted spec may take to clean up, killDelay how long an interrupted run may take before it is killed.
const gracePeriod, killDelay = 60 * time.Second, 90 * time.Second

// ginkgoArgs are the arguments of Ginkgo's CLI.
func (o *Options) ginkgoArgs() []string {
	args := []string{
		"--randomize-all", "--fail-on-empty", "--fail-on-pending", "--no-color", "-v", "--timeout=" + o.TimeLimit.String(), "--grace-period=" + gracePeriod.String(),
		"--output-dir=" + o.ReportDir, "--json-report=" + report.GinkgoFile,
	}
	if o.FailFast {
		args = append(args, "--fail-fast")
	}
	procs := o.Procs
	if procs == "" {
		procs = strconv.Itoa(defaultProcs())
	}
	args = append(args, "--procs="+procs)
	if o.Seed != "" {
		args = append(args, "--seed="+o.Seed)
	}
	if o.Focus != "" {
		args = append(args, "--focus="+o.Focus)
	}
	if filter := o.labelFilter(); filter != "" {
		args = append(args, "--label-filter="+filter)
	}
	return args
}

// runSpecs runs the specs with these settings and prints their progress; it calls broken whenever one that runs shows something broken. That some failed is no
// error here: the verdicts say so.
func (o *Options) runSpecs(ctx context.Context, s runconfig.Settings, out io.Writer, broken func()) (err error) {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	// A folder of its own with a short path: the path of a socket may have a hundred bytes. It is the working directory of the suite.
	dir, err := os.MkdirTemp("", folderPrefix+"*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	suite, socket, settings := filepath.Join(dir, suiteName), filepath.Join(dir, socketName), filepath.Join(dir, SettingsFile)
	// Nobody else may read this folder.
	if err := s.Save(settings); err != nil {
		return err
	}
	if err := linkProgram(self, suite); err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(o.ReportDir, GinkgoLog), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, reportdir.FileMode)
	if err != nil {
		return err
	}
	defer log.Close()
	connections, err := listen(ctx, socket)
	if err != nil {
		return err
	}
	var printing sync.WaitGroup
	printing.Go(func() { follow(connections.events, out, broken) })

	cmd := exec.CommandContext(ctx, self)
	cmd.Args = append(append([]string{ginkgoName}, o.ginkgoArgs()...), suite, "--", "-conformance.settings="+settings, "-conformance.socket="+socket)
	cmd.Stdout, cmd.Stderr = log, log
	ownGroup(cmd)
	cmd.WaitDelay = killDelay
	err = cmd.Run()
	connections.close()
	printing.Wait()
	if err := scrub(s, o.ReportDir, GinkgoLog, report.GinkgoFile); err != nil {
		return err
	}
	if err != nil && !errors.As(err, new(*exec.ExitError)) && ctx.Err() == nil {
		return fmt.Errorf("running the specs: %w", err)
	}
	// With no outcome at all the specs did not even begin, and only Ginkgo can say why.
	if _, missing := os.Stat(filepath.Join(o.ReportDir, verdict.SpecsFile)); missing != nil && ctx.Err() == nil {
		said, _ := os.ReadFile(log.Name())
		return fmt.Errorf("the specs did not run to their end; Ginkgo said:\n%s", said)
	}
	return nil
}

// scrub removes from files that Ginkgo wrote what the settings of the run scrub, and the folder of the suite's sources.
func scrub(s runconfig.Settings, dir string, files ...string) error {
	_, self, _, _ := runtime.Caller(0)
	sources := strings.TrimSuffix(self, "e2e/internal/runner/ginkgo.go")
	for _, name := range files {
		data, err := reportdir.Read(dir, name, 4*reportdir.MaxText)
		if errors.Is(err, os.ErrNotExist) {
			continue // an interrupted run has no report of Ginkgo's
		}
		if err != nil {
			return err
		}
		text := string(data)
		// A program that was built without paths has none but its module's.
		if filepath.IsAbs(sources) && len(sources) > 1 {
			text = strings.ReplaceAll(text, sources, "")
		}
		text = s.Scrub(text)
		if err := reportdir.Write(dir, name, func(w io.Writer) error { _, err := io.WriteString(w, text); return err }); err != nil {
			return err
		}
	}
	return nil
}

// CutShort says why not every spec that was to run did, "" if all did. Ginkgo reports those that did not like specs that a filter left out.
func CutShort(report types.Report) string {
	ran := 0
	for _, r := range report.SpecReports {
		if r.LeafNodeType == types.NodeTypeIt && r.State != types.SpecStatePending && (r.State != types.SpecStateSkipped || r.Failure.Message != "") {
			ran++
		}
	}
	why := strings.Join(report.SpecialSuiteFailureReasons, "; ")
	planned := report.PreRunStats.SpecsThatWillRun
	if ran < planned {
		if why == "" && report.SuiteConfig.FailFast {
			why = "the first failure ends it"
		}
		return strings.TrimSuffix(fmt.Sprintf("%d of %d specs did not run: %s", planned-ran, planned, why), ": ")
	}
	return why
}
