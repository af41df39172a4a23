package nodes

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodefault"
)

// Disruption disrupts nodes and the control plane for one spec.
type Disruption struct {
	ns    *framework.Namespace
	nodes *nodefault.Nodes
	// Node is the worker that is disrupted, Other one that is not.
	Node, Other string
}

// CannotDisrupt says why the cluster must not be disrupted, "" if it may be.
func CannotDisrupt(c *framework.Cluster) string {
	if c.Settings.Kind == nil {
		return "not applicable: it stops nodes and the control plane, which is done only to a kind cluster that the suite made itself: make e2e LEVEL=disruptive"
	}
	return ""
}

// restore undoes every disruption of the cluster and waits until it works again.
func restore(ctx context.Context, c *framework.Cluster) error {
	l := c.Settings.Limits
	limit := l.APIServerBack + l.NodeBack
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not so within %s", limit))
	defer cancel()
	if err := nodefault.Of(c.Settings.Kind.Name, c.Settings.Kind.Engine).Restore(ctx, c.RESTConfig()); err != nil {
		return fmt.Errorf("inconclusive: the spec disrupted the cluster, which does not work as before again: %w", err)
	}
	return nil
}

// Disrupt chooses the workers of a disruption, which is undone when the spec ends, however it ends.
func Disrupt(ctx context.Context, ns *framework.Namespace) *Disruption {
	GinkgoHelper()
	d := &Disruption{ns: ns, nodes: nodefault.Of(ns.Settings.Kind.Name, ns.Settings.Kind.Engine)}
	workers, err := d.nodes.Workers(ctx)
	Expect(err).NotTo(HaveOccurred())
	if len(workers) < 2 {
		Skip(fmt.Sprintf("not applicable: pods of a lost node need a second worker to go to, and the cluster has %v", workers))
	}
	d.Node, d.Other = workers[0], workers[1]
	DeferCleanup(func(ctx context.Context) error { return restore(ctx, ns.Cluster) })
	return d
}

// Choose chooses the worker that is disrupted, and another one that is not.
func (d *Disruption) Choose(node string) {
	if node == d.Other {
		d.Other = d.Node
	}
	d.Node = node
}

// Dial connects to a port of the pod that has that name now, or had it last, from a worker that is not disrupted: without the API server.
func (d *Disruption) Dial(ctx context.Context, pod string, port int) (net.Conn, error) {
	for _, e := range slices.Backward(d.ns.History().Events) {
		if e.Resource == history.Pods && e.Name == pod && len(e.Pod.IPs) > 0 {
			return d.nodes.Dial(ctx, d.Other, e.Pod.IPs[0], port)
		}
	}
	return nil, fmt.Errorf("pod %s has no address yet", pod)
}

// PauseControlPlane stops the processes of the control plane's node, etcd and the API server among them, until the function that it returns is called,
// which waits until the control plane is at work again.
func (d *Disruption) PauseControlPlane(ctx context.Context) (resume func(context.Context)) {
	GinkgoHelper()
	node, err := d.nodes.ControlPlane(ctx)
	Expect(err).NotTo(HaveOccurred())
	d.do(history.VerbStopNode, node, "pause node "+node+", the control plane", func() error { return d.nodes.Pause(ctx, node) })
	return func(ctx context.Context) {
		GinkgoHelper()
		d.do(history.VerbStartNode, node, "resume node "+node, func() error { return d.nodes.Resume(ctx, node) })
		Expect(restore(ctx, d.ns.Cluster)).To(Succeed())
		Expect(d.ns.Sync(ctx, d.ns.Settings.Limits.APIServerBack)).To(Succeed(), "the recording must catch up")
		Expect(d.ns.ProbeController(ctx, "after")).To(Succeed(), "the StatefulSet controller must act again before it can break a guarantee")
	}
}

// do records a fault of a node and causes it.
func (d *Disruption) do(act history.Verb, node, text string, fault func() error) {
	GinkgoHelper()
	Expect(d.ns.Do(framework.Request{Verb: act, Resource: history.Nodes, Name: node, Text: text}, fault)).To(Succeed())
}

