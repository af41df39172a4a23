package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	kind "sigs.k8s.io/kind/pkg/cluster"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodefault"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodeimage"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/ready"
)

// DefaultName is the name of the suite's cluster.
const DefaultName = engine.Project

// Options say which cluster is wanted.
type Options struct {
	// Name is the cluster's; empty stands for DefaultName.
	Name string
	// Config is the kind configuration; empty stands for the project's kind-config.yaml.
	Config []byte
	// NodeImage is an image to use as it is; empty leaves the choice to package nodeimage.
	NodeImage string
	// KubernetesVersion is the version to run; empty leaves it to the image.
	KubernetesVersion string
	// Workload names images that the suite's pods are to run; what is empty is chosen here.
	Workload nodeimage.Workload
	// Keep makes a created cluster outlive the process that created it.
	Keep bool
	// Progress receives a line for each step that takes time.
	Progress io.Writer
}

// Cluster is a kind cluster of this project's that was found ready.
type Cluster struct {
	// Images are the images that the suite's pods are to run; the nodes have them, or can pull them.
	Images nodeimage.Workload

	name   string
	config *rest.Config
	dir    stateDir
	engine *engine.Engine
	kind   *kind.Provider
	lock   *lock
	state  *state
	made   bool
}

// Name is the name by which kind knows the cluster.
func (c *Cluster) Name() string { return c.name }

// Kubeconfig is the path of a file that is the cluster's alone.
func (c *Cluster) Kubeconfig() string { return c.dir.kubeconfig() }

// RESTConfig returns a copy of the settings for clients of the cluster.
func (c *Cluster) RESTConfig() *rest.Config { return rest.CopyConfig(c.config) }

// Engine is the container engine that the nodes run on.
func (c *Cluster) Engine() *engine.Engine { return c.engine }

// Reused reports whether the cluster was there before.
func (c *Cluster) Reused() bool { return !c.made }

// Kept reports whether Close leaves the cluster in place.
func (c *Cluster) Kept() bool { return c.state.Kept }

// NodeImage is the image that the nodes run.
func (c *Cluster) NodeImage() string { return c.state.Image }

// Up returns a ready cluster: the one that was kept, if it is unchanged, healthy and as the options say, otherwise a new one in its place.
func Up(ctx context.Context, o Options) (*Cluster, error) {
	if o.Name == "" {
		o.Name = DefaultName
	}
	if len(o.Config) == 0 {
		var err error
		if o.Config, err = projectConfig(); err != nil {
			return nil, err
		}
	}
	found, err := engine.Ensure(ctx, o.Progress)
	if err != nil {
		return nil, err
	}
	image, err := nodeimage.Resolve(ctx, nodeimage.Options{
		Engine: found, Name: o.NodeImage, KubernetesVersion: o.KubernetesVersion, Progress: o.Progress,
	})
	if err != nil {
		return nil, err
	}
	dir, err := stateDirOf(o.Name)
	if err != nil {
		return nil, err
	}
	restricted, err := observeRestrictions(ctx, found)
	if err != nil {
		return nil, err
	}
	config, err := configFor(o.Config, restricted)
	if err != nil {
		return nil, err
	}

	c := &Cluster{name: o.Name, dir: dir, engine: found}
	if c.kind, err = kindProvider(found); err != nil {
		return nil, err
	}
	if c.lock, err = lockShared(dir); err != nil {
		return nil, err
	}
	if err := c.ensure(ctx, o, image, config); err != nil {
		return nil, errors.Join(err, c.lock.release())
	}
	return c, nil
}

