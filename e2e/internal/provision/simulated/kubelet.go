package simulated

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
)

// Pods start and end after a time between these: faster than any kubelet has them do it, so that the controller is what takes time.
const (
	fastest = 50 * time.Millisecond
	slowest = 150 * time.Millisecond
)

// workers is how many pods are looked after at a time.
const workers = 16

// Start adds nodes for so many pods to a cluster and plays their kubelets until stop is called, which waits for the requests under way.
func Start(ctx context.Context, config *rest.Config, pods int) (stop func(), err error) {
	config = rest.CopyConfig(config)
	config.QPS = -1 // as many kubelets as there are nodes make these requests
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	nodes, err := addNodes(ctx, client, pods)
	if err != nil {
		return nil, fmt.Errorf("adding simulated nodes: %w", err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	k := &kubelets{
		client: client, nodes: map[string]bool{},
		queue: workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[cache.ObjectName]()),
	}
	for _, name := range nodes {
		k.nodes[name] = true
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	k.pods = factory.Core().V1().Pods().Informer()
	if _, err := k.pods.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: k.seen, UpdateFunc: func(_, pod any) { k.seen(pod) }}); err != nil {
		cancel()
		return nil, err
	}
	// The watches end with their API server.
	factory.StartWithContext(klog.NewContext(ctx, logr.Discard()))
	var running sync.WaitGroup
	running.Go(func() { renewLeases(ctx, client, nodes) })
	for range workers {
		running.Go(func() {
			for k.next(ctx) {
			}
		})
	}
	return func() {
		cancel()
		k.queue.ShutDown()
		running.Wait()
		factory.Shutdown()
	}, nil
}

// kubelets play those of all simulated nodes.
type kubelets struct {
	client kubernetes.Interface
	nodes  map[string]bool
	pods   cache.SharedIndexInformer
	queue  workqueue.TypedRateLimitingInterface[cache.ObjectName]
	// addresses counts the addresses that were given to pods.
	addresses atomic.Uint32
}

// seen has a pod of a simulated node looked after in a moment.
func (k *kubelets) seen(o any) {
	if pod, is := o.(*corev1.Pod); is && k.nodes[pod.Spec.NodeName] {
		k.queue.AddAfter(cache.MetaObjectToName(pod), fastest+rand.N(slowest-fastest))
	}
}

// next looks after the next pod, and reports false once there is none any more.
func (k *kubelets) next(ctx context.Context) bool {
	name, shutdown := k.queue.Get()
	if shutdown {
		return false
	}
	defer k.queue.Done(name)
	if err := k.sync(ctx, name); err != nil && !apierrors.IsNotFound(err) && ctx.Err() == nil {
		k.queue.AddRateLimited(name)
		return true
	}
	k.queue.Forget(name)
	return true
}

// sync does the next thing that a kubelet would do with a pod.
func (k *kubelets) sync(ctx context.Context, name cache.ObjectName) error {
	o, exists, err := k.pods.GetStore().GetByKey(name.String())
	if err != nil || !exists {
		return err
	}
	pod := o.(*corev1.Pod).DeepCopy()
	pods := k.client.CoreV1().Pods(pod.Namespace)
	switch {
	case pod.DeletionTimestamp != nil:
		if pod.Status.Phase == corev1.PodRunning {
			end(pod, metav1.Now())
			if _, err := pods.UpdateStatus(ctx, pod, metav1.UpdateOptions{}); err != nil {
				return err
			}
		}
		return pods.Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64(0)), Preconditions: metav1.NewUIDPreconditions(string(pod.UID))})
	case pod.Status.Phase == corev1.PodPending:
		n := k.addresses.Add(1)
		run(pod, fmt.Sprintf("10.%d.%d.%d", 128+n>>16&63, n>>8&255, n&255), metav1.Now())
		_, err := pods.UpdateStatus(ctx, pod, metav1.UpdateOptions{})
		return err
	}
	return nil
}

// run gives a pod the status of one whose containers run and are ready.
func run(pod *corev1.Pod, ip string, now metav1.Time) {
	pod.Status.Phase, pod.Status.StartTime = corev1.PodRunning, &now
	pod.Status.PodIP, pod.Status.PodIPs = ip, []corev1.PodIP{{IP: ip}}
	for _, t := range []corev1.PodConditionType{corev1.PodReadyToStartContainers, corev1.PodInitialized, corev1.ContainersReady, corev1.PodReady} {
		setCondition(pod, corev1.PodCondition{Type: t, Status: corev1.ConditionTrue, LastTransitionTime: now})
	}
	pod.Status.ContainerStatuses = nil
	for _, c := range pod.Spec.Containers {
		pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{
			Name: c.Name, Image: c.Image, Ready: true, Started: new(true), State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}},
		})
	}
}

// end gives a pod the status of one whose containers have ended.
func end(pod *corev1.Pod, now metav1.Time) {
	pod.Status.Phase = corev1.PodSucceeded
	for _, t := range []corev1.PodConditionType{corev1.ContainersReady, corev1.PodReady} {
		setCondition(pod, corev1.PodCondition{Type: t, Status: corev1.ConditionFalse, Reason: "PodCompleted", LastTransitionTime: now})
	}
	for i := range pod.Status.ContainerStatuses {
		c := &pod.Status.ContainerStatuses[i]
		ended := &corev1.ContainerStateTerminated{Reason: "Completed", FinishedAt: now}
		if c.State.Running != nil {
			ended.StartedAt = c.State.Running.StartedAt
		}
		c.Ready, c.Started, c.State = false, new(false), corev1.ContainerState{Terminated: ended}
	}
}

// setCondition sets a condition of a pod, in place of the one of its type.
func setCondition(pod *corev1.Pod, c corev1.PodCondition) {
	for i := range pod.Status.Conditions {
		if pod.Status.Conditions[i].Type == c.Type {
			pod.Status.Conditions[i] = c
			return
		}
	}
	pod.Status.Conditions = append(pod.Status.Conditions, c)
}