// CordonOthers cordons every worker but one, until the returned function is called.
func (d *Disruption) CordonOthers(ctx context.Context, node string) (uncordon func(context.Context)) {
	GinkgoHelper()
	workers, err := d.nodes.Workers(ctx)
	Expect(err).NotTo(HaveOccurred())
	workers = slices.DeleteFunc(workers, func(w string) bool { return w == node })
	for _, w := range workers {
		d.Cordon(ctx, w, true)
	}
	return func(ctx context.Context) {
		GinkgoHelper()
		for _, w := range workers {
			d.Cordon(ctx, w, false)
		}
	}
}

// Cordon sets whether a node is unschedulable.
func (d *Disruption) Cordon(ctx context.Context, node string, unschedulable bool) {
	GinkgoHelper()
	text := fmt.Sprintf("node %s: unschedulable %t", node, unschedulable)
	d.update(ctx, history.VerbOther, node, text, func(n *corev1.Node) { n.Spec.Unschedulable = unschedulable })
}

// update changes a node.
func (d *Disruption) update(ctx context.Context, act history.Verb, node, text string, change func(*corev1.Node)) {
	GinkgoHelper()
	d.do(act, node, text, func() error { return changeNode(ctx, d.ns.Client, node, change) })
}

// changeNode changes a node, again on a conflict: its taints are one list, which the control plane writes too.
func changeNode(ctx context.Context, client kubernetes.Interface, node string, change func(*corev1.Node)) error {
	nodes := client.CoreV1().Nodes()
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		n, err := nodes.Get(ctx, node, metav1.GetOptions{})
		if err != nil {
			return err
		}
		change(n)
		_, err = nodes.Update(ctx, n, metav1.UpdateOptions{})
		return err
	})
}

// Pause stops the node's processes, so that it is unreachable while its containers are not gone.
func (d *Disruption) Pause(ctx context.Context) {
	GinkgoHelper()
	d.do(history.VerbStopNode, d.Node, "pause node "+d.Node, func() error { return d.nodes.Pause(ctx, d.Node) })
}

// Resume undoes Pause.
func (d *Disruption) Resume(ctx context.Context) {
	GinkgoHelper()
	d.do(history.VerbStartNode, d.Node, "resume node "+d.Node, func() error { return d.nodes.Resume(ctx, d.Node) })
}

// Kill stops the node and every container on it.
func (d *Disruption) Kill(ctx context.Context) {
	GinkgoHelper()
	d.do(history.VerbStopNode, d.Node, "kill node "+d.Node, func() error { return d.nodes.Kill(ctx, d.Node) })
}

// Start starts the killed node.
func (d *Disruption) Start(ctx context.Context) {
	GinkgoHelper()
	d.do(history.VerbStartNode, d.Node, "start node "+d.Node, func() error { return d.nodes.Start(ctx, d.Node) })
}

// TaintOutOfService gives the node the out-of-service taint, on which the control plane force-deletes its pods.
func (d *Disruption) TaintOutOfService(ctx context.Context) {
	GinkgoHelper()
	d.taint(ctx, history.VerbFenceNode, "declare node "+d.Node+" out of service", corev1.Taint{
		Key: corev1.TaintNodeOutOfService, Value: "nodeshutdown", Effect: corev1.TaintEffectNoExecute,
	})
}

// UntaintOutOfService removes that taint.
func (d *Disruption) UntaintOutOfService(ctx context.Context) {
	GinkgoHelper()
	d.untaint(ctx, "declare node "+d.Node+" back in service", corev1.TaintNodeOutOfService)
}

// Taint gives the node a NoExecute taint that no pod tolerates but those of statefulset.TolerateTaint, and returns since when the recording may
// show its effects.
func (d *Disruption) Taint(ctx context.Context) time.Duration {
	GinkgoHelper()
	since := d.ns.Now()
	d.taint(ctx, history.VerbOther, "taint node "+d.Node, corev1.Taint{Key: nodefault.Taint, Effect: corev1.TaintEffectNoExecute})
	return since
}

// Untaint removes that taint.
func (d *Disruption) Untaint(ctx context.Context) {
	GinkgoHelper()
	d.untaint(ctx, "remove the taint of node "+d.Node, nodefault.Taint)
}

