package explorer

import (
	"context"
	"errors"
	"fmt"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/explore"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Disrupter disrupts the nodes and the control plane of a cluster.
type Disrupter interface {
	// MayKill returns why a component of the control plane must not be killed now: it was not long ago.
	MayKill(ctx context.Context, component string) error
	// Kill kills a component, which its kubelet starts again.
	Kill(ctx context.Context, component string) error
	// Cordon sets whether a node is unschedulable.
	Cordon(ctx context.Context, node string, unschedulable bool) error
	// Pause stops a node with all that runs on it, and Resume lets it go on.
	Pause(ctx context.Context, node string) error
	Resume(ctx context.Context, node string) error
}

// mayDisrupt returns an error where nothing may be disrupted: an episode of a file may ask for it anywhere.
func (r *run) mayDisrupt() error {
	if r.disrupter == nil {
		return errors.New("only at the level disruptive, on a kind cluster that the suite made itself, are nodes and the control plane disrupted")
	}
	return nil
}

// killed kills a component of the control plane and waits until the API server answers again.
func (r *run) killed(ctx context.Context, record framework.Request) error {
	if err := r.mayDisrupt(); err != nil {
		return err
	}
	if err := r.disrupter.MayKill(ctx, record.Name); err != nil {
		return err
	}
	if err := r.ns.Do(record, func() error { return r.disrupter.Kill(ctx, record.Name) }); err != nil {
		return err
	}
	return r.ns.AwaitAPI(ctx)
}

// disrupt cordons or stops the node of the pod that the request names.
func (r *run) disrupt(ctx context.Context, record framework.Request, method explore.Method) error {
	if err := r.mayDisrupt(); err != nil {
		return err
	}
	if r.disrupted != "" {
		return fmt.Errorf("the node %s is disrupted, and pods need one that is not", r.disrupted)
	}
	node := ""
	r.ns.View(func(s *history.State) {
		if pod := s.Get(history.Pods, record.Name); pod != nil {
			node = pod.Pod.Node
		}
	})
	if node == "" {
		return fmt.Errorf("%s has no node", record.Name)
	}
	record.Resource, record.Name = history.Nodes, node
	err := r.ns.Do(record, func() error {
		if method == explore.Cordon {
			return r.disrupter.Cordon(ctx, node, true)
		}
		return r.disrupter.Pause(ctx, node)
	})
	if err == nil {
		r.disrupted = node
	}
	return err
}

// restore undoes disrupt.
func (r *run) restore(ctx context.Context, record framework.Request, method explore.Method) error {
	if r.disrupted == "" {
		return errors.New("no node is disrupted")
	}
	record.Resource, record.Name = history.Nodes, r.disrupted
	err := r.ns.Do(record, func() error {
		if method == explore.Uncordon {
			return r.disrupter.Cordon(ctx, r.disrupted, false)
		}
		return r.disrupter.Resume(ctx, r.disrupted)
	})
	if err == nil {
		r.disrupted = ""
	}
	return err
}
