// Command conformance is the suite's command line: it provides clusters, runs the suite on them and judges what was recorded.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodeimage"
)

// Exit codes, the same for every command.
const (
	exitFailed   = 1 // what was asked for could not be done, or the cluster broke a guarantee
	exitWrongUse = 2 // the command or its configuration is wrong
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := newCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(exitCode(err))
	}
}

func newCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "conformance",
		Short:         "Hold a Kubernetes cluster to every guarantee that StatefulSet gives",
		Version:       ownVersion(),
		SilenceErrors: true,
		SilenceUsage:  true,
		// A root without a Run would answer a mistyped command with its help and exit 0.
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return wrongUse{fmt.Errorf("no command given; %q lists them", cmd.CommandPath()+" help")}
		},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return wrongUse{fmt.Errorf("%w; %q lists what is allowed", err, cmd.CommandPath()+" --help")}
	})
	root.AddCommand(newClusterCommand(), newEngineCommand(), newNodeImageCommand(), newCleanCommand(),
		newE2ECommand(), newCertifyCommand(), newJudgeCommand(), newReportCommand(), newFaultsCommand(), newNastyCommand(), newShapesCommand(), newNightlyCommand(), newDiagnoseCommand(),
		newImageCommand(), newImagesCommand(), newBundleCommand(), newFetchCommand())
	return root
}

// wrongUse marks an error that the person who typed the command can mend by typing it differently.
type wrongUse struct{ error }

func (w wrongUse) Unwrap() error { return w.error }

func exitCode(err error) int {
	var coded interface{ ExitCode() int }
	switch {
	case errors.As(err, new(wrongUse)), errors.As(err, new(*nodeimage.UnsupportedVersionError)), errors.As(err, new(*nodeimage.MissingImageError)):
		return exitWrongUse
	case errors.As(err, &coded):
		// What a program that was started ended with says nothing about a cluster.
		if _, ofProgram := coded.(*exec.ExitError); !ofProgram {
			return coded.ExitCode()
		}
	}
	return exitFailed
}
