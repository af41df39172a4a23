package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
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
	// Databases provides the images of the level workload that the nodes do not carry.
	Databases bool
	// Exclusive keeps other runs off a kept cluster: for what disrupts nodes or controllers, which would disrupt those runs as well.
	Exclusive bool
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
	// engineID is recorded in the state.
	engineID string
	kind     *kind.Provider
	lock     *lock
	state    *state
	made     bool
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

// Up returns a ready cluster: the one that was kept, or a new one where there is none or it is not as the options say. A kept one that is
// not ready is repaired; where that fails it is left as it is, with an error.
func Up(ctx context.Context, o Options) (*Cluster, error) {
	dir, err := stateDirOf(o.Name)
	if err != nil {
		return nil, err
	}
	if o.Name == "" {
		o.Name = DefaultName
	}
	if len(o.Config) == 0 {
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
	id, err := found.ID(ctx)
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

	c := &Cluster{name: o.Name, dir: dir, engine: found, engineID: id}
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
func (c *Cluster) ensure(ctx context.Context, o Options, image nodeimage.Image, config []byte) (err error) {
	if o.Exclusive {
		if err := c.lock.exclusive(); err != nil {
			return err
		}
	}
	if c.state, err = c.dir.read(); err != nil {
		return err
	}
	if c.state == nil {
		if err := c.lock.exclusive(); err != nil {
			return err
		}
		return c.create(ctx, o, image, config)
	}
	if err := c.state.checkEngine(c.dir, c.engine, c.engineID); err != nil {
		return err
	}
	changed, err := c.reuse(ctx, o, image, config)
	if err != nil {
		return err
	}
	if changed == nil {
		fmt.Fprintf(o.Progress, "cluster: using %s, which was kept\n", c.name)
		// It was kept with images; what this run names instead comes on top.
		c.Images, err = c.provideImages(ctx, o, c.Images)
		return err
	}
	return c.replace(ctx, o, image, config, changed)
}

// replace creates the cluster in place of one that is not as the options say.
func (c *Cluster) replace(ctx context.Context, o Options, image nodeimage.Image, config []byte, changed error) (err error) {
	if err := c.lock.exclusive(); err != nil {
		return err
	}
	// A shared lock becomes an exclusive one in two steps, between which another process may have been here.
	if c.state, err = c.dir.read(); err != nil {
		return err
	}
	if c.state != nil {
		fmt.Fprintf(o.Progress, "cluster: replacing %s: %v\n", c.name, changed)
		if err := c.destroy(ctx); err != nil {
			return err
		}
	}
	return c.create(ctx, o, image, config)
}

// create creates the cluster, and removes it again if it cannot be completed.
func (c *Cluster) create(ctx context.Context, o Options, image nodeimage.Image, config []byte) (err error) {
	c.state = &state{
		Name: c.name, Kept: o.Keep, Image: image.Name, Config: digest(config), Engine: c.engine.Host(), EngineID: c.engineID, Creating: true,
	}
	found, err := nodesOf(ctx, c.engine, c.name)
	if err != nil {
		return err
	}
	if err := c.state.owned(found); err != nil {
		return err
	}
	count, err := nodeCount(config)
	if err != nil {
		return err
	}
	start := time.Now()
	fmt.Fprintf(o.Progress, "cluster: creating %s from %s\n", c.name, image.Name)
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
	newNetwork, err := networkMissing(ctx, c.engine)
	if err != nil {
		return err
	}
	if err := c.runKind(ctx, image.Name, config, count); err != nil {
		return err
	}
	if newNetwork {
		if err := recordNetwork(ctx, c.engine); err != nil {
			return err
		}
	}
	created := time.Now()
	if c.config, err = clientcmd.BuildConfigFromFlags("", c.dir.kubeconfig()); err != nil {
		return err
	}
	if c.Images, err = c.provideImages(ctx, o, image.Carried); err != nil {
		return err
	}
	waiting, cancel := context.WithTimeoutCause(ctx, readyWithin, fmt.Errorf("not so within %s", readyWithin))
	defer cancel()
	if err := ready.Cluster(waiting, c.config, count); err != nil {
		return fmt.Errorf("the cluster was created and did not become ready: %w%s", err, inotifyHint(inotifyInstances))
	}
	c.state.Nginx, c.state.Busybox = c.Images.Nginx, c.Images.Busybox
	if err := c.recordNodes(ctx); err != nil {
		return err
	}
	c.state.Creating = false
	if err := c.dir.write(c.state); err != nil {
		return err
	}
	fmt.Fprintf(o.Progress, "cluster: %s is ready after %.1f s (kind %.1f s, until ready %.1f s)\n", c.name,
		time.Since(start).Seconds(), created.Sub(start).Seconds(), time.Since(created).Seconds())
	if o.Keep && !o.Exclusive {
		return c.lock.shared()
	}
	return nil
}

// recordNodes writes the nodes that the cluster has now into its state.
func (c *Cluster) recordNodes(ctx context.Context) error {
	now, err := nodesOf(ctx, c.engine, c.name)
	if err != nil || slices.Equal(now, c.state.Nodes) {
		return err
	}
	c.state.Nodes = now
	return c.dir.write(c.state)
}

// Restore undoes node faults and waits until the cluster is ready again, as it must be to be kept.
func (c *Cluster) Restore(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyWithin, fmt.Errorf("not so within %s", readyWithin))
	defer cancel()
	if err := nodefault.Of(c.name, c.engine.Host()).Restore(ctx, c.config); err != nil {
		return fmt.Errorf("the nodes of the cluster %s are not all Ready: %w; it is left as it is: remove it with: make cluster-down CLUSTER_NAME=%s", c.name, err, c.name)
	}
	now, err := nodesOf(ctx, c.engine, c.name)
	if err != nil {
		return err
	}
	if err := c.state.owned(now); err != nil {
		return err
	}
	c.state.Nodes = now
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

// destroy removes the nodes and the cluster's folder. The caller holds the exclusive lock. It fails with a foreignError where there are nodes
// of the cluster's name that it does not consist of; these stay, and if no node of its own is left the cluster is forgotten.
func (c *Cluster) destroy(ctx context.Context) error {
	// A process that was killed while it wrote the kubeconfig leaves kind's lock on it, which kind would not remove.
	if err := os.Remove(c.dir.kubeconfig() + ".lock"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	// After a round that removes, another one looks whether they are gone.
	const rounds = 3
	for range rounds {
		left, err := nodesOf(ctx, c.engine, c.name)
		if err != nil {
			return err
		}
		if len(left) == 0 {
			return c.dir.remove()
		}
		if err := c.state.owned(left); err != nil {
			if foreign := new(foreignError); errors.As(err, &foreign) && foreign.none {
				return errors.Join(err, c.dir.remove())
			}
			return err
		}
		// A node that the engine was still creating for a process that was killed is met in the next round, as a foreign one.
		if err := c.kind.Delete(c.name, c.dir.kubeconfig()); err != nil {
			return kindError(err)
		}
	}
	return fmt.Errorf("nodes of the cluster %s are there after they were removed", c.name)
}
