package nodeimage

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/imagelayer"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/images"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/host"
)

// PostgresOptions say which image of PostgreSQL is wanted.
type PostgresOptions struct {
	Engine *engine.Engine
	// Wanted is an image to use as it is; empty leaves the choice to this package.
	Wanted string
	// Progress receives a line for each step that takes time.
	Progress io.Writer
}

// ResolvePostgres chooses the image of PostgreSQL, which no node carries: the one that is named, else the public one where the engine has it or a registry
// answers, else one that is built from Debian packages. It reports whether the engine has it, so that it can be loaded into nodes.
func ResolvePostgres(ctx context.Context, o PostgresOptions) (image string, has bool, err error) {
	if o.Wanted != "" {
		// A registry that only the nodes reach may have it.
		return o.Wanted, present(ctx, o.Engine, o.Wanted) || pull(ctx, o.Engine, o.Wanted, o.Progress) == nil, ctx.Err()
	}
	tree := postgresStep()
	built := postgresTag(tree)
	for _, image := range []string{images.PublicPostgres, built} {
		if present(ctx, o.Engine, image) {
			return image, true, nil
		}
	}
	unpulled := pull(ctx, o.Engine, images.PublicPostgres, o.Progress)
	if unpulled == nil {
		return images.PublicPostgres, true, nil
	}
	fmt.Fprintf(o.Progress, "image %s: not pulled (%v), so it is built from Debian packages\n", images.PublicPostgres, unpulled)
	if err := buildPostgres(ctx, o, tree, built); err != nil {
		return "", false, fmt.Errorf("the image %s could not be pulled (%w), and none could be built: %w; %s names another", images.PublicPostgres, unpulled, err, images.PostgresSetting)
	}
	return built, true, nil
}

// postgresStep makes the tree of the image: the server and the few programs beside it that start it and copy it, and what they link to.
func postgresStep() *step {
	return treeStep("postgres", "PostgreSQL, from Debian packages", "postgres.sh", extract, []string{"postgresql", "busybox-static", "util-linux"})
}

// postgresTag names the image that is made of the tree of that step.
func postgresTag(tree *step) string { return registry + "/postgres:debian-" + tree.key() }

// buildPostgres makes the image and brings it into the engine.
func buildPostgres(ctx context.Context, o PostgresOptions, tree *step, reference string) error {
	cache, err := engine.CacheDir()
	if err != nil {
		return err
	}
	dir := filepath.Join(cache, "node-image")
	unlock, err := host.Lock(ctx, dir+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	work := &builder{dir: dir, log: newProgress(o.Progress, tree)}
	if err := work.run(ctx, tree); err != nil {
		return err
	}
	scratch, err := os.MkdirTemp(dir, "postgres-*.partial")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	image, err := postgresImage(filepath.Join(work.dirOf(tree), "tree.tar"), scratch)
	if err != nil {
		return err
	}
	tag, err := name.NewTag(reference, name.StrictValidation)
	if err != nil {
		return err
	}
	return assembly{engine: o.Engine}.load(ctx, tag, image)
}

// postgresImage makes the image of an archive of its tree. Layers are written below work.
func postgresImage(tree, work string) (v1.Image, error) {
	layer, err := imagelayer.FromArchive(tree)
	if err != nil {
		return nil, err
	}
	return imagelayer.Assemble(runtime.GOARCH, v1.Config{
		Cmd: []string{"postgres"}, Env: pathEnv(), Labels: madeLabels(),
		// On SIGTERM a server waits until its clients have gone; on SIGINT it ends their connections.
		StopSignal: "SIGINT",
	}, work, layer)
}
