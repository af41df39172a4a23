// Command conformance is what a user of the suite runs: it certifies a cluster, judges what was recorded, and diagnoses StatefulSets. The
// specs are compiled in; it makes no cluster and builds nothing.
package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/version"
	"github.com/hero-academy/statefulset-conformance/e2e/specs"
)

func main() {
	if code, hidden := runner.HiddenRole(func(p runner.Parameters) int { return specs.Run(context.Background(), p, os.Stderr) }); hidden {
		os.Exit(code)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newCommand()
	if name := pluginName(os.Args[0]); name != "" {
		root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: name}
	}
	os.Exit(cli.Execute(ctx, root, os.Stderr))
}

// pluginName is how a person calls the program where it is a plugin of kubectl, such as "kubectl sts" for kubectl-sts, "" where it is none.
func pluginName(program string) string {
	name := strings.TrimSuffix(filepath.Base(program), ".exe")
	if plugin, is := strings.CutPrefix(name, "kubectl-"); is {
		return "kubectl " + strings.ReplaceAll(plugin, "_", "-")
	}
	return ""
}

func newCommand() *cobra.Command {
	root := cli.NewRoot("conformance", "Hold a Kubernetes cluster to every guarantee that StatefulSet gives", version.OfProgram(),
		newCertifyCommand(), newJudgeCommand(), newReportCommand(), newCompareCommand(), newDiagnoseCommand(), newRecordCommand(), newCleanCommand(), newFetchCommand(),
		newImagesCommand(), newManifestsCommand())
	for _, c := range root.Commands() {
		addCompletions(c)
	}
	return root
}
