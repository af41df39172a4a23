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
	"github.com/hero-academy/statefulset-conformance/e2e/internal/packaging"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/version"
)

// releases is where the archives of a version are, unless PLUGIN_URL names another place.
const releases = "https://github.com/hero-academy/statefulset-conformance/releases/download/"

func newPluginCommand() *cobra.Command {
	var url string
	command := &cobra.Command{
		Use:   "plugin",
		Short: "Pack the program as a plugin of kubectl, with krew's manifest of it",
		Long: `Pack the program as a plugin of kubectl below dist, in an archive for each platform, and write krew's manifest of them, dist/sts.yaml.
kubectl krew install --manifest=dist/sts.yaml --archive=dist/kubectl-sts-linux-amd64.tar.gz installs it from there.`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return packPlugin(cmd.Context(), url, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flagsOf(command).String(&url, "PLUGIN_URL", "", "`place` where the archives will be (default "+releases+"VERSION)")
	return command
}

func packPlugin(ctx context.Context, url string, out, progress io.Writer) (err error) {
	work, err := os.MkdirTemp("", "conformance-plugin-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	suite := version.OfCheckout(ctx, ".")
	if url == "" {
		url = releases + packaging.PluginVersion(suite)
	}
	var archives []packaging.PluginArchive
	for _, p := range packaging.PluginPlatforms() {
		fmt.Fprintf(progress, "plugin: compiling for %s on %s; the first time this takes some minutes\n", p.OS, p.Arch)
		dir := filepath.Join(work, p.OS+"-"+p.Arch)
		if err := packaging.BuildFor(ctx, dir, p); err != nil {
			return err
		}
		a, err := packaging.PackPlugin(distFolder, p, filepath.Join(dir, packaging.Command), "LICENSE")
		if err != nil {
			return err
		}
		archives = append(archives, a)
		fmt.Fprintln(out, a.File)
	}
	name := filepath.Join(distFolder, packaging.PluginName+".yaml")
	manifest, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := errors.Join(packaging.WritePluginManifest(manifest, suite, url, archives), manifest.Close()); err != nil {
		return err
	}
	fmt.Fprintln(out, name)
	return nil
}
