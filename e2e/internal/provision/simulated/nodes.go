package simulated

import (
	"context"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// PodsOfNode is how many pods a node takes, as kubelets do by default.
const PodsOfNode = 110

// mark is the label and the taint of simulated nodes.
const mark = "statefulset-conformance.local/simulated"

// PodPatch places pods on simulated nodes.
func PodPatch() map[string]any {
	return map[string]any{"spec": map[string]any{
		"nodeSelector": map[string]any{mark: ""},
		"tolerations":  []any{map[string]any{"key": mark, "operator": string(corev1.TolerationOpExists), "effect": string(corev1.TaintEffectNoSchedule)}},
	}}
}

// addNodes makes as many nodes as so many pods need, Ready and with a lease each, and returns their names. The scheduler gives them no other pods than those
// that PodPatch places.
func addNodes(ctx context.Context, client kubernetes.Interface, pods int) ([]string, error) {
	var names []string
	for i := range (pods + PodsOfNode - 1) / PodsOfNode {
		name := fmt.Sprintf("simulated-%d", i)
		node := &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{mark: "", corev1.LabelOSStable: "linux", corev1.LabelHostname: name}},
			Spec:       corev1.NodeSpec{Taints: []corev1.Taint{{Key: mark, Effect: corev1.TaintEffectNoSchedule}}},
			Status:     ready(metav1.Now()),
		}
		if _, err := client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
			return nil, err
		}
		lease := &coordinationv1.Lease{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: corev1.NamespaceNodeLease},
			Spec:       coordinationv1.LeaseSpec{HolderIdentity: &name, LeaseDurationSeconds: new(int32(40)), RenewTime: new(metav1.NowMicro())},
		}
		if _, err := client.CoordinationV1().Leases(lease.Namespace).Create(ctx, lease, metav1.CreateOptions{}); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

// ready is the status of a node that is Ready and has room.
func ready(now metav1.Time) corev1.NodeStatus {
	room := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("1000"), corev1.ResourceMemory: resource.MustParse("1Ti"), corev1.ResourcePods: *resource.NewQuantity(PodsOfNode, resource.DecimalSI),
	}
	s := corev1.NodeStatus{Capacity: room, Allocatable: room, Conditions: []corev1.NodeCondition{
		{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady", LastHeartbeatTime: now, LastTransitionTime: now},
	}}
	for _, pressure := range []corev1.NodeConditionType{corev1.NodeMemoryPressure, corev1.NodeDiskPressure, corev1.NodePIDPressure} {
		s.Conditions = append(s.Conditions, corev1.NodeCondition{
			Type: pressure, Status: corev1.ConditionFalse, Reason: "Simulated", LastHeartbeatTime: now, LastTransitionTime: now,
		})
	}
	return s
}

// renewEvery is how often kubelets renew their leases.
const renewEvery = 10 * time.Second

// renewLeases renews the nodes' leases until ctx ends: without that the control plane takes the nodes for lost.
func renewLeases(ctx context.Context, client kubernetes.Interface, nodes []string) {
	ticker := time.NewTicker(renewEvery)
	defer ticker.Stop()
	leases := client.CoordinationV1().Leases(corev1.NamespaceNodeLease)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		renewed := fmt.Appendf(nil, `{"spec": {"renewTime": %q}}`, time.Now().UTC().Format(metav1.RFC3339Micro))
		for _, name := range nodes {
			// The next round tries again what fails, long before the node would be lost.
			_, _ = leases.Patch(ctx, name, types.MergePatchType, renewed, metav1.PatchOptions{})
		}
	}
}
