package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodeimage"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/ready"
)

// reuse takes the cluster that was kept, after a repair where that is needed. changed says why another has to be created in its place; an
// error means that it stays as it is and cannot be used.
func (c *Cluster) reuse(ctx context.Context, o Options, image nodeimage.Image, config []byte) (changed, err error) {
	if changed := c.state.checkOptions(image.Name, digest(config)); changed != nil {
		return changed, nil
	}
	nodes, err := nodesOf(ctx, c.engine, c.name)
	if err != nil {
		return nil, err
	}
	if changed := c.state.checkNodes(nodes); changed != nil {
		return changed, nil
	}
	if c.config, err = clientcmd.BuildConfigFromFlags("", c.dir.kubeconfig()); err != nil {
		return nil, err
	}
	c.Images = nodeimage.Workload{Nginx: c.state.Nginx, Busybox: c.state.Busybox}
	trouble := c.state.checkRunning(nodes)
	if trouble == nil {
		trouble = c.checkHealth(ctx)
	}
	if trouble == nil {
		return nil, nil
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return nil, c.repair(ctx, o, trouble)
}

// repair makes a kept cluster that is in trouble ready again.
func (c *Cluster) repair(ctx context.Context, o Options, trouble error) error {
	if err := c.lock.exclusive(); err != nil {
		return fmt.Errorf("the cluster %s is not ready: %w: %w", c.name, trouble, err)
	}
	fmt.Fprintf(o.Progress, "cluster: %s, which was kept, is not ready: %v: starting its nodes and waiting for at most %s\n", c.name, trouble, readyWithin)
	if err := c.Restore(ctx); err != nil {
		return err
	}
	if o.Exclusive {
		return nil
	}
	return c.lock.shared()
}

// checkHealth asks whether the cluster is ready now.
func (c *Cluster) checkHealth(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, healthyWithin, fmt.Errorf("not so within %s", healthyWithin))
	defer cancel()
	client, err := kubernetes.NewForConfig(c.config)
	if err != nil {
		return err
	}
	if _, err := client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx); err != nil {
		return fmt.Errorf("its API does not answer: %w", err)
	}
	leases, err := client.CoordinationV1().Leases("kube-node-lease").List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("its API does not answer: %w", err)
	}
	if err := noHeartbeat(leases.Items); err != nil {
		return err
	}
	return ready.Cluster(ctx, c.config, len(c.state.Nodes))
}

// checkEngine fails for an engine other than the one that the cluster was created in.
func (s *state) checkEngine(dir stateDir, e *engine.Engine, id string) error {
	if s.Engine != e.Host() {
		return fmt.Errorf("the cluster %s was made in another container engine (%s): use that one (DOCKER_HOST), or set CLUSTER_NAME to have one beside it", s.Name, describeHost(s.Engine))
	}
	if s.EngineID != "" && s.EngineID != id {
		return fmt.Errorf("the cluster %s was made in another container engine at the same address (%s): its ID was %s, and the one that answers has %s: "+
			"use that one, or set CLUSTER_NAME to have one beside it; if that engine is no more, remove the folder %s", s.Name, describeHost(s.Engine), s.EngineID, id, dir.dir)
	}
	return nil
}

func describeHost(host string) string {
	if host == "" {
		return "docker's default"
	}
	return host
}

// checkOptions fails for a cluster that differs from the one that is wanted.
func (s *state) checkOptions(image, config string) error {
	switch {
	case s.Creating || len(s.Nodes) == 0:
		return errors.New("it was never completed")
	case !s.Kept:
		return errors.New("the run that made it did not remove it")
	case s.Image != image:
		return fmt.Errorf("it runs %s, and %s is wanted", s.Image, image)
	case s.Config != config:
		return errors.New("its kind configuration has changed")
	}
	return nil
}

// checkNodes fails when nodes were removed or added since the cluster was completed.
func (s *state) checkNodes(now []node) error {
	for _, n := range s.Nodes {
		if !slices.ContainsFunc(now, func(other node) bool { return other.ID == n.ID }) {
			return fmt.Errorf("its node %.12s is gone", n.ID)
		}
	}
	if len(now) != len(s.Nodes) {
		return fmt.Errorf("it has %d nodes, and was made with %d", len(now), len(s.Nodes))
	}
	return nil
}

// checkRunning fails when one of the nodes has stopped or was restarted since the cluster was completed.
func (s *state) checkRunning(now []node) error {
	for _, n := range s.Nodes {
		at := slices.IndexFunc(now, func(other node) bool { return other.ID == n.ID })
		switch {
		case at < 0 || now[at].Started == "":
			return fmt.Errorf("its node %.12s has stopped", n.ID)
		case now[at].Started != n.Started:
			return fmt.Errorf("its node %.12s was started anew", n.ID)
		}
	}
	return nil
}

// noHeartbeat names a node whose kubelet has stopped sending heartbeats; the API goes on calling it Ready for most of a minute. Heartbeats
// are compared with the latest one: this machine's clock may not be the nodes'.
func noHeartbeat(leases []coordinationv1.Lease) error {
	var latest time.Time
	for _, lease := range leases {
		if t := lease.Spec.RenewTime; t != nil && t.After(latest) {
			latest = t.Time
		}
	}
	for _, lease := range leases {
		if lease.Spec.RenewTime == nil {
			continue
		}
		if age := latest.Sub(lease.Spec.RenewTime.Time); age > heartbeatWithin {
			return fmt.Errorf("its node %s has sent no heartbeat for %.0f s", lease.Name, age.Seconds())
		}
	}
	return nil
}

// AwaitReady waits until the cluster is ready again after a disturbance.
func (c *Cluster) AwaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyWithin, fmt.Errorf("not so within %s", readyWithin))
	defer cancel()
	return ready.Cluster(ctx, c.config, len(c.state.Nodes))
}
