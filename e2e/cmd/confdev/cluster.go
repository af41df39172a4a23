package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/cluster"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodeimage"
)

func newClusterCommand() *cobra.Command {
	return cli.NewGroup("cluster", "Make a kind cluster for work, or remove it", newClusterUpCommand(), newClusterDownCommand())
}

func newClusterUpCommand() *cobra.Command {
	var name string
	var images imageOptions
	var workload nodeimage.Workload
	command := &cobra.Command{
		Use:   "up",
		Short: "Make the kind cluster, or check the existing one, and print its kubeconfig",
		Long: `Make the kind cluster, or check the existing one, and print the path of its kubeconfig. The cluster stays until "cluster down". One whose
options or nodes are no longer those it was made with is replaced; one that is not ready is repaired or left as it is.`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := up(cmd.Context(), cluster.Options{
				Name: name, NodeImage: images.nodeImage, KubernetesVersion: images.kubernetesVersion, Workload: workload,
				Keep: true, Progress: cmd.ErrOrStderr(),
			})
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), c.Kubeconfig())
			return c.Close(cmd.Context())
		},
	}
	f := flagsOf(command)
	addClusterName(f, &name)
	images.addFlags(f)
	f.String(&workload.Nginx, "NGINX_IMAGE", "", "nginx `image` of the suite's pods")
	f.String(&workload.Busybox, "BUSYBOX_IMAGE", "", "busybox `image` of the suite's pods")
	return command
}

func newClusterDownCommand() *cobra.Command {
	var name string
	command := &cobra.Command{
		Use:   "down",
		Short: "Remove the kind cluster that this project made",
		Args:  cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return asUsage(cluster.Remove(cmd.Context(), name, cmd.ErrOrStderr()))
		},
	}
	addClusterName(flagsOf(command), &name)
	return command
}

func addClusterName(f cli.Flags, name *string) {
	f.String(name, "CLUSTER_NAME", "", "`name` of the kind cluster")
}
