package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/cluster"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodeimage"
)

func newClusterCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "cluster",
		Short: "Make a kind cluster for work, or remove it",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return wrongUse{fmt.Errorf("%q wants one of: up, down", cmd.CommandPath())}
		},
	}
	command.AddCommand(newClusterUpCommand(), newClusterDownCommand())
	return command
}

func newClusterUpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "up",
		Short: "Make the kind cluster, or check the one that is there, and print its kubeconfig",
		Long: `Make the kind cluster, or check the one that is there, and print the path of its kubeconfig. The cluster stays until
"cluster down". One that something has happened to since is replaced.

CLUSTER_NAME names another cluster. NODE_IMAGE, NGINX_IMAGE and BUSYBOX_IMAGE name images to use. K8S_VERSION asks for a version.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			up, err := cluster.Up(cmd.Context(), cluster.Options{
				Name:              os.Getenv("CLUSTER_NAME"),
				NodeImage:         os.Getenv("NODE_IMAGE"),
				KubernetesVersion: os.Getenv("K8S_VERSION"),
				Workload:          nodeimage.Workload{Nginx: os.Getenv("NGINX_IMAGE"), Busybox: os.Getenv("BUSYBOX_IMAGE")},
				Keep:              true,
				Progress:          cmd.ErrOrStderr(),
			})
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), up.Kubeconfig())
			return up.Close(cmd.Context())
		},
	}
}

func newClusterDownCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "Remove the kind cluster that this project made",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cluster.Remove(cmd.Context(), os.Getenv("CLUSTER_NAME"), cmd.ErrOrStderr())
		},
	}
}
