package preflight

import (
	"cmp"
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/images"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// workloadNodes is how many nodes the level workload needs: with one, whatever takes the node takes all members of a database.
const workloadNodes = 2

// findWorkload finds the image of the database, which specs of the level disruptive run as well where they may disrupt, and whether the cluster is large
// enough for the level workload.
func findWorkload(ctx context.Context, client kubernetes.Interface, s runconfig.Settings, f *Findings) {
	if s.Level == contract.Workload || s.Kind != nil {
		f.Facts.EtcdImage = cmp.Or(s.Images.Etcd, ownEtcd(ctx, client), images.PublicEtcd)
	}
	if s.Level != contract.Workload {
		return
	}
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	switch {
	case apierrors.IsForbidden(err):
		f.Notes = append(f.Notes, "nodes: the account may not list them, so nothing shows whether the members of a database will be on several")
	case err != nil:
		f.add(Problem{Text: oneLine(fmt.Sprintf("nodes: expected a list of them from the API server, found: %v", err))})
	default:
		f.add(checkNodes(nodes.Items)...)
	}
}

// ownEtcd returns the image of the etcd that the cluster's own control plane runs in a pod, "" where none shows.
func ownEtcd(ctx context.Context, client kubernetes.Interface) string {
	pods, err := client.CoreV1().Pods(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{LabelSelector: "component=etcd"})
	if err != nil {
		return "" // a run in NAMESPACES may not look there
	}
	for _, p := range pods.Items {
		for _, c := range p.Spec.Containers {
			if c.Name == "etcd" {
				return c.Image
			}
		}
	}
	return ""
}

// checkNodes returns a problem where too few nodes take pods that tolerate no taint.
func checkNodes(nodes []corev1.Node) []Problem {
	n := 0
	for i := range nodes {
		if takesPods(&nodes[i]) {
			n++
		}
	}
	if n >= workloadNodes {
		return nil
	}
	return []Problem{{Usage: true, Text: fmt.Sprintf("LEVEL=%s: expected at least %d nodes that take pods, for the members of a database, found %d of %d nodes: "+
		"use a larger cluster, or another level", contract.Workload, workloadNodes, n, len(nodes))}}
}

// takesPods reports whether the scheduler may place a pod without tolerations on a node.
func takesPods(n *corev1.Node) bool {
	for _, t := range n.Spec.Taints {
		if t.Effect != corev1.TaintEffectPreferNoSchedule {
			return false
		}
	}
	return !n.Spec.Unschedulable
}
