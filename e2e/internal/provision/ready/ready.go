package ready

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
	nodeutil "k8s.io/component-helpers/node/util"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"
)

// controlPlaneTaint keeps pods off the control plane, where kubeadm puts it for good.
const controlPlaneTaint = "node-role.kubernetes.io/control-plane"

// provisionerNamespace is the namespace of kind's provisioner of volumes.
const provisionerNamespace = "local-path-storage"

// defaultClass is the annotation that makes a StorageClass the default.
const defaultClass = "storageclass.kubernetes.io/is-default-class"

// Cluster returns once the cluster can be used: every node Ready and free to take pods, the pod network and the services up on each,
// CoreDNS answering, and a default StorageClass whose provisioner runs. nodes is how many there must be.
func Cluster(ctx context.Context, config *rest.Config, nodes int) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	for _, wait := range []func() error{
		func() error { return awaitNodes(ctx, client, nodes) },
		func() error { return awaitDaemonSets(ctx, client, metav1.NamespaceSystem, nodes) },
		func() error { return awaitDeployment(ctx, client, "kube-system", "coredns") },
		func() error { return awaitAnswer(ctx, config, client) },
		func() error { return awaitStorage(ctx, client, nodes) },
	} {
		if err := wait(); err != nil {
			return err
		}
	}
	return nil
}

// Namespace returns once pods can be made in a new namespace: the API server turns them away until a controller has made the namespace's
// default ServiceAccount. within is how long that may take.
func Namespace(ctx context.Context, client kubernetes.Interface, name string, within time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, within, fmt.Errorf("not so within %s", within))
	defer cancel()
	source := cache.NewListWatchFromClient(client.CoreV1().RESTClient(), "serviceaccounts", name, fields.Everything())
	return Objects(ctx, source, &corev1.ServiceAccount{}, func(accounts []*corev1.ServiceAccount) string {
		if slices.ContainsFunc(accounts, func(a *corev1.ServiceAccount) bool { return a.Name == "default" }) {
			return ""
		}
		return fmt.Sprintf("namespace %s has no default ServiceAccount yet", name)
	})
}

// Objects watches the objects of a source until missing, which sees all of them at once, returns "". After ctx has ended the error is what
// missing said last, and the cause.
func Objects[T runtime.Object](ctx context.Context, source cache.ListerWatcher, kind T, missing func([]T) string) error {
	reason := "the API does not answer"
	var store cache.Store
	check := func() bool {
		var objects []T
		for _, item := range store.List() {
			objects = append(objects, item.(T))
		}
		reason = missing(objects)
		return reason == ""
	}
	// The reason for an unreachable API is in the error, once, and not in klog as well.
	_, err := watchtools.UntilWithSync(klog.NewContext(ctx, logr.Discard()), source, kind,
		func(synced cache.Store) (bool, error) { store = synced; return check(), nil },
		func(watch.Event) (bool, error) { return check(), nil })
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%s: %w", reason, context.Cause(ctx))
	}
	return err
}

func awaitNodes(ctx context.Context, client kubernetes.Interface, want int) error {
	source := cache.NewListWatchFromClient(client.CoreV1().RESTClient(), "nodes", "", fields.Everything())
	return Objects(ctx, source, &corev1.Node{}, func(nodes []*corev1.Node) string { return nodesMissing(nodes, want) })
}

// nodesMissing says which nodes are not Ready or turn pods away, nothing when there are none.
func nodesMissing(nodes []*corev1.Node, want int) string {
	if len(nodes) != want {
		return fmt.Sprintf("%d of %d nodes have registered", len(nodes), want)
	}
	for _, n := range nodes {
		if _, c := nodeutil.GetNodeCondition(&n.Status, corev1.NodeReady); c == nil || c.Status != corev1.ConditionTrue {
			return fmt.Sprintf("node %s is not Ready", n.Name)
		}
		if n.Spec.Unschedulable {
			return fmt.Sprintf("node %s is cordoned", n.Name)
		}
		for _, taint := range n.Spec.Taints {
			if taint.Effect != corev1.TaintEffectPreferNoSchedule && taint.Key != controlPlaneTaint {
				return fmt.Sprintf("node %s carries the taint %s", n.Name, taint.Key)
			}
		}
	}
	return ""
}

