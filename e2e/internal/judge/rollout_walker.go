package judge

import (
	"maps"
	"sort"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// rollout is the sequence of updates of one set's pods by its controller.
type rollout struct {
	set *setLife
	templates
	observing []*history.Event // the versions whose status observed more than any before
	acts      []rolloutAction
	halts     []rolloutHalt
	unchanged []unchangedPeriod
	done      []rolloutCompletion
	stuck     *stalledRollout
	// orScaledDown holds the deletions that a candidate spec has as a scale down, as checked under the others.
	orScaledDown map[*podLife]rolloutAction
	// rolled holds the pods that the controller removed for an update.
	rolled map[*podLife]bool
}

// rolloutActionKind classifies the deletion of a pod in range by the controller.
type rolloutActionKind int

const (
	rolling     rolloutActionKind = iota // an update was pending for the pod
	covered                              // an update was pending, but the partition covers the pod
	onDelete                             // an update was pending, but the strategy is OnDelete
	recreated                            // an update was pending, and the strategy is Recreate
	spurious                             // none was pending
	disputed                             // an update was pending, and documentation and controller disagree on whether the partition covers the pod
	unknownKind                          // the history does not show whether one was pending
)

// rolloutAction is one pod in range whose deletion only the set's controller can have requested.
type rolloutAction struct {
	kind  rolloutActionKind
	pod   *podLife
	event *history.Event
	view  *history.Event // the version of the set that the act is judged under, the most lenient one
	spec  int            // its index
	// excused says that it was right under an earlier candidate spec only.
	excused bool
	limit   int  // how many pods may be down at a time, 0 where that is no whole number
	ready   bool // whether the pod itself was Ready when its deletion began
	broken  bool // whether it may have been unavailable in the informer cache
	own     bool // whether it is down because of the rollout alone
	ahead   bool // whether it came, not being Ready, before a higher pod that still had to be updated
	// above is the highest pod that should have been updated before, nil if none.
	above *podLife
	// waits are the updated pods above it that were not available.
	waits []blockingPod
	// updated is the pod above it that became Ready last, nil if there is none at the new revision.
	updated *podLife
	ordered bool // whether another order was possible, as far as the ordinals go
	choice  bool // whether a pod below it had an update pending as well
	// since is when the rollout came to ask for the act.
	since time.Duration
	down  []*podLife // the pods that are down because of the rollout, this one included
	// warming are the updated pods that are Ready and have not been so for minReadySeconds.
	warming []warmingPod
	// failing are the other pods in range that are not Ready, lingering that pods in range still had to be updated after this one.
	failing   []blockingPod
	lingering bool
	// reaction is the time from the last event that the act had to wait for to the act; negative where that is not known.
	reaction time.Duration
}

// rolloutHalt is an interval in which an updated pod was not Ready and a lower one still had to be updated.
type rolloutHalt struct {
	waitPeriod
	next *podLife
}

// unchangedPeriod is an interval after a change of the set other than of its template, while no pod has an update pending.
type unchangedPeriod struct {
	change    *history.Event
	spec      int
	from, to  time.Duration
	restarted bool
}

// rolloutCompletion is the event that completed a rollout: every pod at or above the partition updated and Ready.
type rolloutCompletion struct {
	spec  int
	event *history.Event
	below bool // whether pods below the partition still have the old template
}

// observed returns the first version of the set whose observedGeneration has reached that generation, or nil.
func (r *rollout) observed(generation int64) *history.Event {
	i := sort.Search(len(r.observing), func(i int) bool { return r.observing[i].Set.Status.ObservedGeneration >= generation })
	if i == len(r.observing) {
		return nil
	}
	return r.observing[i]
}

// rolloutOf reconstructs the updates of a set in one pass over the transitions of its pods and the changes of its spec.
func (m *model) rolloutOf(s *setLife) *rollout {
	r := &rollout{set: s, templates: templatesOf(s), rolled: map[*podLife]bool{}, orScaledDown: map[*podLife]rolloutAction{}}
	var top int64
	for _, e := range s.events {
		if g := e.Set.Status.ObservedGeneration; g > top && g <= e.Generation {
			top = g
			r.observing = append(r.observing, e)
		}
	}
	if len(s.specs) == 0 {
		return r
	}
	w := rolloutWalker{
		m: m, s: s, r: r, at: map[string]*ordinals{}, rolling: map[int]*podLife{}, replaced: map[int]warmingPod{}, acted: map[int]int{}, finished: map[int]bool{},
	}
	for _, st := range s.steps {
		w.advance(st.event.At)
		w.take(st)
	}
	w.advance(m.h.Duration())
	w.close(m.h.Duration())
	r.stuck = w.stuckAtEnd()
	return r
}

// rolloutWalker holds the state that the next act is compared with.
type rolloutWalker struct {
	m        *model
	s        *setLife
	r        *rollout
	down     ordinals             // those whose newest pod is not Ready
	at       map[string]*ordinals // by revision, those of living pods whose deletion was not requested
	rolling  map[int]*podLife     // ordinals that are down because of the rollout
	replaced map[int]warmingPod   // those that came back Ready
	acted    map[int]int          // acts of each phase
	finished map[int]bool         // the completed phases
	seen     int                  // events of the set taken into account
	spec     int                  // the version current at this moment
	halt     int                  // 1 + the index of the open halt
	stable   int                  // 1 + the index of the open period in r.unchanged
	lastUp   *podLife             // the pod that became Ready last
	lastUpAt time.Duration
	changed  time.Duration // when something last changed that a rollout depends on
}

func (w *rolloutWalker) take(st podStep) {
	n, e := st.pod.ordinal, st.event
	switch st.what {
	case podListed, podCreated:
		w.hold(st.pod.revision, n)
		w.down.add(n)
		if st.what == podCreated {
			w.openHalt(st.pod, e)
		}
	case podReady:
		w.down.remove(n)
		if was := w.rolling[n]; was != nil {
			w.replaced[n] = warmingPod{was: was, now: st.pod}
		}
		delete(w.rolling, n)
		w.lastUp, w.lastUpAt = st.pod, e.At
		w.endHalt(e.At, st.pod)
		w.complete(e)
	case podLost:
		w.down.add(n)
	case podDeleting:
		w.endHalt(e.At, st.pod)
		if !w.act(st.pod, e) {
			delete(w.rolling, st.pod.ordinal)
		}
		w.release(st.pod.revision, n)
	case podReleased:
		w.down.add(n)
		w.release(st.pod.revision, n)
	}
	if w.r.updatePending(st.pod.revision, w.spec) != yes || (st.what != podReady && st.what != podLost) {
		// A pod at an old revision that changes its readiness does not block the rollout.
		w.changed = e.At
	}
}

func (w *rolloutWalker) hold(revision string, ordinal int) {
	if w.at[revision] == nil {
		w.at[revision] = &ordinals{}
	}
	w.at[revision].add(ordinal)
}

func (w *rolloutWalker) release(revision string, ordinal int) {
	if of := w.at[revision]; of != nil {
		if of.remove(ordinal); len(*of) == 0 {
			delete(w.at, revision)
		}
	}
}

// advance applies the changes of the set that had arrived by then.
func (w *rolloutWalker) advance(at time.Duration) {
	for ; w.seen < len(w.s.events) && w.s.events[w.seen].At <= at; w.seen++ {
		if w.seen == 0 {
			continue
		}
		was, now := w.s.events[w.seen-1], w.s.events[w.seen]
		spec := was.Generation != now.Generation
		if !spec && sameLabels(was, now) {
			continue
		}
		if spec {
			w.spec, w.changed = w.s.current(now.At), now.At
			w.endHalt(now.At, nil)
		}
		w.endUnchanged(now.At)
		if was.Set.SameTemplate(now.Set) && w.settled(bounds(now, 0)) && len(w.at) > 0 {
			w.r.unchanged = append(w.r.unchanged, unchangedPeriod{change: now, spec: w.spec, from: now.At})
			w.stable = len(w.r.unchanged)
		}
	}
	if d := w.s.deleting; d != nil && d.At <= at {
		w.close(d.At)
	}
}

func sameLabels(a, b *history.Event) bool { return maps.Equal(a.Labels, b.Labels) }

func (w *rolloutWalker) close(at time.Duration) {
	w.endHalt(at, nil)
	w.endUnchanged(at)
}

// endHalt ends the open halt if it is that pod's; nil ends any.
func (w *rolloutWalker) endHalt(at time.Duration, p *podLife) {
	if w.halt > 0 && (p == nil || w.r.halts[w.halt-1].pod == p) {
		w.r.halts[w.halt-1].to = at
		w.halt = 0
	}
}

func (w *rolloutWalker) endUnchanged(at time.Duration) {
	if w.stable > 0 {
		w.r.unchanged[w.stable-1].to = at
		w.stable = 0
	}
}

// bounds returns the ordinals, from the first to before the second, that a version of the set has in range at or above one.
func bounds(v *history.Event, from int) (lo, hi int) {
	return max(from, int(v.Set.Start)), int(v.Set.Start) + int(v.Set.Replicas)
}

// settled reports whether no pod of an ordinal in [lo, hi) has an update pending.
func (w *rolloutWalker) settled(lo, hi int) bool {
	for revision, of := range w.at {
		if w.r.updatePending(revision, w.spec) != no && len(of.in(lo, hi)) > 0 {
			return false
		}
	}
	return true
}

// openHalt opens a halt if the new pod is at the update revision and a lower one is not.
func (w *rolloutWalker) openHalt(p *podLife, e *history.Event) {
	v := w.s.specs[w.spec]
	if v.Set.Strategy != appsv1.RollingUpdateStatefulSetStrategyType || !w.s.ordered() || limit(v.Set) != 1 {
		return
	}
	if w.r.updatePending(p.revision, w.spec) != no {
		return
	}
	next := w.pendingLast(w.spec, reached(v), p.ordinal)
	if next < 0 {
		return
	}
	w.endHalt(e.At, nil)
	w.r.halts = append(w.r.halts, rolloutHalt{waitPeriod: waitPeriod{from: e.At, pod: p}, next: w.s.life(next, e.Seq)})
	w.halt = len(w.r.halts)
}

// pendingLast returns the highest ordinal in [lo, hi) whose living pod has an update pending under that version, or -1.
func (w *rolloutWalker) pendingLast(spec, lo, hi int) int {
	found := -1
	for revision, of := range w.at {
		if w.r.updatePending(revision, spec) == yes {
			found = max(found, of.in(lo, hi).end()-1)
		}
	}
	return found
}

// complete records that the event completes the rollout of the current version, if it does.
func (w *rolloutWalker) complete(e *history.Event) {
	v, phase := w.s.specs[w.spec], w.r.phase[w.spec]
	acted := w.acted[phase]
	if w.r.raised(w.spec) {
		acted += w.acted[w.r.phase[phase-1]] // the last pod above the partition may have been deleted before that was raised
	}
	if acted == 0 || w.finished[phase] || v.Set.Strategy != appsv1.RollingUpdateStatefulSetStrategyType {
		return
	}
	lo, hi := bounds(v, 0)
	if len(w.s.ordinals.in(lo, hi)) != int(v.Set.Replicas) || len(w.down.in(lo, hi)) > 0 || !w.settled(reached(v), hi) {
		return
	}
	w.finished[phase] = true
	w.r.done = append(w.r.done, rolloutCompletion{spec: w.spec, event: e, below: !w.settled(lo, min(int(v.Set.Partition), hi))})
}

// act checks one deletion and reports whether the controller requested it for an update.
func (w *rolloutWalker) act(p *podLife, e *history.Event) bool {
	if !w.m.maybeByController(p) || e.Change == history.Listed || e.Change == history.Missing || w.s.mayBeDeleted(e) {
		return false
	}
	views := w.m.cacheAt(w.s, e)
	outOfRange := func(v *history.Event) bool { return !inRange(v, p.ordinal) }
	if views.everySpec(outOfRange) {
		return false
	}
	best := w.mostLenient(p, views)
	if views.anySpec(outOfRange) {
		w.r.orScaledDown[p] = best
		return false // it may as well have been a scale down
	}
	for i := views.newest; i >= views.recent; i-- {
		if l := limit(w.s.specs[i].Set); l == 0 || best.limit == 0 || recreates(w.s.specs[i]) {
			best.limit = 0
		} else {
			best.limit = max(best.limit, l)
		}
	}
	if w.stable > 0 && best.kind == spurious {
		w.r.unchanged[w.stable-1].restarted = true
	}
	w.endHalt(e.At, nil)
	if best.kind == rolling {
		w.r.rolled[p] = true
		w.acted[w.r.phase[best.spec]]++
		w.countDown(&best, views)
		w.countWarming(&best, views)
		w.countFailing(&best, views)
		best.ahead = w.aheadOfTurn(&best, views)
		w.noteChoice(&best)
	}
	w.r.acts = append(w.r.acts, best)
	return best.kind == rolling
}

// mostLenient checks one deletion under each candidate spec that has the pod in range, of which there is one, and returns the result that
// weighs least.
func (w *rolloutWalker) mostLenient(p *podLife, views cache) rolloutAction {
	var best rolloutAction
	none := true
	for i := views.newest; i >= views.oldest; i-- {
		if !inRange(w.s.specs[i], p.ordinal) {
			continue
		}
		if !none && (best.weight() == 0 || (i < views.recent && best.kind == unknownKind)) {
			break
		}
		if a := w.checkUnder(p, views.act, i); none || a.weight() < best.weight() {
			best, none = a, false
			best.excused = i < views.newest
		}
	}
	return best
}
