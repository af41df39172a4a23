package explorer

import (
	"context"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/explore"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

const (
	// A set that is given all that it needs must come to rest before this many times the longest start of a pod has passed without any change,
	// and not less than leastPatience. The kubelet's back-off of images and containers is not in it: pods that need that are deleted.
	patienceFactor = 5
	leastPatience  = 45 * time.Second

	// endFactor is how many times that the end may take in all: where a controller undoes what it does, something changes for ever.
	endFactor = 6
)

// end takes away what stands in the way of the sets and waits until they are what was asked for.
func (r *run) end(ctx context.Context) {
	patience := r.patience()
	begin, stalled, touched := r.ns.Now(), false, false
	last := begin
	for ctx.Err() == nil && !r.broken {
		var acts []explore.Act
		var left string
		r.ns.View(func(s *history.State) { acts, left = r.course.Ending(s, stalled), explore.Settled(s) })
		for _, act := range acts {
			r.do(ctx, explore.Step{Act: act, End: true})
		}
		if left == "" && len(acts) == 0 {
			r.verifyCollected(ctx)
			return
		}
		if r.ns.Now()-last > patience || r.ns.Now()-begin > endFactor*patience {
			r.course.Episode.Unsettled = left
			r.ns.ShowController(ctx)
			return
		}
		_, turned := r.nextTurn(ctx, turnLimit)
		if turned {
			last, touched = r.ns.Now(), false
		}
		stalled = !turned && !touched && r.ns.Now()-last > stallLimit
		touched = touched || stalled
		r.judge(ctx)
	}
}

// verifyCollected verifies that pods and controller revisions of deleted sets are gone, but for those that were orphaned.
func (r *run) verifyCollected(ctx context.Context) {
	if !slices.ContainsFunc(r.course.Episode.Steps, func(s explore.Step) bool {
		return s.Act.Kind == explore.DeleteSet && s.Act.Propagation != metav1.DeletePropagationOrphan && s.Failed == ""
	}) {
		return
	}
	l := r.ns.Settings.Limits
	err := r.ns.AwaitFrom(ctx, l.PodGone+l.Collected, "what deleted sets had to be gone", uncollected, r.ns.GarbageCollector())
	if ctx.Err() == nil {
		r.ns.Verify(contract.TerminationCascade, err, "pods and controller revisions of deleted sets")
	}
}

// uncollected says which pod or controller revision has a set for its controller that is not there, "" if none has.
func uncollected(s *history.State) string {
	for _, resource := range []history.Resource{history.Pods, history.Revisions} {
		for _, e := range s.List(resource) {
			o := e.Controller()
			if o == nil || o.Kind != "StatefulSet" {
				continue
			}
			if set := s.Get(history.Sets, o.Name); set == nil || set.UID != o.UID {
				return fmt.Sprintf("%s %s is still there (terminating: %t), of the deleted set %s", resource, e.Name, e.Terminating(), o.Name)
			}
		}
	}
	return ""
}

// patience is how long nothing may happen before a set that has not come to rest never will.
func (r *run) patience() time.Duration {
	created, longest := map[string]time.Duration{}, time.Duration(0)
	for _, e := range r.ns.History().Events {
		if e.Resource != history.Pods {
			continue
		}
		key := string(e.UID)
		if e.Change == history.Added {
			created[key] = e.At
		}
		if at, known := created[key]; known && e.Pod.RunningAndReady() {
			longest = max(longest, e.At-at)
			delete(created, key)
		}
	}
	return max(leastPatience, min(patienceFactor*longest, r.ns.Settings.Limits.PodReady))
}
