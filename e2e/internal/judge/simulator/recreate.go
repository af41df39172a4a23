package simulator

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// recreates reports whether the set is under Recreate and has a pod of another revision than its update revision, be it one that terminates: the
// sync then does nothing but delete these.
func (s *setSync) recreates(all []*replica) bool {
	return s.set.Set.Strategy == recreate && slices.ContainsFunc(all, func(r *replica) bool {
		return r.pod.Labels[appsv1.ControllerRevisionHashLabelKey] != s.revisions.update.name
	})
}

// deleteOld deletes a pod that Recreate takes down.
func (s *setSync) deleteOld(r *replica) (stop, ok bool) {
	if r.pod != nil && s.outdated(r) {
		s.deletePod(r)
	}
	return false, true
}

// progress sets the condition Progressing to True while pods of older revisions are replaced under Recreate.
func (s *setSync) progress(all []*replica) {
	if s.set.Set.Strategy == recreate && (s.recreates(all) || s.revisions.current.name != s.revisions.update.name) {
		s.status.Progressing = corev1.ConditionTrue
	}
}

// mayRecreate gives a set the strategy Recreate with a probability, where the gate is on. It draws from a sequence of its own, so that a seed gives the
// same history as without it where no set gets the strategy.
func (cl *cluster) mayRecreate(t *history.Set, p float64) {
	if cl.options.recreate && cl.choosesStrategy.Float64() < p {
		t.Strategy = recreate
	}
	withoutRollingUpdate(t)
}

// withoutRollingUpdate clears what the API server does not take with Recreate.
func withoutRollingUpdate(t *history.Set) {
	if t.Strategy == recreate {
		t.Partition, t.MaxUnavailable, t.NoRollingUpdate = 0, "", false
	}
}