// Restarted returns once the system's pods are Ready and their containers have been started since their nodes were: until the kubelet reports
// them, the statuses in the API are those from before, and what controllers derive from them later still. started tells when each node was started, by its name, on the nodes' clock.
func Restarted(ctx context.Context, config *rest.Config, started map[string]time.Time) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	for _, namespace := range []string{metav1.NamespaceSystem, provisionerNamespace} {
		source := cache.NewListWatchFromClient(client.CoreV1().RESTClient(), "pods", namespace, fields.Everything())
		err := Objects(ctx, source, &corev1.Pod{}, func(pods []*corev1.Pod) string { return restartsMissing(pods, started) })
		if err != nil {
			return err
		}
	}
	return nil
}

// restartsMissing names a container that was last started before its node or a pod that is not Ready, nothing when there is none.
func restartsMissing(pods []*corev1.Pod, started map[string]time.Time) string {
	for _, pod := range pods {
		if pod.Status.Phase != corev1.PodRunning || pod.DeletionTimestamp != nil {
			continue
		}
		// The API has whole seconds.
		node := started[pod.Spec.NodeName].Truncate(time.Second)
		for _, c := range pod.Status.ContainerStatuses {
			if c.State.Running != nil && c.State.Running.StartedAt.Time.Before(node) {
				return fmt.Sprintf("container %s of pod %s/%s has not been started since its node %s was", c.Name, pod.Namespace, pod.Name, pod.Spec.NodeName)
			}
		}
		if !PodReady(pod) {
			return fmt.Sprintf("pod %s/%s is not Ready", pod.Namespace, pod.Name)
		}
	}
	return ""
}

// PodReady reports whether a pod's condition Ready is true.
func PodReady(p *corev1.Pod) bool {
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// awaitDaemonSets waits for the daemon sets of a namespace: a pod on a node without the system's has no network or reaches no service.
func awaitDaemonSets(ctx context.Context, client kubernetes.Interface, namespace string, nodes int) error {
	source := cache.NewListWatchFromClient(client.AppsV1().RESTClient(), "daemonsets", namespace, fields.Everything())
	return Objects(ctx, source, &appsv1.DaemonSet{}, func(sets []*appsv1.DaemonSet) string { return daemonSetsMissing(sets, namespace, nodes) })
}

func daemonSetsMissing(sets []*appsv1.DaemonSet, namespace string, nodes int) string {
	if len(sets) == 0 {
		return "no daemon set is in " + namespace
	}
	for _, set := range sets {
		if int(set.Status.NumberReady) < nodes {
			return fmt.Sprintf("daemon set %s runs on %d of %d nodes", set.Name, set.Status.NumberReady, nodes)
		}
	}
	return ""
}

func awaitDeployment(ctx context.Context, client kubernetes.Interface, namespace, name string) error {
	source := cache.NewListWatchFromClient(client.AppsV1().RESTClient(), "deployments", namespace, fields.OneTermEqualSelector(metav1.ObjectNameField, name))
	return Objects(ctx, source, &appsv1.Deployment{}, func(found []*appsv1.Deployment) string {
		if len(found) == 0 {
			return fmt.Sprintf("there is no deployment %s/%s", namespace, name)
		}
		return deploymentMissing(found[0])
	})
}

func deploymentMissing(d *appsv1.Deployment) string {
	want := ptr.Deref(d.Spec.Replicas, 1)
	if d.Status.ObservedGeneration < d.Generation || d.Status.AvailableReplicas < want {
		return fmt.Sprintf("deployment %s/%s has %d of %d pods available", d.Namespace, d.Name, d.Status.AvailableReplicas, want)
	}
	return ""
}

// awaitStorage waits for a default StorageClass, then for its provisioner: the deployment of kind's own node images, or a daemon set of those that are built
// here.
func awaitStorage(ctx context.Context, client kubernetes.Interface, nodes int) error {
	source := cache.NewListWatchFromClient(client.StorageV1().RESTClient(), "storageclasses", "", fields.Everything())
	err := Objects(ctx, source, &storagev1.StorageClass{}, func(classes []*storagev1.StorageClass) string {
		for _, class := range classes {
			if class.Annotations[defaultClass] == "true" {
				return ""
			}
		}
		return "there is no default StorageClass"
	})
	if err != nil {
		return err
	}
	sets, err := client.AppsV1().DaemonSets(provisionerNamespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	if len(sets.Items) > 0 {
		return awaitDaemonSets(ctx, client, provisionerNamespace, nodes)
	}
	return awaitDeployment(ctx, client, provisionerNamespace, "local-path-provisioner")
}
