package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/packaging"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodeimage"
)

// The settings that name images.
const (
	nginxSetting   = "NGINX_IMAGE"
	busyboxSetting = "BUSYBOX_IMAGE"
	suiteSetting   = "SUITE_IMAGE"
)

func newImagesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "images",
		Short: "List every image that a run on a cluster of yours uses, by digest",
		Long: `List every image that a run on a cluster of yours uses, by digest, one a line: the setting that names another, the image, its digest.
The digest comes from the bundle that this program is part of, or else from the image's registry; it is "-" where neither tells.
IMAGE_MIRROR is put in place of the images' registry.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			images, err := listImages(cmd.Context(), os.Getenv)
			if err != nil {
				return err
			}
			for _, i := range images {
				if i.Digest == "" {
					fmt.Fprintf(cmd.ErrOrStderr(), "images: no digest of %s: %s\n", i.Reference, i.From)
				}
			}
			return packaging.WriteList(cmd.OutOrStdout(), images)
		},
	}
}

// listImages returns the images of a run, with the digests that can be found.
func listImages(ctx context.Context, getenv func(string) string) ([]packaging.Listed, error) {
	a, problems := readAsked(getenv, allLevels()...)
	workload, wrong := imagesOf(a)
	if problems = append(problems, wrong...); len(problems) > 0 {
		return nil, unfit(problems)
	}
	suite := suiteImage(getenv)
	if getenv(suiteSetting) == "" {
		mirrored, err := packaging.Mirrored(a.imageMirror, suite)
		if err != nil {
			return nil, wrongUse{fmt.Errorf("IMAGE_MIRROR: %w", err)}
		}
		suite = mirrored
	}
	out := []packaging.Listed{
		{Setting: nginxSetting, Reference: workload.Nginx},
		{Setting: busyboxSetting, Reference: workload.Busybox},
		{Setting: suiteSetting, Reference: suite},
	}
	bundled, _ := packaging.ReadList(packaging.Packed())
	for i := range out {
		for _, b := range bundled {
			if b.Setting == out[i].Setting && sameImage(b.Reference, out[i].Reference) {
				out[i].Digest = b.Digest
			}
		}
		if out[i].Digest != "" {
			continue
		}
		var err error
		if out[i].Digest, err = packaging.Digest(ctx, out[i].Reference); err != nil {
			out[i].From = err.Error()
		}
	}
	return out, nil
}

// sameImage says whether two references name one image, be it in different registries.
func sameImage(a, b string) bool {
	one, err1 := name.ParseReference(a)
	other, err2 := name.ParseReference(b)
	return err1 == nil && err2 == nil && one.Identifier() == other.Identifier() &&
		filepath.Base(one.Context().RepositoryStr()) == filepath.Base(other.Context().RepositoryStr())
}

// saveWorkload writes archives of the workload's images below dir: from their registry where it answers, else built here.
func saveWorkload(ctx context.Context, a asked, dir string, progress io.Writer) ([]packaging.Listed, error) {
	wanted := nodeimage.PublicWorkload()
	if a.images.Nginx != "" {
		wanted.Nginx = a.images.Nginx
	}
	if a.images.Busybox != "" {
		wanted.Busybox = a.images.Busybox
	}
	var out []packaging.Listed
	save := func(setting, reference string, image v1.Image) error {
		digest, err := image.Digest()
		if err != nil {
			return err
		}
		out = append(out, packaging.Listed{Setting: setting, Reference: reference, Digest: digest.String()})
		return packaging.Save(filepath.Join(dir, packaging.ImageFile(setting)), reference, image)
	}
	missing := map[string]bool{}
	for _, i := range []packaging.Listed{{Setting: nginxSetting, Reference: wanted.Nginx}, {Setting: busyboxSetting, Reference: wanted.Busybox}} {
		image, err := packaging.Pull(ctx, i.Reference, runtime.GOARCH)
		if err != nil {
			fmt.Fprintf(progress, "bundle: no registry has %s, so it is built from Debian packages\n", i.Reference)
			missing[i.Setting] = true
			continue
		}
		if err := save(i.Setting, i.Reference, image); err != nil {
			return nil, err
		}
	}
	if len(missing) == 0 {
		return out, nil
	}
	err := nodeimage.BuildWorkload(ctx, progress, func(w nodeimage.Workload, images map[name.Tag]v1.Image) error {
		for setting, reference := range map[string]string{nginxSetting: w.Nginx, busyboxSetting: w.Busybox} {
			tag, err := name.NewTag(reference)
			if err != nil {
				return err
			}
			if !missing[setting] {
				continue
			}
			if err := save(setting, reference, images[tag]); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}
