package framework

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/util/retry"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodefault"
)

// nodesResource is what marks call the nodes, which are not recorded themselves.
const nodesResource history.Resource = "nodes"

// Outage hurts nodes and the control plane for one spec.
type Outage struct {
	ns    *Namespace
	nodes *nodefault.Nodes
	// Node is the worker that is hurt, Other one that stays whole.
	Node, Other string
}

// BeyondHurt says why the cluster must not be hurt, "" if it may be.
func (c *Cluster) BeyondHurt() string {
	if c.Settings.Kind == nil {
		return "not applicable: it stops nodes and the control plane, which is done only to a kind cluster that the suite made itself: make e2e LEVEL=disruptive"
	}
	return ""
}

// Mend brings the cluster back into order and checks that it is.
func (c *Cluster) Mend(ctx context.Context) error {
	l := c.Settings.Limits
	limit := l.APIServerBack + l.NodeBack
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not so within %s", limit))
	defer cancel()
	if err := nodefault.Of(c.Settings.Kind.Name, c.Settings.Kind.Engine).Restore(ctx, c.config); err != nil {
		return fmt.Errorf("inconclusive: the spec hurt the cluster and it is not whole again: %w", err)
	}
	return nil
}

// Hurt chooses the workers of an outage. Whatever is done to them is undone when the spec ends, however it ends.
func Hurt(ctx context.Context, ns *Namespace) *Outage {
	GinkgoHelper()
	o := &Outage{ns: ns, nodes: nodefault.Of(ns.Settings.Kind.Name, ns.Settings.Kind.Engine)}
	workers, err := o.nodes.Workers(ctx)
	Expect(err).NotTo(HaveOccurred())
	if len(workers) < 2 {
		Skip(fmt.Sprintf("not applicable: pods of a lost node need a second worker to go to, and the cluster has %v", workers))
	}
	o.Node, o.Other = workers[0], workers[1]
	DeferCleanup(ns.Mend)
	return o
}

// mark notes what is done to a node.
func (o *Outage) mark(act history.Verb, node, text string) {
	o.ns.Mark(act, nodesResource, node, "", text)
}

// Only has new pods go to one of the workers, until the returned function is called.
func (o *Outage) Only(ctx context.Context, node string) (lift func(context.Context)) {
	GinkgoHelper()
	workers, err := o.nodes.Workers(ctx)
	Expect(err).NotTo(HaveOccurred())
	workers = slices.DeleteFunc(workers, func(w string) bool { return w == node })
	for _, w := range workers {
		o.Cordon(ctx, w, true)
	}
	return func(ctx context.Context) {
		GinkgoHelper()
		for _, w := range workers {
			o.Cordon(ctx, w, false)
		}
	}
}

// Cordon keeps new pods from a node, or lets them come again.
func (o *Outage) Cordon(ctx context.Context, node string, closed bool) {
	GinkgoHelper()
	o.mark(history.VerbOther, node, fmt.Sprintf("node %s: unschedulable %t", node, closed))
	o.change(ctx, node, func(n *corev1.Node) { n.Spec.Unschedulable = closed })
}

// change changes a node, again when somebody else changed it meanwhile: its taints are one list, which the control plane writes too.
func (o *Outage) change(ctx context.Context, node string, f func(*corev1.Node)) {
	GinkgoHelper()
	nodes := o.ns.Client.CoreV1().Nodes()
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		n, err := nodes.Get(ctx, node, metav1.GetOptions{})
		if err != nil {
			return err
		}
		f(n)
		_, err = nodes.Update(ctx, n, metav1.UpdateOptions{})
		return err
	})
	Expect(err).NotTo(HaveOccurred(), "changing node %s", node)
}

// Pause has the node stop answering while its containers may still be there.
func (o *Outage) Pause(ctx context.Context) {
	GinkgoHelper()
	o.mark(history.VerbStopNode, o.Node, "pause node "+o.Node)
	Expect(o.nodes.Pause(ctx, o.Node)).To(Succeed())
}

// Resume lets the paused node go on.
func (o *Outage) Resume(ctx context.Context) {
	GinkgoHelper()
	o.mark(history.VerbStartNode, o.Node, "resume node "+o.Node)
	Expect(o.nodes.Resume(ctx, o.Node)).To(Succeed())
}

// Kill ends the node and all that runs on it.
func (o *Outage) Kill(ctx context.Context) {
	GinkgoHelper()
	o.mark(history.VerbStopNode, o.Node, "kill node "+o.Node)
	Expect(o.nodes.Kill(ctx, o.Node)).To(Succeed())
}

// Start boots the killed node.
func (o *Outage) Start(ctx context.Context) {
	GinkgoHelper()
	o.mark(history.VerbStartNode, o.Node, "start node "+o.Node)
	Expect(o.nodes.Start(ctx, o.Node)).To(Succeed())
}

// DeclareOutOfService puts the taint on the node that tells the control plane that it is off for good.
func (o *Outage) DeclareOutOfService(ctx context.Context) {
	GinkgoHelper()
	o.mark(history.VerbFenceNode, o.Node, "declare node "+o.Node+" out of service")
	o.change(ctx, o.Node, func(n *corev1.Node) {
		n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{
			Key: corev1.TaintNodeOutOfService, Value: "nodeshutdown", Effect: corev1.TaintEffectNoExecute,
		})
	})
}

