package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/packaging"
)

// distFolder receives what is packed.
const distFolder = "dist"

func newImageCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "image",
		Short: "Build the suite's container image as an archive",
		Long: `Build the suite's container image as an archive, dist/suite.tar, for running the suite inside a cluster. It needs the checkout and
Go, and neither a container engine nor a registry. SUITE_IMAGE names the image.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, out := cmd.Context(), cmd.ErrOrStderr()
			fmt.Fprintln(out, "image: compiling the suite without libraries; the first time this takes some minutes")
			work, err := os.MkdirTemp("", "conformance-image-*")
			if err != nil {
				return err
			}
			defer os.RemoveAll(work)
			programs := filepath.Join(work, "programs")
			if err := packaging.Build(ctx, programs); err != nil {
				return err
			}
			return saveImage(ctx, cmd.OutOrStdout(), out, programs, filepath.Join(work, "layers"), filepath.Join(distFolder, "suite.tar"))
		},
	}
}

// saveImage packs the programs into an image archive and prints the image's name and digest.
func saveImage(ctx context.Context, out, progress io.Writer, programs, work, file string) error {
	reference := suiteImage(os.Getenv)
	image, err := packaging.Image(programs, work, packaging.Version(ctx, "."))
	if err != nil {
		return err
	}
	if err := packaging.Save(file, reference, image); err != nil {
		return wrongUse{fmt.Errorf("SUITE_IMAGE: %w", err)}
	}
	digest, err := image.Digest()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s %s\n", reference, digest)
	fmt.Fprintf(progress, "image: %s holds it; bring it to the nodes with kind load image-archive, docker load and docker push, or crane push\n", file)
	return nil
}

// suiteImage is how the suite's own image is called.
func suiteImage(getenv func(string) string) string {
	if named := getenv("SUITE_IMAGE"); named != "" {
		return named
	}
	return packaging.SuiteImage
}

func newFetchCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "fetch REPORT <LOG",
		Short: "Unpack the report that a run with REPORT_IN_LOG=1 has left in its log",
		Long: `Unpack the report that a run with REPORT_IN_LOG=1 has left in its log:
  kubectl logs --namespace statefulset-conformance job/statefulset-conformance | conformance fetch report`,
		Args: oneReport,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := packaging.ReadReport(cmd.InOrStdin(), args[0]); err != nil {
				return wrongUse{err}
			}
			fmt.Fprintf(cmd.OutOrStdout(), "fetched %s\n", args[0])
			return nil
		},
	}
}