// ensure reuses the cluster that was kept or creates one.
func (c *Cluster) ensure(ctx context.Context, o Options, image nodeimage.Image, config []byte) error {
	left, err := c.dir.read()
	if err != nil {
		return err
	}
	if left != nil {
		if err := left.checkEngine(c.engine); err != nil {
			return err
		}
		reason := c.reuse(ctx, left, image, config)
		if reason == nil {
			fmt.Fprintf(o.Progress, "cluster: using %s, which was kept\n", c.name)
			// It was kept with images; what this run names instead comes on top.
			c.Images, err = c.provideImages(ctx, o, c.Images)
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := c.lock.exclusive(); err != nil {
			return err
		}
		fmt.Fprintf(o.Progress, "cluster: replacing %s: %v\n", c.name, reason)
		if err := c.destroy(ctx); err != nil {
			return err
		}
	}
	if err := c.lock.exclusive(); err != nil {
		return err
	}
	return c.create(ctx, o, image, config)
}

// create creates the cluster, and removes it again if it cannot be completed.
func (c *Cluster) create(ctx context.Context, o Options, image nodeimage.Image, config []byte) (err error) {
	foreign, err := nodesOf(ctx, c.engine, c.name)
	if err != nil {
		return err
	}
	if len(foreign) > 0 {
		return fmt.Errorf("there is a kind cluster %s which this project did not create: remove it (kind delete cluster --name %s), or set CLUSTER_NAME to another name", c.name, c.name)
	}
	start := time.Now()
	fmt.Fprintf(o.Progress, "cluster: creating %s from %s\n", c.name, image.Name)
	c.state = &state{Name: c.name, Kept: o.Keep, Image: image.Name, Config: digest(config), Engine: c.engine.Host()}
	if err := c.dir.write(c.state); err != nil {
		return err
	}
	c.made = true
	defer func() {
		if err == nil {
			return
		}
		// The clean-up also runs when ctx has ended.
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), removedWithin)
		defer cancel()
		err = errors.Join(err, c.destroy(cleanup))
	}()
	if err := recordNetwork(ctx, c.engine); err != nil {
		return err
	}
	if err := c.runKind(ctx, image.Name, config); err != nil {
		return err
	}
	created := time.Now()
	if c.config, err = clientcmd.BuildConfigFromFlags("", c.dir.kubeconfig()); err != nil {
		return err
	}
	if c.Images, err = c.provideImages(ctx, o, image.Carried); err != nil {
		return err
	}
	count, err := nodeCount(config)
	if err != nil {
		return err
	}
	waiting, cancel := context.WithTimeoutCause(ctx, readyWithin, fmt.Errorf("not so within %s", readyWithin))
	defer cancel()
	if err := ready.Cluster(waiting, c.config, count); err != nil {
		return fmt.Errorf("the cluster was created and did not become ready: %w%s", err, inotifyHint(inotifyInstances))
	}
	if c.state.Nodes, err = nodesOf(ctx, c.engine, c.name); err != nil {
		return err
	}
	c.state.Nginx, c.state.Busybox = c.Images.Nginx, c.Images.Busybox
	if err := c.dir.write(c.state); err != nil {
		return err
	}
	fmt.Fprintf(o.Progress, "cluster: %s is ready after %.1f s (kind %.1f s, until ready %.1f s)\n", c.name,
		time.Since(start).Seconds(), created.Sub(start).Seconds(), time.Since(created).Seconds())
	if o.Keep {
		return c.lock.shared()
	}
	return nil
}

// Restore undoes node faults and waits until the cluster is ready again, as it must be to be kept.
func (c *Cluster) Restore(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyWithin, fmt.Errorf("not so within %s", readyWithin))
	defer cancel()
	if err := nodefault.Of(c.name, c.engine.Host()).Restore(ctx, c.config); err != nil {
		return fmt.Errorf("the nodes of %s had faults and are not Ready again: %w; remove the cluster with: make cluster-down", c.name, err)
	}
	var err error
	if c.state.Nodes, err = nodesOf(ctx, c.engine, c.name); err != nil {
		return err
	}
	return c.dir.write(c.state)
}

// Keep makes Close leave the cluster in place.
func (c *Cluster) Keep() error {
	c.state.Kept = true
	return c.dir.write(c.state)
}

// Close releases the cluster. One that is kept stays; any other is removed.
func (c *Cluster) Close(ctx context.Context) error {
	if c.state.Kept {
		return c.lock.release()
	}
	return c.Down(ctx)
}

// Down removes the cluster.
func (c *Cluster) Down(ctx context.Context) error {
	return errors.Join(c.destroy(ctx), c.lock.release())
}

// destroy removes the nodes and the cluster's folder. The caller holds the exclusive lock.
func (c *Cluster) destroy(ctx context.Context) error {
	// A process that was killed while it wrote the kubeconfig leaves kind's lock on it, which kind would not remove.
	if err := os.Remove(c.dir.kubeconfig() + ".lock"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	// The engine may still be creating a container for a process that was killed, so that a node appears after the others are gone.
	const rounds = 3
	for range rounds {
		if err := c.kind.Delete(c.name, c.dir.kubeconfig()); err != nil {
			return kindError(err)
		}
		left, err := nodesOf(ctx, c.engine, c.name)
		if err != nil {
			return err
		}
		if len(left) == 0 {
			return c.dir.remove()
		}
	}
	return fmt.Errorf("nodes of the cluster %s come back after they were removed: something else is creating it", c.name)
}
