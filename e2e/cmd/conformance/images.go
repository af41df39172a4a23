package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/images"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner"
)

// imagesOptions are the options of images.
type imagesOptions struct {
	certifyOptions
	suite, level string
}

func newImagesCommand() *cobra.Command {
	var o imagesOptions
	command := &cobra.Command{
		Use:   "images",
		Short: "List every image that a run on a cluster of yours uses, by digest",
		Long: `List every image that a run on a cluster of yours uses, by digest, one a line: the setting that names another, the image, its digest.
The digest comes from the bundle that this program is part of, or else from the image's registry; it is "-" if neither has it.`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := listImages(cmd.Context(), &o)
			if err != nil {
				return err
			}
			for _, i := range list {
				if i.Digest == "" {
					fmt.Fprintf(cmd.ErrOrStderr(), "images: no digest of %s: %s\n", i.Reference, i.From)
				}
			}
			return images.WriteList(cmd.OutOrStdout(), list)
		},
	}
	f := cli.NewFlags(command.Flags(), os.Getenv)
	f.String(&o.Images.Nginx, "NGINX_IMAGE", "", "nginx `image` of the pods")
	f.String(&o.Images.Busybox, "BUSYBOX_IMAGE", "", "busybox `image` of the pods")
	f.String(&o.Images.Etcd, "ETCD_IMAGE", "", "etcd `image` of the level workload")
	f.String(&o.Images.Postgres, "POSTGRES_IMAGE", "", "PostgreSQL `image` of the level workload")
	f.String(&o.level, "LEVEL", string(contract.Extended), "highest `level` of guarantees to check: workload has databases")
	f.String(&o.suite, "SUITE_IMAGE", "", "`image` of the suite itself (default: "+images.Suite+")")
	f.String(&o.imageMirror, "IMAGE_MIRROR", "", "`registry/path` to put in place of the images' registry")
	return command
}

// imagesOf returns the images of a run, without digests.
func imagesOf(o *imagesOptions) ([]images.Listed, error) {
	if !slices.Contains(contract.Levels(), contract.Level(o.level)) {
		return nil, cli.UsageError{Err: fmt.Errorf("LEVEL=%s: expected one of %v", o.level, contract.Levels())}
	}
	workload, wrong := workloadImages(&o.certifyOptions)
	if len(wrong) > 0 {
		return nil, runner.PreflightError(wrong)
	}
	suite := o.suite
	if suite == "" {
		var err error
		if suite, err = images.Mirrored(o.imageMirror, images.Suite); err != nil {
			return nil, cli.UsageError{Err: fmt.Errorf("IMAGE_MIRROR: %w", err)}
		}
	}
	out := []images.Listed{
		{Setting: images.NginxSetting, Reference: workload.Nginx},
		{Setting: images.BusyboxSetting, Reference: workload.Busybox},
		{Setting: images.SuiteSetting, Reference: suite},
	}
	if contract.Level(o.level) == contract.Workload {
		out = append(out,
			images.Listed{Setting: images.EtcdSetting, Reference: cmp.Or(workload.Etcd, images.PublicEtcd)},
			images.Listed{Setting: images.PostgresSetting, Reference: workload.Postgres})
	}
	return out, nil
}

// listImages returns the images of a run, with the digests that can be found.
func listImages(ctx context.Context, o *imagesOptions) ([]images.Listed, error) {
	out, err := imagesOf(o)
	if err != nil {
		return nil, err
	}
	bundled, _ := images.Bundled()
	for i := range out {
		for _, b := range bundled {
			if b.Setting == out[i].Setting && images.SameImage(b.Reference, out[i].Reference) {
				out[i].Digest = b.Digest
			}
		}
		if out[i].Digest != "" {
			continue
		}
		if out[i].Digest, err = images.Digest(ctx, out[i].Reference); err != nil {
			out[i].From = err.Error()
		}
	}
	return out, nil
}
