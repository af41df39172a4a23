package matrix

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/simulated"
)

// dedicated is the taint of workers that take some pods alone.
const dedicated = "dedicated"

// taintWorkers taints the nodes that take pods.
func taintWorkers(ctx context.Context, on *On) error {
	return eachWorker(ctx, on, always(`{"spec": {"taints": [{"key": "`+dedicated+`", "value": "databases", "effect": "NoSchedule"}]}}`))
}

// always returns the same patch for each node.
func always(patch string) func(node string) string { return func(string) string { return patch } }

// eachWorker changes the nodes that take pods, each with the patch that is returned for its name.
func eachWorker(ctx context.Context, on *On, patch func(node string) string) error {
	nodes, err := on.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: "!node-role.kubernetes.io/control-plane"})
	if err != nil {
		return err
	}
	for _, n := range nodes.Items {
		if _, err := on.client.CoreV1().Nodes().Patch(ctx, n.Name, types.StrategicMergePatchType, []byte(patch(n.Name)), metav1.PatchOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// nodesTake is how long nodes are being made: longer than preflight waits for a pod of which nothing says that one is made for it.
const nodesTake = 90 * time.Second

// lateNodes cordons the workers until some time after the first event that a pod fits nowhere, and says of each such pod that a node is made for it, as
// cluster-autoscaler does.
func lateNodes(ctx context.Context, on *On) error {
	if err := eachWorker(ctx, on, always(`{"spec": {"unschedulable": true}}`)); err != nil {
		return err
	}
	go func() {
		var due time.Time
		promised := map[types.UID]bool{}
		for due.IsZero() || time.Now().Before(due) {
			// A run that ends before has no use for nodes.
			if pause(ctx, time.Second) != nil {
				return
			}
			events, err := on.client.CoreV1().Events("").List(ctx, metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("reason", "FailedScheduling").String()})
			if err != nil {
				continue
			}
			for _, e := range events.Items {
				if due.IsZero() {
					due = time.Now().Add(nodesTake)
				}
				if !promised[e.InvolvedObject.UID] {
					promised[e.InvolvedObject.UID] = promise(ctx, on, e.InvolvedObject) == nil
				}
			}
		}
		_ = eachWorker(ctx, on, always(`{"spec": {"unschedulable": null}}`))
	}()
	return nil
}

// promise says of a pod that a node is made for it.
func promise(ctx context.Context, on *On, pod corev1.ObjectReference) error {
	now := metav1.Now()
	_, err := on.client.CoreV1().Events(pod.Namespace).Create(ctx, &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{GenerateName: pod.Name + "-"}, InvolvedObject: pod, Type: corev1.EventTypeNormal, Reason: "TriggeredScaleUp",
		Message: "pod triggered scale-up", Source: corev1.EventSource{Component: "cluster-autoscaler"}, FirstTimestamp: now, LastTimestamp: now, Count: 1,
	}, metav1.CreateOptions{})
	return err
}

// simulatedNodes is how many nodes no machine stands behind.
const simulatedNodes = 300

// addSimulatedNodes adds nodes that are Ready and have a taint.
func addSimulatedNodes(ctx context.Context, on *On) error {
	stop, err := simulated.Start(ctx, on.Config, simulatedNodes*simulated.PodsOfNode)
	if err == nil {
		context.AfterFunc(ctx, stop)
	}
	return err
}
