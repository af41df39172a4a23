package nodeimage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/imagelayer"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/host"
)

// Label marks every image that this package makes in an engine. Every container of such an image has it too, whoever made that.
const Label = "statefulset-conformance.made=node-image"

// The labels under which a node image names the workload images that it carries.
const (
	nginxLabel   = "statefulset-conformance.nginx"
	busyboxLabel = "statefulset-conformance.busybox"
)

// Source says where a node image comes from.
type Source string

// The sources of node images.
const (
	Requested Source = "requested" // named by the caller
	Kind      Source = "kind"      // kind's own
	Built     Source = "built"     // built here
)

// Image is a node image that the engine has, or that the caller named.
type Image struct {
	Name   string
	Source Source
	// Carried names the workload images inside the node image; empty where it carries none.
	Carried Workload
}

// Options say which node image is wanted.
type Options struct {
	Engine *engine.Engine
	// Name is an image to use as it is.
	Name string
	// KubernetesVersion is the version that a node is to run; empty leaves it to the image.
	KubernetesVersion string
	// Progress receives a line for each step that takes time.
	Progress io.Writer
}

// Resolve returns the node image to use, which it pulls or builds when it has to.
func Resolve(ctx context.Context, o Options) (Image, error) {
	if o.Name != "" {
		if !present(ctx, o.Engine, o.Name) {
			if err := pull(ctx, o.Engine, o.Name, o.Progress); err != nil {
				return Image{}, &MissingImageError{Image: o.Name, Cause: err}
			}
		}
		return describe(ctx, o.Engine, Image{Name: o.Name, Source: Requested})
	}
	c, err := choose(o.KubernetesVersion)
	if err != nil {
		return Image{}, err
	}
	if c.image != "" && present(ctx, o.Engine, c.image) {
		return Image{Name: c.image, Source: Kind}, nil
	}
	var b *build
	if c.build != nil {
		b = newBuild(*c.build)
		if present(ctx, o.Engine, b.tag()) {
			return describe(ctx, o.Engine, Image{Name: b.tag(), Source: Built})
		}
	}
	reason := errors.New("kind publishes none of this version")
	if c.image != "" {
		if reason = pull(ctx, o.Engine, c.image, o.Progress); reason == nil {
			return Image{Name: c.image, Source: Kind}, nil
		}
		if ctx.Err() != nil {
			return Image{}, context.Cause(ctx)
		}
		reason = fmt.Errorf("%s could not be pulled: %w", c.image, reason)
	}
	if b == nil {
		major, minor := majorMinor(o.KubernetesVersion)
		return Image{}, fmt.Errorf("no node image of Kubernetes %s: %w; it cannot be built here: K8S_VERSION=v%s.%s takes the patch that can",
			o.KubernetesVersion, reason, major, minor)
	}
	if err := b.run(ctx, o.Engine, reason, o.Progress); err != nil {
		return Image{}, err
	}
	return describe(ctx, o.Engine, Image{Name: b.tag(), Source: Built})
}

func present(ctx context.Context, e *engine.Engine, image string) bool {
	_, err := e.Output(ctx, "image", "inspect", "--format", "{{.Id}}", image)
	return err == nil
}

// MissingImageError says that a node image named by the caller cannot be had.
type MissingImageError struct {
	Image string
	Cause error
}

func (e *MissingImageError) Error() string {
	return fmt.Sprintf("the node image %s (NODE_IMAGE) is not in the container engine and could not be pulled: %v", e.Image, e.Cause)
}

func (e *MissingImageError) Unwrap() error { return e.Cause }

// describe reads off an image which workload images it carries.
func describe(ctx context.Context, e *engine.Engine, image Image) (Image, error) {
	labels, err := e.Output(ctx, "image", "inspect", "--format",
		fmt.Sprintf(`{{index .Config.Labels %q}}{{"\n"}}{{index .Config.Labels %q}}`, nginxLabel, busyboxLabel), image.Name)
	if err != nil {
		return image, err
	}
	nginx, busybox, _ := strings.Cut(strings.TrimRight(labels, "\n"), "\n")
	image.Carried = Workload{Nginx: nginx, Busybox: busybox}
	return image, nil
}

// build is one node image to be made.
type build struct {
	v                                     versions
	kubernetes, containerd, etcd, coreDNS *step
	cniPlugins, own, system, base         *step
	node                                  *step // its key is the image's; it is made in the engine and has no folder
}

func newBuild(v versions) *build {
	b := &build{v: v, kubernetes: v.kubernetesStep(), own: v.ownProgramsStep()}
	byName := map[string]*step{}
	for _, p := range v.programs() {
		byName[p.name] = p.step()
	}
	b.containerd, b.etcd, b.coreDNS = byName["containerd"], byName["etcd"], byName["coredns"]
	b.cniPlugins = byName["cni-plugins"]
	b.system = treeStep("system", "userspace of a node, from Debian packages", "node.sh", "minbase", []string{
		"systemd", "conntrack", "iptables", "iproute2", "ethtool", "kmod", "mount", "libseccomp2", "procps", "crun", "jq", "ca-certificates",
	})
	b.base = baseStep()
	b.node = &step{
		name:   "node",
		title:  "putting the node image together",
		inputs: []string{assemblyRecipe, v.kubernetes, v.etcdTag, v.pauseTag, v.kind, digestOf(sources, "files")},
		after:  append(b.programs(), b.system, b.base),
	}
	return b
}

