package specs

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"
	. "github.com/onsi/gomega"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner/parentwatch"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

//nolint:gochecknoglobals // A flag of the test.
var settingsFile = flag.String("conformance.settings", "", "settings of the run, written by the command that starts it; without them no spec runs")

//nolint:gochecknoglobals // A flag of the test.
var lifelinePath = flag.String("conformance.lifeline", "", "lifeline of the command that starts the run, which ends with it")

// under is the cluster under test: the suite's only state, set once before the specs and never changed.
//
//nolint:gochecknoglobals // Ginkgo's set-up nodes can hand nothing to specs otherwise.
var under *framework.Cluster

var _ = SynchronizedBeforeSuite(func(_ SpecContext) []byte {
	// What all processes must agree on is asked once.
	cluster := connect("")
	version, err := cluster.Client.Discovery().ServerVersion()
	Expect(err).NotTo(HaveOccurred(), "the API server at the kubeconfig's address must answer")
	return []byte(version.GitVersion)
}, func(ctx SpecContext, version []byte) {
	under = connect(string(version))
	// Progress is told for as long as the process lives, which no node's context spans.
	startTelling(context.WithoutCancel(ctx), under.Settings.ReportDir)
	if *lifelinePath != "" {
		Expect(parentwatch.Watch(context.WithoutCancel(ctx), *lifelinePath, interrupt)).To(Succeed(), "the command that started the run must still be there")
	}
})

// interrupt ends this process's part of the run as Ctrl-C does: with its clean-up.
func interrupt() {
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Signal(os.Interrupt)
	}
}

func connect(version string) *framework.Cluster {
	GinkgoHelper()
	s, err := runconfig.Load(*settingsFile)
	Expect(err).NotTo(HaveOccurred())
	config, err := s.RESTConfig()
	Expect(err).NotTo(HaveOccurred())
	cluster, err := framework.Connect(config, s, version)
	Expect(err).NotTo(HaveOccurred())
	return cluster
}

var _ = SynchronizedAfterSuite(tellUsage, func(ctx SpecContext) {
	if under == nil || under.Settings.SkipNamespaceWait {
		return
	}
	err := under.AwaitNamespacesGone(ctx)
	tellUsage() // with what that took
	Expect(err).NotTo(HaveOccurred(), "the run must leave nothing behind; what it left is removed by make clean, with the run's KUBECONFIG and CONTEXT")
})

// tellUsage leaves for the command that started the run which rights this process made use of.
func tellUsage() {
	if under != nil {
		Expect(under.Used.Save(under.Settings.ReportDir, fmt.Sprintf("process-%d", GinkgoParallelProcess()))).To(Succeed())
	}
}

// What became of each spec is written for the command that started the run, which weighs it together with the histories.
var _ = ReportAfterSuite("outcome of every spec", func(_ SpecContext, report Report) {
	if report.SuiteConfig.DryRun {
		return // only which specs would run was asked
	}
	s, err := runconfig.Load(*settingsFile)
	Expect(err).NotTo(HaveOccurred())
	var specs []verdict.Spec
	for _, r := range report.SpecReports {
		if r.LeafNodeType != types.NodeTypeIt {
			if r.Failed() {
				specs = append(specs, verdict.Spec{Text: r.LeafNodeType.String(), State: r.State.String(), Message: r.FailureMessage()})
			}
			continue
		}
		spec := verdict.Spec{
			Text: r.FullText(), State: r.State.String(), Seconds: r.RunTime.Seconds(), Message: r.FailureMessage(),
			History: historyFile(r.FullText()), Proves: proven(r.Labels()), Diagnosis: diagnosisOf(r),
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
	data, err := json.MarshalIndent(specs, "", "  ")
	Expect(err).NotTo(HaveOccurred())
	Expect(os.WriteFile(filepath.Join(s.ReportDir, verdict.SpecsFile), append(data, '\n'), 0o644)).To(Succeed())
})
