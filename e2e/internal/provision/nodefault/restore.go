package nodefault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/ready"
)

// Restore undoes all faults and waits until the cluster is ready: every node runs, is Ready and schedulable, the control plane renews its
// leases, CoreDNS answers. config leads to the cluster. When ctx ends first, the error says what is still missing.
func (n *Nodes) Restore(ctx context.Context, config *rest.Config) error {
	if err := n.startAll(ctx); err != nil {
		return err
	}
	all, err := n.list(ctx)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	if err := makeSchedulable(ctx, client); err != nil {
		return err
	}
	if err := awaitControlPlane(ctx, client); err != nil {
		return err
	}
	started := map[string]time.Time{}
	for _, node := range all {
		if started[node.Name], err = node.startTime(); err != nil {
			return err
		}
	}
	if err := ready.Restarted(ctx, config, started); err != nil {
		return err
	}
	return ready.Cluster(ctx, config, len(all))
}

// Taint is the key of the taint that specs give to nodes.
const Taint = "statefulset-conformance.hero-academy.github.io/evict"

// makeSchedulable uncordons the nodes and removes the taints that nothing else removes.
func makeSchedulable(ctx context.Context, client kubernetes.Interface) error {
	// The API server may be starting; any answer of it ends the wait.
	return ready.Until(ctx, 200*time.Millisecond, func(ctx context.Context) error { return removeTaints(ctx, client) })
}

func removeTaints(ctx context.Context, client kubernetes.Interface) error {
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i := range nodes.Items {
		node := &nodes.Items[i]
		if !node.Spec.Unschedulable && !outOfService(node) && !tainted(node, Taint) {
			continue
		}
		node.Spec.Unschedulable = false
		node.Spec.Taints = slices.DeleteFunc(node.Spec.Taints, func(t corev1.Taint) bool {
			return t.Key == corev1.TaintNodeOutOfService || t.Key == corev1.TaintNodeUnschedulable || t.Key == Taint
		})
		if _, err := client.CoreV1().Nodes().Update(ctx, node, metav1.UpdateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// outOfService reports whether a node carries the taint that declares it out of service.
func outOfService(node *corev1.Node) bool { return tainted(node, corev1.TaintNodeOutOfService) }

func tainted(node *corev1.Node, key string) bool {
	return slices.ContainsFunc(node.Spec.Taints, func(t corev1.Taint) bool { return t.Key == key })
}

// awaitControlPlane waits until the control plane's pods are Ready and those that hold a lease have renewed it: a pod's status may be
// older than the death of what ran in it.
func awaitControlPlane(ctx context.Context, client kubernetes.Interface) error {
	tier := cache.NewFilteredListWatchFromClient(client.CoreV1().RESTClient(), "pods", "kube-system", func(o *metav1.ListOptions) {
		o.LabelSelector = labels.SelectorFromSet(labels.Set{"tier": "control-plane"}).String()
	})
	if err := ready.Objects(ctx, tier, &corev1.Pod{}, controlPlaneMissing); err != nil {
		return err
	}
	first := map[types.UID]metav1.MicroTime{}
	leases := cache.NewListWatchFromClient(client.CoordinationV1().RESTClient(), "leases", "kube-system", fields.Everything())
	return ready.Objects(ctx, leases, &coordinationv1.Lease{}, func(all []*coordinationv1.Lease) string { return leasesMissing(all, first) })
}

func controlPlaneMissing(pods []*corev1.Pod) string {
	if len(pods) == 0 {
		return "no pod of the control plane is there"
	}
	for _, p := range pods {
		if !ready.PodReady(p) {
			return p.Name + " is not Ready"
		}
	}
	return ""
}

// leasesMissing says whose lease has not been renewed since it was first seen, which first keeps.
func leasesMissing(all []*coordinationv1.Lease, first map[types.UID]metav1.MicroTime) string {
	found := 0
	var stale error
	for _, l := range all {
		if l.Name != ControllerManager && l.Name != "kube-scheduler" || l.Spec.RenewTime == nil {
			continue
		}
		found++
		if _, seen := first[l.UID]; !seen {
			first[l.UID] = *l.Spec.RenewTime
		}
		if !l.Spec.RenewTime.After(first[l.UID].Time) {
			stale = errors.Join(stale, fmt.Errorf("%s does not renew its lease", l.Name))
		}
	}
	switch {
	case found == 0:
		return "no process holds the lease of " + ControllerManager
	case stale != nil:
		return stale.Error()
	}
	return ""
}
