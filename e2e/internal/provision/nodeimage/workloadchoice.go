package nodeimage

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"runtime"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/imagelayer"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/images"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
)

// WorkloadOptions say which workload images are wanted.
type WorkloadOptions struct {
	Engine *engine.Engine
	// Wanted names images to use as they are; what is empty is chosen.
	Wanted Workload
	// Carried names the images that are inside the nodes.
	Carried Workload
	// Progress receives a line for each step that takes time.
	Progress io.Writer
}

// ResolveWorkload chooses the workload images: those that are named, else those that the nodes carry, else the well-known ones where a
// registry answers, else ones built from Debian packages. It also lists what has to be loaded into the nodes because the engine has it and they do not.
func ResolveWorkload(ctx context.Context, o WorkloadOptions) (chosen Workload, load []string, err error) {
	var built *Workload
	choose := func(wanted, carried, public string) (string, error) {
		image := wanted
		switch {
		case wanted == "" && carried != "":
			return carried, nil
		case wanted == "":
			image = public
		case wanted == carried:
			return carried, nil
		}
		var unpulled error
		if !present(ctx, o.Engine, image) {
			unpulled = pull(ctx, o.Engine, image, o.Progress)
		}
		if unpulled == nil {
			load = append(load, image)
			return image, nil
		}
		if wanted != "" {
			// A registry that only the nodes reach may have it; if none does, the first pod says so.
			return image, nil
		}
		if built == nil {
			fmt.Fprintf(o.Progress, "image %s: not pulled (%v), so it is built from Debian packages\n", image, unpulled)
			w, err := buildWorkload(ctx, o.Engine, o.Progress)
			if err != nil {
				return "", fmt.Errorf("the image %s could not be pulled (%w), none is in the node image, and none could be built: %w; NGINX_IMAGE and BUSYBOX_IMAGE name others",
					image, unpulled, err)
			}
			built = &w
		}
		image = built.Nginx
		if public == images.PublicBusybox {
			image = built.Busybox
		}
		load = append(load, image)
		return image, nil
	}
	if chosen.Nginx, err = choose(o.Wanted.Nginx, o.Carried.Nginx, images.PublicNginx); err != nil {
		return chosen, nil, err
	}
	chosen.Busybox, err = choose(o.Wanted.Busybox, o.Carried.Busybox, images.PublicBusybox)
	return chosen, load, err
}

// buildWorkload makes the workload images by themselves, for nodes whose image carries none.
func buildWorkload(ctx context.Context, e *engine.Engine, progress io.Writer) (Workload, error) {
	var chosen Workload
	err := BuildWorkload(ctx, progress, func(w Workload, images map[name.Tag]v1.Image) error {
		chosen = w
		if present(ctx, e, chosen.Nginx) && present(ctx, e, chosen.Busybox) {
			return nil
		}
		for tag, image := range images {
			if err := (assembly{engine: e}).load(ctx, tag, image); err != nil {
				return err
			}
		}
		return nil
	})
	return chosen, err
}

// BuildWorkload makes the workload images from Debian packages and hands them to use, after which they are gone.
func BuildWorkload(ctx context.Context, progress io.Writer, use func(Workload, map[name.Tag]v1.Image) error) error {
	return built(ctx, progress, baseStep(), func(dir, scratch string) error {
		tree, err := readBaseTree(filepath.Join(dir, "tree.tar"), filepath.Join(scratch, "busybox"))
		if err != nil {
			return err
		}
		busybox, err := newBusybox(ctx, tree)
		if err != nil {
			return err
		}
		images, err := workloadImages(dir, busybox, filepath.Join(scratch, "images"))
		if err != nil {
			return err
		}
		return use(tree.workload(), images)
	})
}

// workloadImages makes nginx and busybox of the tree of Debian packages.
func workloadImages(base string, busybox *busyboxBinary, work string) (map[name.Tag]v1.Image, error) {
	tree, err := imagelayer.FromArchive(filepath.Join(base, "tree.tar"))
	if err != nil {
		return nil, err
	}
	names := busybox.tree.workload()
	images := map[name.Tag]v1.Image{}
	for _, wanted := range []struct {
		reference string
		config    v1.Config
		layers    []any
	}{
		{names.Busybox, busyboxConfig(), []any{busybox.files()}},
		{names.Nginx, nginxConfig(), []any{tree, nginxLayer(busybox)}},
	} {
		tag, err := name.NewTag(wanted.reference, name.StrictValidation)
		if err != nil {
			return nil, err
		}
		if images[tag], err = imagelayer.Assemble(runtime.GOARCH, wanted.config, filepath.Join(work, tag.RepositoryStr()), wanted.layers...); err != nil {
			return nil, err
		}
	}
	return images, nil
}