func (d *Disruption) taint(ctx context.Context, verb history.Verb, what string, taint corev1.Taint) {
	GinkgoHelper()
	d.update(ctx, verb, d.Node, what, func(n *corev1.Node) { n.Spec.Taints = append(n.Spec.Taints, taint) })
}

func (d *Disruption) untaint(ctx context.Context, what, key string) {
	GinkgoHelper()
	d.update(ctx, history.VerbOther, d.Node, what, func(n *corev1.Node) {
		n.Spec.Taints = slices.DeleteFunc(n.Spec.Taints, func(t corev1.Taint) bool { return t.Key == key })
	})
}

// DeleteNode deletes the Node object.
func (d *Disruption) DeleteNode(ctx context.Context) {
	GinkgoHelper()
	d.do(history.VerbFenceNode, d.Node, "delete the object of node "+d.Node, func() error {
		return d.ns.Client.CoreV1().Nodes().Delete(ctx, d.Node, metav1.DeleteOptions{})
	})
}

// AwaitNodeReady waits until the node has registered, is Ready and has no taints.
func (d *Disruption) AwaitNodeReady(ctx context.Context) {
	GinkgoHelper()
	d.await(ctx, d.ns.Settings.Limits.NodeBack, "Ready and without taints", func(n *corev1.Node) bool {
		return readyNode(n) == corev1.ConditionTrue && len(n.Spec.Taints) == 0
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

func (d *Disruption) await(ctx context.Context, limit time.Duration, what string, holds func(*corev1.Node) bool) {
	GinkgoHelper()
	nodes := d.ns.Client.CoreV1().Nodes()
	list, err := nodes.List(ctx, metav1.ListOptions{})
	Expect(err).NotTo(HaveOccurred())
	found := "no such node"
	is := func(n *corev1.Node) bool {
		if n.Name != d.Node {
			return false
		}
		found = fmt.Sprintf("Ready %s, taints %v", readyNode(n), n.Spec.Taints)
		return holds(n)
	}
	if slices.ContainsFunc(list.Items, func(n corev1.Node) bool { return is(&n) }) {
		return
	}
	err = framework.WatchUntil(ctx, limit, list.ResourceVersion, nodes.Watch, func(e watch.Event) bool {
		n, ok := e.Object.(*corev1.Node)
		return ok && e.Type != watch.Deleted && is(n)
	})
	Expect(err).NotTo(HaveOccurred(), "expected node %s to be %s within %s, found %s", d.Node, what, limit, found)
}

// KillComponent kills a component of the control plane, and waits until its kubelet has started it again, the recording has caught up and the
// StatefulSet controller acts again.
func (d *Disruption) KillComponent(ctx context.Context, component string) {
	GinkgoHelper()
	leases := d.ns.Client.CoordinationV1().Leases("kube-system")
	before, err := leases.Get(ctx, nodefault.ControllerManager, metav1.GetOptions{})
	Expect(err).NotTo(HaveOccurred())
	kill := framework.Request{Verb: history.VerbRestart, Name: component, Text: "kill " + component}
	Expect(d.ns.Do(kill, func() error { return d.nodes.KillComponent(ctx, component) })).To(Succeed())
	killed := time.Now()

	l := d.ns.Settings.Limits
	Expect(d.ns.AwaitAPI(ctx)).To(Succeed())
	Expect(d.ns.Sync(ctx, l.APIServerBack)).To(Succeed(), "the recording must catch up")
	if component == nodefault.ControllerManager {
		err = framework.WatchUntil(ctx, l.APIServerBack, before.ResourceVersion, leases.Watch, func(e watch.Event) bool {
			lease, ok := e.Object.(*coordinationv1.Lease)
			return ok && lease.Name == before.Name && *lease.Spec.HolderIdentity != *before.Spec.HolderIdentity
		})
		Expect(err).NotTo(HaveOccurred(), "expected another %s to take the lease that was %s's", component, *before.Spec.HolderIdentity)
	}
	Expect(d.ns.ProbeController(ctx, "after")).To(Succeed(), "the StatefulSet controller must act again before it can break a guarantee")
	AddReportEntry("restart", fmt.Sprintf("%s acted again %.1f s after %s was killed", nodefault.ControllerManager, time.Since(killed).Seconds(), component))
}
