package nodefault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/container"
)

// The components of the control plane that can be killed.
const (
	APIServer         = "kube-apiserver"
	ControllerManager = "kube-controller-manager"
)

// Nodes are the nodes of one kind cluster. A node and its container have the same name.
type Nodes struct {
	engine  container.Client
	cluster string
}

// Of returns the nodes of the kind cluster of that name in the engine at that address, as container.Client.Host writes it.
func Of(cluster, host string) *Nodes {
	return &Nodes{engine: container.At(host), cluster: cluster}
}

// Workers returns the names of the nodes that are not the control plane, sorted.
func (n *Nodes) Workers(ctx context.Context) ([]string, error) {
	all, err := n.list(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, c := range all {
		if c.Role != controlPlane {
			names = append(names, c.Name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// ControlPlane returns the name of the first node of the control plane.
func (n *Nodes) ControlPlane(ctx context.Context) (string, error) {
	all, err := n.list(ctx)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(all, func(c Node) bool { return c.Role == controlPlane })
	if i < 0 {
		return "", fmt.Errorf("the kind cluster %s has no control plane", n.cluster)
	}
	return all[i].Name, nil
}

// Pause freezes a node and all that runs on it: it stops answering, and its containers go on where they were once it is resumed.
func (n *Nodes) Pause(ctx context.Context, node string) error {
	// On a busy machine the engine may give up while new processes keep starting on the node.
	backoff := wait.Backoff{Duration: 500 * time.Millisecond, Factor: 1, Steps: pauseTries}
	return retry.OnError(backoff, func(error) bool { return ctx.Err() == nil }, func() error { return n.command(ctx, node, "pause") })
}

// pauseTries is how often a pause is tried.
const pauseTries = 20

// Resume lets a paused node go on.
func (n *Nodes) Resume(ctx context.Context, node string) error {
	return n.command(ctx, node, "unpause")
}

// Kill ends a node with all that runs on it, at once, as a loss of power does.
func (n *Nodes) Kill(ctx context.Context, node string) error { return n.command(ctx, node, "kill") }

// Start boots a node that was killed.
func (n *Nodes) Start(ctx context.Context, node string) error { return n.command(ctx, node, "start") }

func (n *Nodes) command(ctx context.Context, node, verb string) error {
	if err := n.checkOwned(ctx, node); err != nil {
		return err
	}
	_, err := n.engine.Output(ctx, verb, node)
	return err
}

// checkOwned fails for a container that is no node of this cluster.
func (n *Nodes) checkOwned(ctx context.Context, node string) error {
	all, err := n.list(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(c Node) bool { return c.Name == node }) {
		return fmt.Errorf("%s is no node of the kind cluster %s", node, n.cluster)
	}
	return nil
}

// KillComponent kills the container of a component of the control plane, which its kubelet then starts again.
func (n *Nodes) KillComponent(ctx context.Context, component string) error {
	node, err := n.ControlPlane(ctx)
	if err != nil {
		return err
	}
	// Removed, the container leaves no exit behind: the kubelet would wait longer after each, up to five minutes, and what is to be
	// seen is a restart and not that wait.
	const script = `set -e
id=$(ctr --namespace k8s.io containers ls --quiet "labels.\"io.kubernetes.container.name\"==$1")
test -n "$id" || { echo "no container of $1 is there" >&2; exit 1; }
for i in $id; do
  ctr --namespace k8s.io tasks kill --signal SIGKILL "$i" 2>/dev/null || true
  ctr --namespace k8s.io tasks delete "$i" >/dev/null 2>&1 || true
  ctr --namespace k8s.io containers rm "$i" 2>/dev/null || true
done`
	_, err = n.engine.Output(ctx, "exec", node, "sh", "-c", script, "kill", component)
	return err
}

// Uptime returns for how many whole seconds a component of the control plane has run.
func (n *Nodes) Uptime(ctx context.Context, component string) (time.Duration, error) {
	node, err := n.ControlPlane(ctx)
	if err != nil {
		return 0, err
	}
	const script = `pid=$(pgrep --full --oldest "^$1 ") || { echo "$1 does not run" >&2; exit 1; }
ps --no-headers -o etimes --pid "$pid"`
	out, err := n.engine.Output(ctx, "exec", node, "sh", "-c", script, "uptime", component)
	if err != nil {
		return 0, err
	}
	seconds, err := strconv.Atoi(strings.TrimSpace(out))
	if err != nil {
		return 0, fmt.Errorf("expected how many seconds %s has run, found %q", component, out)
	}
	return time.Duration(seconds) * time.Second, nil
}

// startAll resumes every paused node and starts every stopped one.
func (n *Nodes) startAll(ctx context.Context) error {
	all, err := n.list(ctx)
	if err != nil {
		return err
	}
	var failed []error
	for _, c := range all {
		verb := startCommand(c.Status)
		if verb == "" {
			continue
		}
		if _, err := n.engine.Output(ctx, verb, c.Name); err != nil {
			failed = append(failed, fmt.Errorf("node %s, which is %s: %w", c.Name, c.Status, err))
		}
	}
	return errors.Join(failed...)
}

// startCommand returns what makes a container of that status run, "" where it does.
func startCommand(status string) string {
	switch status {
	case "running", "restarting":
		return ""
	case "paused":
		return "unpause"
	}
	return "start"
}

// list returns the cluster's nodes, at least one.
func (n *Nodes) list(ctx context.Context) ([]Node, error) {
	nodes, err := List(ctx, n.engine, n.cluster)
	if err == nil && len(nodes) == 0 {
		err = fmt.Errorf("the kind cluster %s has no nodes", n.cluster)
	}
	return nodes, err
}