// baseStep makes the tree that the images inside a node which need more than a program are built on.
func baseStep() *step {
	return treeStep("base", "nginx, busybox and iptables, from Debian packages", "base.sh", "essential", []string{
		"nginx", "busybox-static", "iptables", "hostname",
	})
}

// assemblyRecipe stands for what the code of this package does with the parts; it is raised when that changes.
const assemblyRecipe = "1"

func (b *build) programs() []*step {
	return []*step{b.kubernetes, b.containerd, b.etcd, b.coreDNS, b.cniPlugins, b.own}
}

func (b *build) trees() []*step { return []*step{b.system, b.base} }

// tag is the name of the image, which carries the digest of all that it is made of.
func (b *build) tag() string {
	return fmt.Sprintf("%s/node:%s-%s", registry, b.v.kubernetes, b.node.key())
}

// lockSteps returns the folder in which the results of steps are cached, which is this process's own until unlock is called.
func lockSteps(ctx context.Context) (dir string, unlock func(), err error) {
	cache, err := engine.CacheDir()
	if err != nil {
		return "", nil, err
	}
	dir = filepath.Join(cache, "node-image")
	unlock, err = host.Lock(ctx, dir+".lock")
	return dir, unlock, err
}

// run builds the image in the engine; reason is why none can be used that was published.
func (b *build) run(ctx context.Context, e *engine.Engine, reason error, out io.Writer) error {
	dir, unlock, err := lockSteps(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if present(ctx, e, b.tag()) {
		return nil // another process has built it meanwhile
	}
	start := time.Now()
	fmt.Fprintf(out, "node image: %v: building one for Kubernetes %s (about 15 minutes on two cores when nothing is cached)\n", reason, b.v.kubernetes)
	all := append(append(b.trees(), b.programs()...), b.node)
	work := &builder{dir: dir, log: newProgress(out, all...)}
	// Packages wait for the network, programs for the processor, so the two run in parallel.
	if err := work.parallel(ctx, b.trees(), b.programs()); err != nil {
		return err
	}
	b.node.make = func(ctx context.Context, scratch string) error { return b.assemble(ctx, e, work, scratch) }
	work.log.begin(b.node.title)
	scratch := work.dirOf(b.node) + ".partial"
	defer os.RemoveAll(scratch)
	if err := errors.Join(os.RemoveAll(scratch), os.MkdirAll(scratch, 0o755)); err != nil {
		return err
	}
	assembling := time.Now()
	if err := b.node.make(ctx, scratch); err != nil {
		return fmt.Errorf("node image: %s: %w", b.node.title, err)
	}
	work.log.end(b.node.title, time.Since(assembling))
	fmt.Fprintf(out, "node image: %s is ready after %.0f s\n", b.tag(), time.Since(start).Seconds())
	return nil
}

// assemble makes the image of the parts that the other steps have left in their folders.
func (b *build) assemble(ctx context.Context, e *engine.Engine, work *builder, scratch string) error {
	tree, err := readBaseTree(filepath.Join(work.dirOf(b.base), "tree.tar"), filepath.Join(scratch, "busybox"))
	if err != nil {
		return err
	}
	busybox, err := newBusybox(ctx, tree)
	if err != nil {
		return err
	}
	workload := tree.workload()
	images, err := b.v.nodeImages(imageParts{
		kubernetes: work.dirOf(b.kubernetes), etcd: work.dirOf(b.etcd), coreDNS: work.dirOf(b.coreDNS),
		own: work.dirOf(b.own), base: work.dirOf(b.base),
	}, busybox, filepath.Join(scratch, "images"))
	if err != nil {
		return err
	}
	kindModule, err := download(ctx, "sigs.k8s.io/kind", b.v.kind)
	if err != nil {
		return err
	}
	kinds, err := b.v.kindLayer(kindModule)
	if err != nil {
		return err
	}
	system, err := imagelayer.FromArchive(filepath.Join(work.dirOf(b.system), "tree.tar"))
	if err != nil {
		return err
	}
	node, err := imagelayer.Assemble(runtime.GOARCH, v1.Config{
		Labels:     madeLabels(),
		Env:        append(pathEnv(), "container=docker"), // by which systemd knows where it is
		StopSignal: "SIGRTMIN+3",
	}, filepath.Join(scratch, "node"),
		system, programsLayer(work.dirOf(b.kubernetes), work.dirOf(b.containerd), work.dirOf(b.cniPlugins), work.dirOf(b.own)), kinds)
	if err != nil {
		return err
	}
	parts, err := name.NewTag(fmt.Sprintf("%s/node-parts:%s", registry, b.node.key()), name.StrictValidation)
	if err != nil {
		return err
	}
	a := assembly{engine: e}
	if err := a.load(ctx, parts, node); err != nil {
		return err
	}
	err = a.importImages(ctx, parts.String(), b.tag(), b.v, images, map[string]string{
		nginxLabel: workload.Nginx, busyboxLabel: workload.Busybox,
	})
	if err != nil {
		return err
	}
	// The image built upon them keeps the layers.
	_, err = e.Output(ctx, "image", "rm", parts.String())
	return err
}
