package main

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/cluster"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodeimage"
)

func newCleanCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "clean",
		Short: "Remove all that this project ever left on this machine, and nothing else",
		Long: `Remove all that this project ever left on this machine, and nothing else: its clusters, its images in the container engine, the container
engine that it started, and its cache folder. Installed Debian packages stay. What runs left on a cluster of yours is for "conformance clean".`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return cleanMachine(cmd.Context(), cmd.ErrOrStderr()) },
	}
}

func cleanMachine(ctx context.Context, out io.Writer) error {
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
}
