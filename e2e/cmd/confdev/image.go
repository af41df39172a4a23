package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/images"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/packaging"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/version"
)

// distFolder receives what is packed.
const distFolder = "dist"

func newImageCommand() *cobra.Command {
	var reference, architecture string
	command := &cobra.Command{
		Use:   "image",
		Short: "Build the suite's container image as an archive",
		Long: `Build the suite's container image as an archive, dist/suite.tar, for running the suite inside a cluster. It needs the checkout and
Go, and neither a container engine nor a registry.`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkArchitecture(architecture); err != nil {
				return err
			}
			return buildImage(cmd.Context(), reference, architecture, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	addSuiteImage(flagsOf(command), &reference)
	addArchitecture(flagsOf(command), &architecture)
	return command
}

// addArchitecture defines the setting of what is packed for nodes of another architecture than this machine's.
func addArchitecture(f cli.Flags, architecture *string) {
	f.String(architecture, "IMAGE_ARCH", runtime.GOARCH, "`architecture` of the nodes, "+strings.Join(packaging.Architectures(), " or "))
}

func checkArchitecture(architecture string) error {
	if !slices.Contains(packaging.Architectures(), architecture) {
		return cli.UsageError{Err: fmt.Errorf("IMAGE_ARCH=%s: expected one of %v", architecture, packaging.Architectures())}
	}
	return nil
}

func addSuiteImage(f cli.Flags, reference *string) {
	f.String(reference, images.SuiteSetting, images.Suite, "`name` of the suite's image")
}

// buildImage packs the program into an image archive and prints the image's name and digest.
func buildImage(ctx context.Context, reference, architecture string, out, progress io.Writer) error {
	fmt.Fprintln(progress, "image: compiling the suite without libraries; the first time this takes some minutes")
	work, err := os.MkdirTemp("", "conformance-image-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := packaging.Build(ctx, work, architecture); err != nil {
		return err
	}
	image, err := packaging.Image(work, filepath.Join(work, "layers"), version.OfCheckout(ctx, "."), architecture)
	if err != nil {
		return err
	}
	file := filepath.Join(distFolder, "suite.tar")
	if err := packaging.Save(file, reference, image); err != nil {
		return cli.UsageError{Err: fmt.Errorf("SUITE_IMAGE: %w", err)}
	}
	digest, err := image.Digest()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s %s\n", reference, digest)
	fmt.Fprintf(progress, "image: %s holds it, for nodes of %s; bring it to the nodes with kind load image-archive, docker load and docker push, or crane push\n", file, architecture)
	return nil
}
