package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodeimage"
)

func newNodeImageCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "node-image",
		Short: "Find the node image for the suite's clusters, or build it, and print its name",
		Long: `Find the node image for the suite's clusters, or build it, and print its name.

NODE_IMAGE names an image to use as it is. K8S_VERSION asks for a version of Kubernetes.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, err := engine.Ensure(cmd.Context(), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			image, err := nodeimage.Resolve(cmd.Context(), nodeimage.Options{
				Engine:            found,
				Name:              os.Getenv("NODE_IMAGE"),
				KubernetesVersion: os.Getenv("K8S_VERSION"),
				Progress:          cmd.ErrOrStderr(),
			})
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), image.Name)
			return nil
		},
	}
}
