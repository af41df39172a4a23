package cluster

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/ready"
)

// AwaitComponent waits until the control plane's component of that name runs that program and is Ready.
func (c *Cluster) AwaitComponent(ctx context.Context, component, program string) error {
	client, err := kubernetes.NewForConfig(c.config)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, readyWithin, fmt.Errorf("not so within %s", readyWithin))
	defer cancel()
	source := cache.NewListWatchFromClient(client.CoreV1().RESTClient(), "pods", "kube-system", fields.Everything())
	return ready.Objects(ctx, source, &corev1.Pod{}, func(pods []*corev1.Pod) string {
		for _, p := range pods {
			if p.Labels["component"] != component || p.DeletionTimestamp != nil {
				continue
			}
			if command := p.Spec.Containers[0].Command; len(command) == 0 || command[0] != program {
				return fmt.Sprintf("%s does not run %s yet", p.Name, program)
			}
			if !ready.PodReady(p) {
				return p.Name + " is not Ready"
			}
			return ""
		}
		return "there is no pod of " + component
	})
}

// ComponentRestarts returns how often the kubelet has started a container of the control plane's component of that name again.
func (c *Cluster) ComponentRestarts(ctx context.Context, component string) (int32, error) {
	client, err := kubernetes.NewForConfig(c.config)
	if err != nil {
		return 0, err
	}
	pods, err := client.CoreV1().Pods("kube-system").List(ctx, metav1.ListOptions{LabelSelector: "component=" + component})
	if err != nil {
		return 0, err
	}
	var restarts int32
	for _, p := range pods.Items {
		for _, s := range p.Status.ContainerStatuses {
			restarts += s.RestartCount
		}
	}
	return restarts, nil
}
