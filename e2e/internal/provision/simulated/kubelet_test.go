package simulated

import (
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/cache"
)

// kubeletsOf plays the kubelet of one node with a pod on it, which its informer knows.
func kubeletsOf(t *testing.T, pod *corev1.Pod) (*kubelets, *fake.Clientset) {
	t.Helper()
	client := fake.NewClientset(pod)
	k := &kubelets{client: client, nodes: map[string]bool{"simulated-0": true}, pods: informers.NewSharedInformerFactory(client, 0).Core().V1().Pods().Informer()}
	if err := k.pods.GetStore().Add(pod); err != nil {
		t.Fatal(err)
	}
	return k, client
}

func podOf(uid string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "set-0", Namespace: "ns", UID: types.UID(uid)},
		Spec:       corev1.PodSpec{NodeName: "simulated-0", Containers: []corev1.Container{{Name: "main"}}},
		Status:     corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}}},
	}
}

func TestPodRuns(t *testing.T) {
	k, client := kubeletsOf(t, podOf("a"))
	if err := k.sync(t.Context(), cache.NewObjectName("ns", "set-0")); err != nil {
		t.Fatal(err)
	}
	pod, err := client.CoreV1().Pods("ns").Get(t.Context(), "set-0", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ready := map[corev1.PodConditionType]corev1.ConditionStatus{}
	for _, c := range pod.Status.Conditions {
		ready[c.Type] = c.Status
	}
	if pod.Status.Phase != corev1.PodRunning || ready[corev1.PodReady] != corev1.ConditionTrue || ready[corev1.PodScheduled] != corev1.ConditionTrue ||
		pod.Status.PodIP == "" || len(pod.Status.ContainerStatuses) != 1 || pod.Status.ContainerStatuses[0].State.Running == nil {
		t.Errorf("expected a pod that runs and is Ready, found %+v", pod.Status)
	}
}

// What removes a pod must name its UID: another one may have its name by then.
func TestPodIsRemovedByUID(t *testing.T) {
	pod := podOf("a")
	run(pod, "10.0.0.1", metav1.Now())
	pod.DeletionTimestamp, pod.Finalizers = new(metav1.Now()), []string{"test"} // the fake server has no object that is being deleted for nothing
	k, client := kubeletsOf(t, pod)
	if err := k.sync(t.Context(), cache.NewObjectName("ns", "set-0")); err != nil {
		t.Fatal(err)
	}
	var ended, removed bool
	for _, a := range client.Actions() {
		switch a := a.(type) {
		case clienttesting.UpdateAction:
			c := a.GetObject().(*corev1.Pod).Status.ContainerStatuses[0]
			ended = c.State.Terminated != nil && !c.State.Terminated.StartedAt.IsZero() && !removed
		case clienttesting.DeleteAction:
			o := a.GetDeleteOptions()
			removed = o.Preconditions != nil && *o.Preconditions.UID == "a" && *o.GracePeriodSeconds == 0
		}
	}
	if !ended || !removed {
		t.Errorf("expected the container's end and then the removal of that UID, found %v", client.Actions())
	}
}

// Of a pod that is not the one the informer knows nothing is removed: the status comes first, and the API server rejects that of another UID.
func TestRejectedStatusRemovesNothing(t *testing.T) {
	pod := podOf("a")
	run(pod, "10.0.0.1", metav1.Now())
	pod.DeletionTimestamp, pod.Finalizers = new(metav1.Now()), []string{"test"}
	k, client := kubeletsOf(t, pod)
	client.PrependReactor("update", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, errors.New("another UID")
	})
	if err := k.sync(t.Context(), cache.NewObjectName("ns", "set-0")); err == nil {
		t.Error("expected the error of the status")
	}
	for _, a := range client.Actions() {
		if a.GetVerb() == "delete" {
			t.Error("expected nothing to be removed")
		}
	}
}

// Nodes are Ready, have room, and keep others off.
func TestNodes(t *testing.T) {
	client := fake.NewClientset()
	names, err := addNodes(t.Context(), client, PodsOfNode+1)
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{LabelSelector: mark})
	if err != nil {
		t.Fatal(err)
	}
	if len(names) != 2 || len(nodes.Items) != 2 {
		t.Fatalf("expected two nodes for %d pods, found %v", PodsOfNode+1, names)
	}
	for _, n := range nodes.Items {
		if len(n.Spec.Taints) != 1 || n.Status.Conditions[0].Status != corev1.ConditionTrue || n.Status.Allocatable.Pods().Value() != PodsOfNode {
			t.Errorf("expected a tainted node that is Ready and has room, found %+v", n)
		}
	}
	leases, err := client.CoordinationV1().Leases(corev1.NamespaceNodeLease).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(leases.Items) != 2 {
		t.Errorf("expected a lease for each, found %v, %v", leases, err)
	}
}
