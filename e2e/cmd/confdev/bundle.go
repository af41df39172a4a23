package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/images"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/packaging"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodeimage"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/version"
)

// bundleOptions are the options of bundle.
type bundleOptions struct {
	workload            nodeimage.Workload
	suite, architecture string
	level               string
}

func newBundleCommand() *cobra.Command {
	var o bundleOptions
	command := &cobra.Command{
		Use:   "bundle",
		Short: "Pack everything that a run needs into one archive",
		Long: `Pack everything that a run needs into one archive below dist: the program, the images, the manifests and the RBAC rules. It runs on a
machine with no network and no Go.`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkArchitecture(o.architecture); err != nil {
				return err
			}
			if !slices.Contains(contract.Levels(), contract.Level(o.level)) {
				return cli.UsageError{Err: fmt.Errorf("LEVEL=%s: expected one of %v", o.level, contract.Levels())}
			}
			return packBundle(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := flagsOf(command)
	f.String(&o.workload.Nginx, images.NginxSetting, images.PublicNginx, "nginx `image` to pack")
	f.String(&o.workload.Busybox, images.BusyboxSetting, images.PublicBusybox, "busybox `image` to pack")
	f.String(&o.workload.Etcd, images.EtcdSetting, images.PublicEtcd, "etcd `image` to pack for the level workload")
	f.String(&o.workload.Postgres, images.PostgresSetting, images.PublicPostgres, "PostgreSQL `image` to pack for the level workload")
	f.String(&o.level, "LEVEL", string(contract.Extended), "highest `level` of guarantees that runs are to check: workload has databases")
	addSuiteImage(f, &o.suite)
	addArchitecture(f, &o.architecture)
	return command
}

func packBundle(ctx context.Context, o bundleOptions, out, progress io.Writer) error {
	work, err := os.MkdirTemp("", "conformance-bundle-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	title := "statefulset-conformance-linux-" + o.architecture
	top := filepath.Join(work, "bundle")
	dir := filepath.Join(top, title)

	fmt.Fprintln(progress, "bundle: compiling the suite without libraries; the first time this takes some minutes")
	if err := packaging.Build(ctx, dir, o.architecture); err != nil {
		return err
	}
	list, err := saveWorkload(ctx, o, dir, progress)
	if err != nil {
		return err
	}
	// The suite's image has this list, so that a Job made of it takes the images that came with it.
	if err := images.SaveList(dir, list); err != nil {
		return err
	}
	image, err := packaging.Image(dir, filepath.Join(work, "layers"), version.OfCheckout(ctx, "."), o.architecture)
	if err != nil {
		return err
	}
	digest, err := image.Digest()
	if err != nil {
		return err
	}
	list = append(list, images.Listed{Setting: images.SuiteSetting, Reference: o.suite, Digest: digest.String()})
	if err := packaging.Save(filepath.Join(dir, packaging.ImageFile(images.SuiteSetting)), o.suite, image); err != nil {
		return cli.UsageError{Err: fmt.Errorf("SUITE_IMAGE: %w", err)}
	}
	if err := images.SaveList(dir, list); err != nil {
		return err
	}
	if err := packaging.SaveSBOM(dir, version.OfCheckout(ctx, "."), list); err != nil {
		return err
	}
	// Manifests keep their place, by which messages and comments name them.
	for from, to := range map[string]string{"e2e/deploy": "e2e/deploy", "e2e/deploy/record": "e2e/deploy/record", "fixtures": "fixtures", "e2e/internal/packaging/README.bundle.md": "README.md", "LICENSE": "LICENSE", "e2e/CERTIFY.md": "e2e/CERTIFY.md"} {
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

// saveWorkload writes archives of the workload's images below dir: from their registry where it answers, else built here, which is possible for
// this machine's architecture alone.
func saveWorkload(ctx context.Context, o bundleOptions, dir string, progress io.Writer) ([]images.Listed, error) {
	var out []images.Listed
	save := func(setting, reference string, image v1.Image) error {
		digest, err := image.Digest()
		if err != nil {
			return err
		}
		out = append(out, images.Listed{Setting: setting, Reference: reference, Digest: digest.String()})
		return packaging.Save(filepath.Join(dir, packaging.ImageFile(setting)), reference, image)
	}
	missing := map[string]bool{}
	wanted := []images.Listed{{Setting: images.NginxSetting, Reference: o.workload.Nginx}, {Setting: images.BusyboxSetting, Reference: o.workload.Busybox}}
	if contract.Level(o.level) == contract.Workload {
		wanted = append(wanted, images.Listed{Setting: images.EtcdSetting, Reference: o.workload.Etcd}, images.Listed{Setting: images.PostgresSetting, Reference: o.workload.Postgres})
	}
	for _, i := range wanted {
		image, err := images.Pull(ctx, i.Reference, o.architecture)
		if err != nil && o.architecture != runtime.GOARCH {
			return nil, fmt.Errorf("the image %s could not be pulled for %s (%w), and this machine builds images for %s alone: name one with %s, or pack on a machine of %[2]s",
				i.Reference, o.architecture, err, runtime.GOARCH, i.Setting)
		}
		if err != nil {
			fmt.Fprintf(progress, "bundle: %s could not be pulled (%v), so it is built here\n", i.Reference, err)
			missing[i.Setting] = true
			continue
		}
		if err := save(i.Setting, i.Reference, image); err != nil {
			return nil, err
		}
	}
	return out, buildMissing(ctx, missing, progress, save)
}

// buildMissing builds the images of those settings, and saves them.
func buildMissing(ctx context.Context, missing map[string]bool, progress io.Writer, save func(setting, reference string, image v1.Image) error) error {
	if missing[images.EtcdSetting] {
		if err := nodeimage.BuildEtcd(ctx, progress, func(image v1.Image) error { return save(images.EtcdSetting, images.PublicEtcd, image) }); err != nil {
			return err
		}
	}
	if missing[images.PostgresSetting] {
		err := nodeimage.BuildPostgres(ctx, progress, func(tag name.Tag, image v1.Image) error { return save(images.PostgresSetting, tag.String(), image) })
		if err != nil {
			return err
		}
	}
	if !missing[images.NginxSetting] && !missing[images.BusyboxSetting] {
		return nil
	}
	return nodeimage.BuildWorkload(ctx, progress, func(w nodeimage.Workload, built map[name.Tag]v1.Image) error {
		for setting, reference := range map[string]string{images.NginxSetting: w.Nginx, images.BusyboxSetting: w.Busybox} {
			tag, err := name.NewTag(reference)
			if err != nil {
				return err
			}
			if !missing[setting] {
				continue
			}
			if err := save(setting, reference, built[tag]); err != nil {
				return err
			}
		}
		return nil
	})
}
