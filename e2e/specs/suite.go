package specs

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/format"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// settings are those of the run: set once by Run and never changed.
//
//nolint:gochecknoglobals // Ginkgo's set-up nodes take no parameters.
var settings runconfig.Settings

// target is the cluster under test: set once before the specs and never changed.
//
//nolint:gochecknoglobals // Ginkgo's set-up nodes can hand nothing to specs otherwise.
var target *framework.Cluster

// Run runs the specs in one of Ginkgo's processes and returns its exit code: 1 if a spec failed, 2 if the parameters are wrong. The flags of
// Ginkgo must have been parsed. Nothing else reads the parameters.
func Run(ctx context.Context, p runner.Parameters, stderr io.Writer) (exitCode int) {
	var err error
	if settings, err = runconfig.Load(p.Settings); err != nil {
		fmt.Fprintln(stderr, "settings:", err)
		return cli.ExitUsage
	}
	command, err := runner.Connect(ctx, p.Socket, interrupt)
	if err != nil {
		fmt.Fprintln(stderr, "the command that started the run must still be there:", err)
		return cli.ExitFailed
	}
	progress = newProgressReporter(ctx, command)
	RegisterFailHandler(Fail)
	// The text of an error is reported anyway; its fields say nothing more.
	format.RegisterCustomFormatter(func(value any) (string, bool) {
		_, isError := value.(error)
		return "", isError
	})
	if !RunSpecs(testingT{}, "StatefulSet conformance") {
		return cli.ExitFailed
	}
	return 0
}

// testingT stands for the test that RunSpecs wants to fail: what RunSpecs returns says the same.
type testingT struct{}

// Fail does nothing.
func (testingT) Fail() {}

// interrupt ends this process's part of the run as Ctrl-C does: with its clean-up.
func interrupt() {
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Signal(os.Interrupt)
	}
}

var _ = SynchronizedBeforeSuite(func(_ SpecContext) []byte {
	// What all processes must agree on is requested once.
	cluster := connect("")
	version, err := cluster.Client.Discovery().ServerVersion()
	Expect(err).NotTo(HaveOccurred(), "the API server at the kubeconfig's address must answer")
	return []byte(version.GitVersion)
}, func(_ SpecContext, version []byte) {
	target = connect(string(version))
})

func connect(version string) *framework.Cluster {
	GinkgoHelper()
	config, err := settings.RESTConfig()
	Expect(err).NotTo(HaveOccurred())
	cluster, err := framework.Connect(config, settings, version)
	Expect(err).NotTo(HaveOccurred())
	return cluster
}

var _ = SynchronizedAfterSuite(saveUsage, func(ctx SpecContext) {
	if target == nil || target.Settings.SkipNamespaceWait || target.Settings.KeepNamespaces {
		return
	}
	err := target.AwaitNamespacesGone(ctx)
	saveUsage() // with what that took
	Expect(err).NotTo(HaveOccurred(), "the run must leave nothing behind; what it left is removed by conformance clean, with the run's --kubeconfig and --context")
})

// saveUsage saves which rights this process used, for the command that started the run.
func saveUsage() {
	if target != nil {
		Expect(target.Used.Save(target.Settings.ReportDir, fmt.Sprintf("process-%d", GinkgoParallelProcess()))).To(Succeed())
	}
}

// The outcome of each spec is saved for the command that started the run, which judges it together with the histories.
var _ = ReportAfterSuite("outcome of every spec", func(_ SpecContext, report Report) {
	if report.SuiteConfig.DryRun {
		return // only the list of specs is wanted
	}
	var specs []verdict.Spec
	for _, r := range report.SpecReports {
		if r.LeafNodeType != types.NodeTypeIt {
			if r.Failed() {
				specs = append(specs, verdict.Spec{Text: r.LeafNodeType.String(), State: r.State.String(), Message: r.FailureMessage()})
			}
			continue
		}
		spec := verdict.Spec{
			Text: textOf(r), State: r.State.String(), Seconds: r.RunTime.Seconds(), Message: r.FailureMessage(),
			History: historyFile(textOf(r)), Proves: proven(r.Labels()), Diagnosis: diagnosisOf(r),
		}
		if settings.Attempt > 0 {
			spec.Repeats, spec.Attempt = r.FullText(), settings.Attempt
		}
		if r.State == types.SpecStateSkipped {
			// A spec that was filtered out has no message; one that stopped by itself says why.
			spec.Selected = r.Failure.Message != ""
			spec.Message = r.Failure.Message
		} else {
			spec.Selected = r.State != types.SpecStatePending
		}
		specs = append(specs, spec)
	}
	for i := range specs {
		specs[i].Message, specs[i].Diagnosis = settings.Scrub(specs[i].Message), settings.Scrub(specs[i].Diagnosis)
	}
	if why := runner.CutShort(report); why != "" {
		specs = append(specs, verdict.Spec{Text: "the run", State: types.SpecStateInterrupted.String(), Message: why})
	}
	data, err := json.MarshalIndent(verdict.Outcomes{Run: settings.Run, Specs: specs}, "", "  ")
	Expect(err).NotTo(HaveOccurred())
	Expect(os.WriteFile(filepath.Join(settings.ReportDir, verdict.SpecsFile), append(data, '\n'), 0o600)).To(Succeed())
})
