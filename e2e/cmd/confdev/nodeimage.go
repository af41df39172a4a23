package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodeimage"
)

func newNodeImageCommand() *cobra.Command {
	var o imageOptions
	command := &cobra.Command{
		Use:   "node-image",
		Short: "Find the node image for the suite's clusters, or build it, and print its name",
		Args:  cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, err := engine.Ensure(cmd.Context(), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			image, err := nodeimage.Resolve(cmd.Context(), nodeimage.Options{
				Engine: found, Name: o.nodeImage, KubernetesVersion: o.kubernetesVersion, Progress: cmd.ErrOrStderr(),
			})
			if err != nil {
				return asUsage(err)
			}
			fmt.Fprintln(cmd.OutOrStdout(), image.Name)
			return nil
		},
	}
	o.addFlags(flagsOf(command))
	return command
}
