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

// DatabaseOptions say which images of the level workload are wanted that no node carries.
type DatabaseOptions struct {
	Engine *engine.Engine
	// Wanted are images to use as they are; an empty one leaves the choice to this package.
	Wanted Workload
	// KubernetesVersion and NodeImage are what the cluster was asked to be made of. They say which etcd it has, and so which is an earlier one.
	KubernetesVersion, NodeImage string
	// Progress receives a line for each step that takes time.
	Progress io.Writer
}

// ResolveDatabases chooses the images of PostgreSQL and of an earlier etcd, and returns those of them that the engine has, so that they can be loaded into
// nodes. There is no earlier etcd where nothing says which etcd the cluster has.
func ResolveDatabases(ctx context.Context, o DatabaseOptions) (chosen Workload, load []string, err error) {
	tree := postgresStep()
	all := []database{{
		chosen: &chosen.Postgres, wanted: o.Wanted.Postgres, public: images.PublicPostgres, own: postgresTag(tree), setting: images.PostgresSetting,
		build: func(use func(name.Tag, v1.Image) error) error { return BuildPostgres(ctx, o.Progress, use) },
	}}
	earlier := earlierEtcd(o)
	if earlier != nil || o.Wanted.EarlierEtcd != "" {
		d := database{chosen: &chosen.EarlierEtcd, wanted: o.Wanted.EarlierEtcd, setting: images.EarlierEtcdSetting}
		if earlier != nil {
			d.public, d.own = etcdRepository+":"+earlier.etcdTag, etcdTag(earlier)
			d.build = func(use func(name.Tag, v1.Image) error) error {
				return buildEtcd(ctx, earlier, o.Progress, func(image v1.Image) error { return usedAs(d.own, image, use) })
			}
		}
		all = append(all, d)
	}
	for _, d := range all {
		image, has, err := d.resolve(ctx, o)
		if err != nil {
			return Workload{}, nil, err
		}
		if *d.chosen = image; has {
			load = append(load, image)
		}
	}
	return chosen, load, nil
}

// earlierEtcd returns the last version of Kubernetes before the cluster's that has another etcd, nil where that is not known.
func earlierEtcd(o DatabaseOptions) *versions {
	if o.NodeImage != "" || o.Wanted.Etcd != "" {
		return nil
	}
	c, err := choose(o.KubernetesVersion)
	if err != nil || c.build == nil {
		return nil
	}
	all := supported()
	at := slices.IndexFunc(all, func(v versions) bool { return v.kubernetes == c.build.kubernetes })
	for _, v := range all[at:] {
		if v.etcd != c.build.etcd {
			return &v
		}
	}
	return nil
}

// database is one such image: where it comes from, and where its name goes.
type database struct {
	chosen      *string
	wanted      string // as it is
	public, own string // the public image, and the name of the one that is built
	setting     string // that names another
	build       func(use func(name.Tag, v1.Image) error) error
}

// resolve chooses the image: the one that is named, else the public one where the engine has it or a registry answers, else one that is built. It reports
// whether the engine has it.
func (d database) resolve(ctx context.Context, o DatabaseOptions) (image string, has bool, err error) {
	if d.wanted != "" {
		// A registry that only the nodes reach may have it.
		return d.wanted, present(ctx, o.Engine, d.wanted) || pull(ctx, o.Engine, d.wanted, o.Progress) == nil, ctx.Err()
	}
	for _, image := range []string{d.public, d.own} {
		if present(ctx, o.Engine, image) {
			return image, true, nil
		}
	}
	unpulled := pull(ctx, o.Engine, d.public, o.Progress)
	if unpulled == nil {
		return d.public, true, nil
	}
	fmt.Fprintf(o.Progress, "image %s: not pulled (%v), so it is built\n", d.public, unpulled)
	err = d.build(func(tag name.Tag, image v1.Image) error { return assembly{engine: o.Engine}.load(ctx, tag, image) })
	if err != nil {
		return "", false, fmt.Errorf("the image %s could not be pulled (%w), and none could be built: %w; %s names another", d.public, unpulled, err, d.setting)
	}
	return d.own, true, nil
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
		return usedAs(postgresTag(tree), image, use)
	})
}

// usedAs hands an image to use with its name.
func usedAs(tag string, image v1.Image, use func(name.Tag, v1.Image) error) error {
	parsed, err := name.NewTag(tag, name.StrictValidation)
	if err != nil {
		return err
	}
	return use(parsed, image)
}

// BuildEtcd makes the image of etcd that is like the public one from its Go module and hands it to use, after which it is gone.
func BuildEtcd(ctx context.Context, progress io.Writer, use func(v1.Image) error) error {
	return buildEtcd(ctx, &supported()[0], progress, use)
}

// etcdRepository is that of the public image.
const etcdRepository = "registry.k8s.io/etcd"

// etcdStep makes the program.
func etcdStep(v *versions) *step {
	all := v.programs()
	return all[slices.IndexFunc(all, func(p program) bool { return p.name == "etcd" })].step()
}

// etcdTag names the image that is made of the program of that step.
func etcdTag(v *versions) string { return registry + "/etcd:" + v.etcdTag + "-" + etcdStep(v).key() }

// buildEtcd is BuildEtcd for the etcd of a version of Kubernetes.
func buildEtcd(ctx context.Context, v *versions, progress io.Writer, use func(v1.Image) error) error {
	return built(ctx, progress, etcdStep(v), func(dir, scratch string) error {
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
