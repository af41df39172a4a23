package figures

import (
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// rolloutSamples returns how long each rollout took, from the change of the template until the status says that it is complete, divided by the number
// of pods that it made. One that a partition, minReadySeconds, a readiness gate, another change of the spec, or anything that was done to the cluster
// meanwhile may have held is left out.
func rolloutSamples(h *history.History, pods []*life, sets map[types.UID]setVersions) []Sample {
	var out []Sample
	for uid, versions := range sets {
		for i, e := range versions[1:] {
			if e.Generation == versions[i].Generation || e.Set.SameTemplate(versions[i].Set) || heldRollout(e.Set) {
				continue
			}
			if done := completed(versions[i+1:]); done != nil && !disturbed(h, e.At, done.At) {
				if n := made(pods, uid, done.Set.Status.UpdateRevision, e.At, done.At); n > 0 {
					out = append(out, Sample{PodRolled, "", (done.At - e.At) / time.Duration(n)})
				}
			}
		}
	}
	return out
}

// heldRollout reports whether the spec itself makes a rollout wait, or never end.
func heldRollout(s *history.Set) bool {
	return s.Strategy != appsv1.RollingUpdateStatefulSetStrategyType || s.Partition > 0 || s.MinReadySeconds > 0 || strings.Contains(s.Template.Parts, "readinessGates")
}

// completed returns the first of the versions of a set, which begin with a change of its template, whose status says that the rollout is complete; nil
// where the spec was changed before.
func completed(versions setVersions) *history.Event {
	for _, e := range versions {
		s := &e.Set.Status
		switch {
		case e.Generation != versions[0].Generation || e.Terminating() || e.Gone():
			return nil
		case s.ObservedGeneration >= e.Generation && s.UpdateRevision == s.CurrentRevision && s.Updated == e.Set.Replicas && s.Ready == e.Set.Replicas && s.Replicas == e.Set.Replicas:
			return e
		}
	}
	return nil
}

// disturbed reports whether the spec did something to the cluster in an interval that may have held or hastened a rollout.
func disturbed(h *history.History, from, to time.Duration) bool {
	return slices.ContainsFunc(h.Operations, func(o history.Operation) bool {
		return o.At > from && o.At < to && o.Effective() && o.Verb != history.VerbTouch && o.Verb != history.VerbOther
	})
}

// made counts the pods of a set and a revision that were created in an interval.
func made(pods []*life, set types.UID, revision string, from, to time.Duration) int {
	n := 0
	for _, p := range pods {
		if p.owner == set && p.revision == revision && p.created >= from && p.created <= to {
			n++
		}
	}
	return n
}
