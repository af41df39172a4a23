package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

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
engine that it started, and its cache folder. It ends no run: it refuses while one uses a cluster. It also refuses to remove the engine that it
started while that holds containers or named volumes of other origin. Installed Debian packages stay. What runs left on a cluster of yours is for "conformance clean".`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return cleanMachine(cmd.Context(), cmd.ErrOrStderr()) },
	}
}

func cleanMachine(ctx context.Context, out io.Writer) error {
	err := cluster.RemoveAll(ctx, out, func(nodes []string) error {
		build, err := nodeimage.Container()
		if err != nil {
			return err
		}
		if err := nodeimage.Clean(ctx, out); err != nil {
			return err
		}
		return engine.Clean(ctx, append(nodes, build), out)
	})
	if err != nil {
		return err
	}
	cache, err := engine.CacheDir()
	if err != nil {
		return err
	}
	// The linter's cache, of hack/check.
	if err := os.RemoveAll(filepath.Join(cache, "lint")); err != nil {
		return err
	}
	left, err := os.ReadDir(cache)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(left) > 0 {
		fmt.Fprintf(out, "clean: %s stays: %s in it is not this project's, or a run has begun meanwhile\n", cache, left[0].Name())
		return nil
	}
	return os.Remove(cache)
}
