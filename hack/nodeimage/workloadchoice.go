package nodeimage

import (
	"context"
	"fmt"
	"io"

	"github.com/hero-academy/statefulset-conformance/hack/engine"
)

// The workload images where a registry answers.
const (
	registryNginx   = "docker.io/library/nginx:1.29-alpine"
	registryBusybox = "docker.io/library/busybox:1.37"
)

// WorkloadOptions say which workload images are wanted.
type WorkloadOptions struct {
	Engine *engine.Engine
	// Wanted names images to use as they are; what is empty is chosen.
	Wanted Workload
	// Carried names the images that are inside the nodes.
	Carried Workload
	// Progress is told what takes time.
	Progress io.Writer
}

// ResolveWorkload chooses the workload images: those asked for, else those that the nodes carry, else the well-known ones where a
// registry answers. It also lists what has to be loaded into the nodes because the engine has it and they do not.
func ResolveWorkload(ctx context.Context, o WorkloadOptions) (chosen Workload, load []string, err error) {
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
		if present(ctx, o.Engine, image) || pull(ctx, o.Engine, image, o.Progress) == nil {
			load = append(load, image)
			return image, nil
		}
		if wanted != "" {
			// A registry that only the nodes reach may have it; if none does, the first pod says so.
			return image, nil
		}
		return "", fmt.Errorf("no registry answers for the image %s and the node image carries none in its place: name one with NGINX_IMAGE or BUSYBOX_IMAGE", image)
	}
	if chosen.Nginx, err = choose(o.Wanted.Nginx, o.Carried.Nginx, registryNginx); err != nil {
		return chosen, nil, err
	}
	chosen.Busybox, err = choose(o.Wanted.Busybox, o.Carried.Busybox, registryBusybox)
	return chosen, load, err
}
