package nodes

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodefault"
)

// Disrupter disrupts the nodes and the control plane of the cluster of one spec, whenever it is told to. Unlike a Disruption it records nothing and
// fails no spec.
type Disrupter struct {
	nodes  *nodefault.Nodes
	client kubernetes.Interface
}

// NewDisrupter returns one. When the spec ends, the cluster has to work as before.
func NewDisrupter(ns *framework.Namespace) Disrupter {
	DeferCleanup(func(ctx context.Context) error { return restore(ctx, ns.Cluster) })
	return Disrupter{nodefault.Of(ns.Settings.Kind.Name, ns.Settings.Kind.Engine), ns.Client}
}

// leastUptime is how long a component has to have run before it is killed. kube-controller-manager and kube-scheduler end themselves while the API server
// is away, and each time that they do their kubelet waits twice as long before it starts them again, up to five minutes: with a control plane that is
// mostly away nothing is learnt.
func leastUptime(component string) time.Duration {
	if component == nodefault.APIServer {
		return 4 * time.Minute
	}
	return 30 * time.Second
}

// MayKill returns an error where a component has not run for long, or does not run.
func (d Disrupter) MayKill(ctx context.Context, component string) error {
	up, err := d.nodes.Uptime(ctx, component)
	if err != nil {
		return err
	}
	if least := leastUptime(component); up < least {
		return fmt.Errorf("%s has run for %v, and is killed only after %v", component, up, least)
	}
	return nil
}

// Kill kills a component.
func (d Disrupter) Kill(ctx context.Context, component string) error {
	return d.nodes.KillComponent(ctx, component)
}

// Cordon sets whether a node is unschedulable.
func (d Disrupter) Cordon(ctx context.Context, node string, unschedulable bool) error {
	return changeNode(ctx, d.client, node, func(n *corev1.Node) { n.Spec.Unschedulable = unschedulable })
}

// Pause stops a node with all that runs on it.
func (d Disrupter) Pause(ctx context.Context, node string) error { return d.nodes.Pause(ctx, node) }

// Resume undoes Pause.
func (d Disrupter) Resume(ctx context.Context, node string) error { return d.nodes.Resume(ctx, node) }
