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

// reuse takes a cluster that was kept, or returns why it cannot be used.
func (c *Cluster) reuse(ctx context.Context, left *state, image nodeimage.Image, config []byte) error {
	if err := left.checkOptions(image.Name, digest(config)); err != nil {
		return err
	}
	nodes, err := nodesOf(ctx, c.engine, c.name)
	if err != nil {
		return err
	}
	if err := left.checkNodes(nodes); err != nil {
		return err
	}
	if c.config, err = clientcmd.BuildConfigFromFlags("", c.dir.kubeconfig()); err != nil {
		return err
	}
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
	if err := noHeartbeat(leases.Items, time.Now()); err != nil {
		return err
	}
	if err := ready.Cluster(ctx, c.config, len(left.Nodes)); err != nil {
		return err
	}
	c.state = left
	c.Images = nodeimage.Workload{Nginx: left.Nginx, Busybox: left.Busybox}
	return nil
}

// checkEngine fails for an engine other than the one that the cluster was created in.
func (s *state) checkEngine(e *engine.Engine) error {
	if s.Engine == e.Host() {
		return nil
	}
	return fmt.Errorf("the cluster %s was made in another container engine (%s): use that one (DOCKER_HOST), or set CLUSTER_NAME to have one beside it", s.Name, describeHost(s.Engine))
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
	case len(s.Nodes) == 0:
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

// checkNodes fails when containers of nodes were removed, stopped or restarted since the cluster was completed.
func (s *state) checkNodes(now []node) error {
	for _, n := range s.Nodes {
		at := slices.IndexFunc(now, func(other node) bool { return other.ID == n.ID })
		switch {
		case at < 0:
			return fmt.Errorf("its node %.12s is gone", n.ID)
		case now[at].Started == "":
			return fmt.Errorf("its node %.12s has stopped", n.ID)
		case now[at].Started != n.Started:
			return fmt.Errorf("its node %.12s was started anew", n.ID)
		}
	}
	if len(now) != len(s.Nodes) {
		return fmt.Errorf("it has %d nodes, and was made with %d", len(now), len(s.Nodes))
	}
	return nil
}

// noHeartbeat names a node whose kubelet has stopped sending heartbeats; the API goes on calling it Ready for most of a minute.
func noHeartbeat(leases []coordinationv1.Lease, now time.Time) error {
	for _, lease := range leases {
		if lease.Spec.RenewTime == nil {
			continue
		}
		if age := now.Sub(lease.Spec.RenewTime.Time); age > heartbeatWithin {
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
