package historytest

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Start sets the first ordinal.
func Start(n int32) Option { return func(s *history.Set) { s.Start = n } }

// WhenScaledDelete sets whenScaled to Delete.
func WhenScaledDelete(s *history.Set) {
	s.WhenScaled = appsv1.DeletePersistentVolumeClaimRetentionPolicyType
}

// WhenDeletedDelete sets whenDeleted to Delete.
func WhenDeletedDelete(s *history.Set) {
	s.WhenDeleted = appsv1.DeletePersistentVolumeClaimRetentionPolicyType
}

// Succeed sets a pod's phase to Succeeded.
func (s *Builder) Succeed(pod string) *history.Event {
	return s.Change(history.Pods, pod, func(e *history.Event) {
		e.Pod.Phase = corev1.PodSucceeded
		readiness(s, e.Pod, false)
		stop(s, e.Pod)
	})
}

// Crash terminates a pod's containers with exit code 1.
func (s *Builder) Crash(pod string) *history.Event { return s.Exit(pod, 1) }

// Restart starts the containers of a crashed pod again, in place.
func (s *Builder) Restart(pod string) *history.Event {
	return s.Change(history.Pods, pod, func(e *history.Event) {
		for i := range e.Pod.Containers {
			c := &e.Pod.Containers[i]
			*c = history.Container{Name: c.Name, State: history.ContainerRunning, Restarts: c.Restarts + 1, Started: s.Timestamp()}
		}
		readiness(s, e.Pod, true)
	})
}

// Disrupt sets a pod's condition DisruptionTarget, with that reason in place of an earlier one.
func (s *Builder) Disrupt(pod, reason string) *history.Event {
	return s.Change(history.Pods, pod, func(e *history.Event) {
		e.Pod.Conditions = slices.DeleteFunc(e.Pod.Conditions, func(c history.Condition) bool { return c.Type == corev1.DisruptionTarget })
		e.Pod.Conditions = append(e.Pod.Conditions, history.Condition{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: reason})
	})
}

// Evict evicts a pod by an operation of the test.
func (s *Builder) Evict(pod string) {
	s.Operation(history.VerbEvict, history.Pods, pod)
	s.Disrupt(pod, "EvictionByEvictionAPI")
	s.terminate(pod)
}

// Orphan removes a pod's ownerReferences.
func (s *Builder) Orphan(pod string) *history.Event {
	return s.Change(history.Pods, pod, func(e *history.Event) { e.Owners = nil })
}

// Adopt makes the set of that name the controller of a pod.
func (s *Builder) Adopt(pod, set string) *history.Event {
	return s.Change(history.Pods, pod, func(e *history.Event) { e.Owners = s.owner(set) })
}

// Relabel changes one label of a pod.
func (s *Builder) Relabel(pod, label, value string) *history.Event {
	return s.Change(history.Pods, pod, func(e *history.Event) { e.Labels[label] = value })
}

// SetController gives a claim one ownerReference, to the object of that UID as its controller, or none where the UID is empty.
func (s *Builder) SetController(claim, kind, name string, uid types.UID) *history.Event {
	return s.Change(history.Claims, claim, func(e *history.Event) {
		e.Owners = nil
		if uid != "" {
			yes := true
			e.Owners = []metav1.OwnerReference{{Kind: kind, Name: name, UID: uid, Controller: &yes}}
		}
	})
}

// DeleteClaim requests a claim's deletion and completes it.
func (s *Builder) DeleteClaim(claim string) {
	s.Change(history.Claims, claim, func(e *history.Event) {
		now := s.Timestamp()
		e.DeletionTimestamp = &now
	})
	s.Remove(history.Claims, claim)
}

// CollectClaim gives a claim an owner that is gone and deletes it, as the garbage collector does.
func (s *Builder) CollectClaim(claim, kind, owner string, uid types.UID) {
	s.SetController(claim, kind, owner, uid)
	s.DeleteClaim(claim)
}

// Exit terminates a pod's containers with that exit code.
func (s *Builder) Exit(pod string, code int32) *history.Event {
	return s.Change(history.Pods, pod, func(e *history.Event) {
		readiness(s, e.Pod, false)
		stop(s, e.Pod)
		for i := range e.Pod.Containers {
			e.Pod.Containers[i].ExitCode = code
		}
	})
}

// ExpectOf adds an expectation of the object that the event is a version of.
func (s *Builder) ExpectOf(was *history.Event, x history.Expectation) {
	x.Resource, x.Name, x.UID = was.Resource, was.Name, was.UID
	s.Expect(x)
}
