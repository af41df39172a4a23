package explorer

import (
	"context"
	"fmt"
	"time"

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
		if stalled {
			r.accuse(ctx)
		}
		touched = touched || stalled
		r.judge(ctx)
	}
}

// verifyCollected verifies of each set that was deleted that its pods and controller revisions are gone, but for those that were orphaned.
func (r *run) verifyCollected(ctx context.Context) {
	l := r.ns.Settings.Limits
	for _, set := range r.course.Deleted() {
		err := r.ns.AwaitFrom(ctx, l.PodGone+l.Collected, "what the deleted set "+set+" had to be gone", func(s *history.State) string { return uncollected(s, set) }, r.ns.GarbageCollector())
		if ctx.Err() == nil {
			r.ns.VerifySet(set, contract.TerminationCascade, err, "pods and controller revisions of the deleted set %s", set)
		}
	}
}

// uncollected says which pod or controller revision has a set of that name for its controller that is not there, "" if none has.
func uncollected(s *history.State, set string) string {
	now := s.Get(history.Sets, set)
	for _, resource := range []history.Resource{history.Pods, history.Revisions} {
		for _, e := range s.List(resource) {
			if o := e.Controller(); o != nil && o.Kind == "StatefulSet" && o.Name == set && (now == nil || now.UID != o.UID) {
				return fmt.Sprintf("%s %s is still there (terminating: %t)", resource, e.Name, e.Terminating())
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
