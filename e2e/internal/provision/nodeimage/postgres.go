package nodeimage

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

	"github.com/hero-academy/statefulset-conformance/e2e/internal/imagelayer"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/images"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
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
	own := postgresTag(postgresStep())
	for _, image := range []string{images.PublicPostgres, own} {
		if present(ctx, o.Engine, image) {
			return image, true, nil
		}
	}
	unpulled := pull(ctx, o.Engine, images.PublicPostgres, o.Progress)
	if unpulled == nil {
		return images.PublicPostgres, true, nil
	}
	fmt.Fprintf(o.Progress, "image %s: not pulled (%v), so it is built from Debian packages\n", images.PublicPostgres, unpulled)
	err = BuildPostgres(ctx, o.Progress, func(tag name.Tag, image v1.Image) error { return assembly{engine: o.Engine}.load(ctx, tag, image) })
	if err != nil {
		return "", false, fmt.Errorf("the image %s could not be pulled (%w), and none could be built: %w; %s names another", images.PublicPostgres, unpulled, err, images.PostgresSetting)
	}
	return own, true, nil
}

// postgresStep makes the tree of the image: the server and the few programs beside it that start it and copy it, and what they link to.
func postgresStep() *step {
	return treeStep("postgres", "PostgreSQL, from Debian packages", "postgres.sh", extract, []string{"postgresql", "busybox-static", "util-linux"})
}

// postgresTag names the image that is made of the tree of that step.
func postgresTag(tree *step) string { return registry + "/postgres:debian-" + tree.key() }

// BuildPostgres makes the image of PostgreSQL from Debian packages and hands it to use with its name, after which it is gone.
func BuildPostgres(ctx context.Context, progress io.Writer, use func(name.Tag, v1.Image) error) error {
	tree := postgresStep()
	return built(ctx, progress, tree, func(dir, scratch string) error {
		image, err := postgresImage(filepath.Join(dir, "tree.tar"), scratch)
		if err != nil {
			return err
		}
		tag, err := name.NewTag(postgresTag(tree), name.StrictValidation)
		if err != nil {
			return err
		}
		return use(tag, image)
	})
}

// BuildEtcd makes the image of etcd that is like the public one from its Go module and hands it to use, after which it is gone.
func BuildEtcd(ctx context.Context, progress io.Writer, use func(v1.Image) error) error {
	all := supported()[0].programs()
	at := slices.IndexFunc(all, func(p program) bool { return p.name == "etcd" })
	return built(ctx, progress, all[at].step(), func(dir, scratch string) error {
		image, err := imagelayer.Assemble(runtime.GOARCH, v1.Config{Entrypoint: []string{"/usr/local/bin/etcd"}, Env: pathEnv(), Labels: madeLabels()}, scratch,
			imagelayer.New().File("/usr/local/bin/etcd", filepath.Join(dir, "etcd")))
		if err != nil {
			return err
		}
		return use(image)
	})
}

// built has a step made, unless it was before, and hands its folder and an empty one to use.
func built(ctx context.Context, progress io.Writer, s *step, use func(dir, scratch string) error) error {
	dir, unlock, err := lockSteps(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	work := &builder{dir: dir, log: newProgress(progress, s)}
	if err := work.run(ctx, s); err != nil {
		return err
	}
	scratch, err := os.MkdirTemp(dir, s.name+"-*.partial")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	return use(work.dirOf(s), scratch)
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
