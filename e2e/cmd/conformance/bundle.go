package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/packaging"
)

func newBundleCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "bundle",
		Short: "Pack everything that a run needs into one archive",
		Long: `Pack everything that a run needs into one archive below dist: the programs, the images, the manifests and the RBAC rules. It runs on a
machine with no network and no Go. NGINX_IMAGE and BUSYBOX_IMAGE name other images to pack.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return packBundle(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
}

func packBundle(ctx context.Context, out, progress io.Writer) error {
	a, problems := readAsked(os.Getenv, allLevels()...)
	if len(problems) > 0 {
		return unfit(problems)
	}
	work, err := os.MkdirTemp("", "conformance-bundle-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	title := "statefulset-conformance-linux-" + runtime.GOARCH
	top := filepath.Join(work, "bundle")
	dir := filepath.Join(top, title)

	fmt.Fprintln(progress, "bundle: compiling the suite without libraries; the first time this takes some minutes")
	if err := packaging.Build(ctx, dir); err != nil {
		return err
	}
	images, err := saveWorkload(ctx, a, dir, progress)
	if err != nil {
		return err
	}
	// The suite's image has this list, so that a Job made of it takes the images that came with it.
	if err := packaging.SaveList(dir, images); err != nil {
		return err
	}
	image, err := packaging.Image(dir, filepath.Join(work, "layers"), packaging.Version(ctx, "."))
	if err != nil {
		return err
	}
	digest, err := image.Digest()
	if err != nil {
		return err
	}
	reference := suiteImage(os.Getenv)
	images = append(images, packaging.Listed{Setting: suiteSetting, Reference: reference, Digest: digest.String()})
	if err := packaging.Save(filepath.Join(dir, packaging.ImageFile(suiteSetting)), reference, image); err != nil {
		return wrongUse{fmt.Errorf("SUITE_IMAGE: %w", err)}
	}
	if err := packaging.SaveList(dir, images); err != nil {
		return err
	}
	for from, to := range map[string]string{"e2e/deploy": "certify", "fixtures": "fixtures", "e2e/internal/packaging/README.bundle.md": "README.md", "LICENSE": "LICENSE"} {
		if err := copyManifests(from, filepath.Join(dir, to)); err != nil {
			return err
		}
	}
	file := filepath.Join(distFolder, title+".tar.gz")
	if err := packaging.Pack(file, top); err != nil {
		return err
	}
	fmt.Fprintln(out, file)
	return nil
}

// copyManifests copies a file, or the YAML files of a folder.
func copyManifests(from, to string) error {
	files, err := filepath.Glob(filepath.Join(from, "*.yaml"))
	if err != nil {
		return err
	}
	targets := map[string]string{}
	for _, f := range files {
		targets[f] = filepath.Join(to, filepath.Base(f))
	}
	if len(files) == 0 {
		targets[from] = to
	}
	for source, target := range targets {
		data, err := os.ReadFile(source)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(target, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
