package historytest

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Start sets the first ordinal.
func Start(n int32) Option { return func(s *history.Set) { s.Start = n } }

// WhenScaledDelete lets a scale down delete the claims of the pods it removes.
func WhenScaledDelete(s *history.Set) {
	s.WhenScaled = appsv1.DeletePersistentVolumeClaimRetentionPolicyType
}

// WhenDeletedDelete lets the set's claims be deleted with it.
func WhenDeletedDelete(s *history.Set) {
	s.WhenDeleted = appsv1.DeletePersistentVolumeClaimRetentionPolicyType
}

// Succeed ends a pod with phase Succeeded.
func (s *Builder) Succeed(pod string) *history.Event {
	return s.Change(history.Pods, pod, func(e *history.Event) {
		e.Pod.Phase = corev1.PodSucceeded
		readiness(s, e.Pod, false)
		stop(s, e.Pod)
	})
}

// Crash lets a pod's containers end with an error.
func (s *Builder) Crash(pod string) *history.Event {
	return s.Change(history.Pods, pod, func(e *history.Event) {
		readiness(s, e.Pod, false)
		stop(s, e.Pod)
		for i := range e.Pod.Containers {
			e.Pod.Containers[i].ExitCode = 1
		}
	})
}

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

// Disrupt marks a pod as about to be disrupted, for that reason.
func (s *Builder) Disrupt(pod, reason string) *history.Event {
	return s.Change(history.Pods, pod, func(e *history.Event) {
		e.Pod.Conditions = append(e.Pod.Conditions, history.Condition{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: reason})
	})
}

// Evict lets the spec evict a pod through the Eviction API.
func (s *Builder) Evict(pod string) {
	s.Operation(history.VerbEvict, history.Pods, pod)
	s.Disrupt(pod, "EvictionByEvictionAPI")
	s.Terminate(pod)
}

// Orphan takes a pod's controller away.
func (s *Builder) Orphan(pod string) *history.Event {
	return s.Change(history.Pods, pod, func(e *history.Event) { e.Owners = nil })
}

// Adopt gives a pod to the set of that name.
func (s *Builder) Adopt(pod, set string) *history.Event {
	return s.Change(history.Pods, pod, func(e *history.Event) { e.Owners = s.owner(set) })
}

// Relabel changes one label of a pod.
func (s *Builder) Relabel(pod, label, value string) *history.Event {
	return s.Change(history.Pods, pod, func(e *history.Event) { e.Labels[label] = value })
}

// SetController makes the object of that UID the controller of a claim, and nobody else; an empty UID leaves it without one.
func (s *Builder) SetController(claim, kind, name string, uid types.UID) *history.Event {
	return s.Change(history.Claims, claim, func(e *history.Event) {
		e.Owners = nil
		if uid != "" {
			yes := true
			e.Owners = []metav1.OwnerReference{{Kind: kind, Name: name, UID: uid, Controller: &yes}}
		}
	})
}

// DeleteClaim requests a claim's deletion and carries it out.
func (s *Builder) DeleteClaim(claim string) {
	s.Change(history.Claims, claim, func(e *history.Event) {
		now := s.Timestamp()
		e.DeletionTimestamp = &now
	})
	s.Remove(history.Claims, claim)
}
