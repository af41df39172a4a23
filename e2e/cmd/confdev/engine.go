package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
)

func newEngineCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "engine",
		Short: "Find a container engine, or provide one, and print how to reach it",
		Long: `Find a container engine, or provide one, and print how to reach it.

The settings go to standard output, so that a shell can take them over:
  export $(confdev engine)`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, err := engine.Ensure(cmd.Context(), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.ErrOrStderr(), "engine:", found)
			for _, setting := range found.Env() {
				fmt.Fprintln(cmd.OutOrStdout(), setting)
			}
			return nil
		},
	}
}
