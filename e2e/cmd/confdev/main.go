// Command confdev is for developers of the suite: it makes kind clusters and runs the suite on them, tries the suite itself on planted
// faults, disturbances and other kinds of clusters, and packs the users' command.
package main

import (
	"context"
	"os"
	"os/signal"
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
	os.Exit(cli.Execute(ctx, newCommand(), os.Stderr))
}

func newCommand() *cobra.Command {
	return cli.NewRoot("confdev", "Make clusters for the suite, try the suite itself, and pack it", version.OfProgram(),
		newE2ECommand(), newExploreCommand(), newClusterCommand(), newEngineCommand(), newNodeImageCommand(), newCleanCommand(),
		newFaultsCommand(), newMutantsCommand(), newSpeedCommand(), newScaleCommand(), newDisturbancesCommand(), newMatrixCommand(), newNightlyCommand(),
		newImageCommand(), newBundleCommand(), newPluginCommand())
}
