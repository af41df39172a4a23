package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cluster"
	"github.com/hero-academy/statefulset-conformance/hack/engine"
	"github.com/hero-academy/statefulset-conformance/hack/nodeimage"
)

func newCleanCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "clean",
		Short: "Remove all that this project ever left on this machine, and nothing else",
		Long: `Remove all that this project ever left on this machine, and nothing else: its clusters, its images in the container engine,
the container engine that it started, and its cache folder. Installed Debian packages stay.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, out := cmd.Context(), cmd.ErrOrStderr()
			if err := cluster.RemoveAll(ctx, out); err != nil {
				return err
			}
			if err := nodeimage.Clean(ctx, out); err != nil {
				return err
			}
			if err := engine.Clean(ctx, out); err != nil {
				return err
			}
			cache, err := engine.CacheDir()
			if err != nil {
				return err
			}
			return os.RemoveAll(cache)
		},
	}
}
