package main

import (
	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner"
)

// exploreTime is how long explore goes on if nobody says otherwise.
const exploreTime = "5m"

func newExploreCommand() *cobra.Command {
	var o e2eOptions
	command := &cobra.Command{
		Use:   "explore",
		Short: "Do random things to StatefulSets on a kind cluster, judge what is seen, and shrink what is found broken",
		Long: `Do random things to StatefulSets on the cluster that "cluster up" keeps, or on one that is made for it, for the time that EXPLORE says (5m):
change every field of their specs, delete, evict and fail pods, hold their readiness, delete claims and sets, in whatever phase a set is. Every
judge judges what is recorded. An act is chosen because it was seen least in the phase that the set is in; COVERAGE names a file that adds up
what was seen from run to run.

What is found broken is carried out again with fewer and fewer acts. The folder findings of the report then holds each finding as a numbered
list of acts, as a shell script of kubectl commands, and as an episode that EPISODE=file carries out again.`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Exploration.Only = true
			o.Exploration.Default(exploreTime)
			return runner.OrInconclusive(runE2E(cmd.Context(), &o, cmd.OutOrStdout(), cmd.ErrOrStderr()))
		},
	}
	o.addFlags(flagsOf(command))
	return command
}
