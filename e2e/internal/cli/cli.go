// Package cli is what the two commands have in common: exit codes, the check of arguments, and flags whose defaults are environment
// variables. It stands on cobra alone; what a command does is not in here.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/sanitize"
)

// Exit codes, the same for every command.
const (
	ExitFailed = 1 // the command could not do its work, or the cluster broke a guarantee
	ExitUsage  = 2 // the command or its configuration is wrong
)

// UsageError marks an error that the person who typed the command can fix by typing it differently.
type UsageError struct{ Err error }

// Error is the text of the error itself.
func (u UsageError) Error() string { return u.Err.Error() }

// Unwrap returns the error itself.
func (u UsageError) Unwrap() error { return u.Err }

// ExitError is an error whose command ends with that exit code.
type ExitError struct {
	Err  error
	Code int
}

// Error is the text of the error itself.
func (e ExitError) Error() string { return e.Err.Error() }

// Unwrap returns the error itself.
func (e ExitError) Unwrap() error { return e.Err }

// ExitCode returns the exit code of a command that ended with the error: ExitUsage for an error that is or wraps a UsageError, else the code of an
// ExitError, else ExitFailed; 0 for nil.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	if errors.As(err, new(UsageError)) {
		return ExitUsage
	}
	if coded, is := errors.AsType[ExitError](err); is {
		return coded.Code
	}
	return ExitFailed
}

// NewRoot returns a command that only has subcommands.
func NewRoot(name, short, version string, subcommands ...*cobra.Command) *cobra.Command {
	root := NewGroup(name, short, subcommands...)
	root.Version, root.SilenceErrors, root.SilenceUsage = version, true, true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return UsageError{fmt.Errorf("%w; %q lists what is allowed", err, cmd.CommandPath()+" --help")}
	})
	return root
}

// NewGroup returns a subcommand that only has subcommands.
func NewGroup(name, short string, subcommands ...*cobra.Command) *cobra.Command {
	group := &cobra.Command{
		Use: name, Short: short, Args: NoArguments,
		// A command without a Run would answer a mistyped subcommand with its help and exit 0.
		RunE: func(cmd *cobra.Command, _ []string) error {
			return UsageError{fmt.Errorf("no command given; %q lists them", cmd.CommandPath()+" --help")}
		},
	}
	group.AddCommand(subcommands...)
	return group
}

// Execute runs the command, prints its error and returns the exit code.
func Execute(ctx context.Context, root *cobra.Command, stderr io.Writer) int {
	// Whatever a command prints may quote a cluster, a container or somebody else's report.
	stderr = sanitize.Writer(stderr)
	root.SetOut(sanitize.Writer(root.OutOrStdout()))
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", root.Name(), err)
	}
	return ExitCode(err)
}

// NoArguments rejects arguments as wrong use, which cobra's own check would report as a failure.
func NoArguments(cmd *cobra.Command, args []string) error {
	if err := cobra.NoArgs(cmd, args); err != nil {
		return UsageError{err}
	}
	return nil
}

// OneReport wants the path of a report folder.
func OneReport(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return UsageError{fmt.Errorf("%q wants one argument, the path of a report folder, and got %d", cmd.CommandPath(), len(args))}
	}
	return nil
}
