package nodes

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodefault"
)

// Killer kills components of the control plane of the cluster of one spec, when it likes.
type Killer struct{ nodes *nodefault.Nodes }

// NewKiller returns one. When the spec ends, the cluster has to work as before.
func NewKiller(ns *framework.Namespace) Killer {
	DeferCleanup(func(ctx context.Context) error { return restore(ctx, ns.Cluster) })
	return Killer{nodefault.Of(ns.Settings.Kind.Name, ns.Settings.Kind.Engine)}
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
func (k Killer) MayKill(ctx context.Context, component string) error {
	up, err := k.nodes.Uptime(ctx, component)
	if err != nil {
		return err
	}
	if least := leastUptime(component); up < least {
		return fmt.Errorf("%s has run for %v, and is killed only after %v", component, up, least)
	}
	return nil
}

// Kill kills a component.
func (k Killer) Kill(ctx context.Context, component string) error {
	return k.nodes.KillComponent(ctx, component)
}