// BackInService takes that taint away again.
func (o *Outage) BackInService(ctx context.Context) {
	GinkgoHelper()
	o.mark(history.VerbOther, o.Node, "declare node "+o.Node+" back in service")
	o.change(ctx, o.Node, func(n *corev1.Node) {
		n.Spec.Taints = slices.DeleteFunc(n.Spec.Taints, func(t corev1.Taint) bool { return t.Key == corev1.TaintNodeOutOfService })
	})
}

// DeleteNode deletes the Node object.
func (o *Outage) DeleteNode(ctx context.Context) {
	GinkgoHelper()
	o.mark(history.VerbFenceNode, o.Node, "delete the object of node "+o.Node)
	Expect(o.ns.Client.CoreV1().Nodes().Delete(ctx, o.Node, metav1.DeleteOptions{})).To(Succeed())
}

// AwaitNode waits until the node has registered, is Ready and takes pods.
func (o *Outage) AwaitNode(ctx context.Context) {
	GinkgoHelper()
	o.await(ctx, o.ns.Settings.Limits.NodeBack, "Ready and without taints", func(n *corev1.Node) bool {
		return readyNode(n) == corev1.ConditionTrue && len(n.Spec.Taints) == 0
	})
}

// AwaitUnreachable waits until the control plane has noticed that the node does not answer.
func (o *Outage) AwaitUnreachable(ctx context.Context) {
	GinkgoHelper()
	o.await(ctx, o.ns.Settings.Limits.NodeLost, "unreachable", func(n *corev1.Node) bool {
		return readyNode(n) == corev1.ConditionUnknown && slices.ContainsFunc(n.Spec.Taints, func(t corev1.Taint) bool {
			return t.Key == corev1.TaintNodeUnreachable && t.Effect == corev1.TaintEffectNoExecute
		})
	})
}

func readyNode(n *corev1.Node) corev1.ConditionStatus {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status
		}
	}
	return ""
}

func (o *Outage) await(ctx context.Context, limit time.Duration, what string, holds func(*corev1.Node) bool) {
	GinkgoHelper()
	nodes := o.ns.Client.CoreV1().Nodes()
	list, err := nodes.List(ctx, metav1.ListOptions{})
	Expect(err).NotTo(HaveOccurred())
	found := "no such node"
	asked := func(n *corev1.Node) bool {
		if n.Name != o.Node {
			return false
		}
		found = fmt.Sprintf("Ready %s, taints %v", readyNode(n), n.Spec.Taints)
		return holds(n)
	}
	if slices.ContainsFunc(list.Items, func(n corev1.Node) bool { return asked(&n) }) {
		return
	}
	err = follow(ctx, limit, list.ResourceVersion, nodes.Watch, func(e watch.Event) bool {
		n, ok := e.Object.(*corev1.Node)
		return ok && e.Type != watch.Deleted && asked(n)
	})
	Expect(err).NotTo(HaveOccurred(), "expected node %s to be %s within %s, found %s", o.Node, what, limit, found)
}

// Restart kills a component of the control plane, and waits until the API server answers, the recording has caught up and the
// set controller acts again.
func (o *Outage) Restart(ctx context.Context, component string) {
	GinkgoHelper()
	leases := o.ns.Client.CoordinationV1().Leases("kube-system")
	before, err := leases.Get(ctx, nodefault.ControllerManager, metav1.GetOptions{})
	Expect(err).NotTo(HaveOccurred())
	o.ns.Mark(history.VerbRestart, "", component, "", "kill "+component)
	Expect(o.nodes.KillComponent(ctx, component)).To(Succeed())
	killed := time.Now()

	l := o.ns.Settings.Limits
	Expect(o.ns.AwaitAPI(ctx)).To(Succeed())
	Expect(o.ns.Sync(ctx, l.APIServerBack)).To(Succeed(), "the recording must catch up")
	if component == nodefault.ControllerManager {
		err = follow(ctx, l.APIServerBack, before.ResourceVersion, leases.Watch, func(e watch.Event) bool {
			lease, ok := e.Object.(*coordinationv1.Lease)
			return ok && lease.Name == before.Name && *lease.Spec.HolderIdentity != *before.Spec.HolderIdentity
		})
		Expect(err).NotTo(HaveOccurred(), "expected another %s to take the lease that was %s's", component, *before.Spec.HolderIdentity)
	}
	Expect(o.ns.awaken(ctx, "after")).To(Succeed(), "the set controller must act again before it can break a rule")
	AddReportEntry("restart", fmt.Sprintf("%s acted again %.1f s after %s was killed", nodefault.ControllerManager, time.Since(killed).Seconds(), component))
}

// AwaitAPI waits until the API server calls itself ready: one that only answers may not know yet who may do what.
func (c *Cluster) AwaitAPI(ctx context.Context) error {
	limit := c.Settings.Limits.APIServerBack
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not so within %s", limit))
	defer cancel()
	backoff := wait.Backoff{Duration: 100 * time.Millisecond, Factor: 1, Steps: math.MaxInt32}
	err := retry.OnError(backoff, func(error) bool { return ctx.Err() == nil }, func() error {
		_, err := c.Client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("expected the API server to be ready again (%w): %w", context.Cause(ctx), err)
	}
	return nil
}
