package planted

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

//nolint:gochecknoglobals // The places it is called from have nothing to hold state in.
var (
	worker   sync.Mutex
	firstAsk = map[string]time.Time{}
	lastTwin = map[string]time.Time{}
)

// Alone reports whether that fault is in force by its own name.
func Alone(fault string) bool {
	mu.Lock()
	defer mu.Unlock()
	return in(fault) && name == fault
}

// OneAtATime waits for the end of what all others do between this and the function that it returns, if the fault is in force by its own name.
func OneAtATime(fault string) (end func()) {
	if !Alone(fault) {
		return func() {}
	}
	worker.Lock()
	return worker.Unlock
}

// Pause waits, if the fault is in force by its own name, while a controller is away that is away for five seconds of each half minute.
func Pause(fault string) {
	ticker := time.NewTicker(fresh)
	defer ticker.Stop()
	for Alone(fault) && time.Now().Unix()%30 < 5 {
		<-ticker.C
	}
}

// Recent reports whether the fault is in force and was not asked for that key more than some time ago.
func Recent(fault, key string, since time.Duration) bool {
	mu.Lock()
	defer mu.Unlock()
	if !in(fault) {
		return false
	}
	if firstAsk[key].IsZero() {
		firstAsk[key] = time.Now()
	}
	return time.Since(firstAsk[key]) < since
}

// Twin makes a copy of the last of a service's slices every three seconds at the most, if the fault is in force.
func Twin(fault string, client kubernetes.Interface, slices []*discoveryv1.EndpointSlice) {
	if len(slices) == 0 || !due(fault, slices[0]) {
		return
	}
	twin := slices[len(slices)-1].DeepCopy()
	twin.ObjectMeta = metav1.ObjectMeta{
		GenerateName: twin.Labels[discoveryv1.LabelServiceName] + "-", Namespace: twin.Namespace, Labels: twin.Labels, OwnerReferences: twin.OwnerReferences,
	}
	_, _ = client.DiscoveryV1().EndpointSlices(twin.Namespace).Create(context.Background(), twin, metav1.CreateOptions{}) //nolint:forbidigo // The place that it is called from has no context.
}

func due(fault string, slice *discoveryv1.EndpointSlice) bool {
	mu.Lock()
	defer mu.Unlock()
	key := slice.Namespace + "/" + slice.Labels[discoveryv1.LabelServiceName]
	if !in(fault) || time.Since(lastTwin[key]) < 3*time.Second {
		return false
	}
	lastTwin[key] = time.Now()
	return true
}

// Apply makes a pod that is not there by a patch of another field manager's.
func Apply(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod) (*corev1.Pod, error) {
	pods := client.CoreV1().Pods(pod.Namespace)
	if _, err := pods.Get(ctx, pod.Name, metav1.GetOptions{}); err == nil {
		return nil, apierrors.NewAlreadyExists(corev1.Resource("pods"), pod.Name)
	} else if !apierrors.IsNotFound(err) {
		return nil, err
	}
	whole := pod.DeepCopy()
	whole.APIVersion, whole.Kind = "v1", "Pod"
	text, err := json.Marshal(whole)
	if err != nil {
		return nil, err
	}
	force := true
	return pods.Patch(ctx, pod.Name, types.ApplyPatchType, text, metav1.PatchOptions{FieldManager: "planted", Force: &force})
}

// InSteps writes a status in two steps before the last one, which is the caller's, and returns the set as it is then: the counts of pods first and the
// revisions then, or the other way round where there are fewer pods than before, as the API server takes it. What was observed comes last. Where somebody
// else writes meanwhile, the last step is left alone, which the caller tries again.
func InSteps(ctx context.Context, client kubernetes.Interface, set *appsv1.StatefulSet, to appsv1.StatefulSetStatus) *appsv1.StatefulSet {
	sets := client.AppsV1().StatefulSets(set.Namespace)
	live, err := sets.Get(ctx, set.Name, metav1.GetOptions{})
	if err != nil || live.UID != set.UID {
		return set
	}
	from := live.Status
	both := *to.DeepCopy()
	both.ObservedGeneration = from.ObservedGeneration
	one := *from.DeepCopy()
	if to.Replicas >= from.Replicas {
		one.Replicas, one.ReadyReplicas, one.AvailableReplicas = to.Replicas, to.ReadyReplicas, to.AvailableReplicas
	} else {
		one.CurrentRevision, one.UpdateRevision, one.CurrentReplicas, one.UpdatedReplicas = to.CurrentRevision, to.UpdateRevision, to.CurrentReplicas, to.UpdatedReplicas
	}
	for _, status := range []appsv1.StatefulSetStatus{one, both} {
		next := live.DeepCopy()
		next.Status = status
		updated, err := sets.UpdateStatus(ctx, next, metav1.UpdateOptions{})
		if err != nil {
			break
		}
		live = updated
	}
	return live
}

// Finalizer is the one of a fault.
func Finalizer(fault string) string { return "planted.example/" + fault }

// Release takes the finalizer of a fault from a pod whose containers have ended or do not matter any more. It does so as well when the fault is no longer in
// force, and returns before.
func Release(fault string, client kubernetes.Interface, pod *corev1.Pod) {
	ended := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
	if grace := pod.DeletionGracePeriodSeconds; pod.DeletionTimestamp == nil || !ended && (grace == nil || *grace > 0) {
		return
	}
	left, held := []string{}, false
	for _, f := range pod.Finalizers {
		if f == Finalizer(fault) {
			held = true
			continue
		}
		left = append(left, f)
	}
	if !held {
		return
	}
	// A conflict has another event follow.
	text, err := json.Marshal(map[string]any{"metadata": map[string]any{"finalizers": left, "resourceVersion": pod.ResourceVersion, "uid": pod.UID}})
	if err != nil {
		return
	}
	go func() {
		_, _ = client.CoreV1().Pods(pod.Namespace).Patch(context.Background(), pod.Name, types.MergePatchType, text, metav1.PatchOptions{}) //nolint:forbidigo // Handlers of events have no context.
	}()
}

// Beat puts into a status a condition whose message is the present second, if the fault is in force by its own name.
func Beat(fault string, status *appsv1.StatefulSetStatus) {
	if !Alone(fault) {
		return
	}
	beat := appsv1.StatefulSetCondition{Type: "Looked", Status: corev1.ConditionTrue, Reason: "Alive", Message: time.Now().UTC().Format(time.TimeOnly), LastTransitionTime: metav1.Now()}
	for i, c := range status.Conditions {
		if c.Type == beat.Type {
			beat.LastTransitionTime = c.LastTransitionTime
			status.Conditions[i] = beat
			return
		}
	}
	status.Conditions = append(status.Conditions, beat)
}
