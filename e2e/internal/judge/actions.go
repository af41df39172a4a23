package judge

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// creationReason says in the course of what a pod was created.
type creationReason int

const (
	initial  creationReason = iota // the set's first pods
	scaleUp                        // ordinals added by a change of replicas
	replaced                       // an ordinal that had a pod which was lost
)

// blockingPod is a pod that an act should have waited for.
type blockingPod struct {
	ordinal   int
	pod       *podLife // nil if there never was one
	knowledge knowledge
	since     time.Duration
	why       string
}

// creation is one pod created by a set's controller.
type creation struct {
	pod    *podLife
	event  *history.Event
	reason creationReason
	// first says that no predecessor exists, so that no order was exercised.
	first bool
	// unsettled says that replicas had changed while an earlier change was still being carried out.
	unsettled bool
	// missingBelow counts the predecessors that had been lost and were made again since the pod's forerunner was lost.
	missingBelow int
	// blocking are the predecessors that were not Running, Ready and staying, under the most lenient spec in force.
	blocking []blockingPod
	// reaction is how long after the last thing it had to wait for the pod was created; negative where that is not known.
	reaction time.Duration
}

// removal is one pod whose deletion only the set's controller can have started.
type removal struct {
	pod   *podLife
	event *history.Event
	// outOfRange says that a spec in force had no place for the ordinal; below that its place was lost at the lower end.
	outOfRange, belowStart bool
	// startMoved says that it lost its place by a change of the start ordinal, which is no scale down.
	startMoved bool
	replicas   int32 // of the spec in force that the removal is judged under
	unsettled  bool
	// higher are the condemned pods above it that still existed; unseen counts those among them that the controller may not
	// have known yet, though it made them itself.
	higher []*podLife
	unseen int
	// staying are the remaining ordinals that were not Running, Ready and staying.
	staying []blockingPod
	// lower are the condemned pods below it that were not Ready either, where it was known not to be Ready itself.
	lower []blockingPod
	// ready says whether the pod itself was Ready when its deletion began.
	ready    bool
	reaction time.Duration
}

// actions is what the controller of one set did to its pods.
type actions struct {
	set       *setLife
	creations []creation
	removals  []removal
}

// actionsOf reconstructs the acts of a set's controller in one pass over the steps of its pods.
func (m *model) actionsOf(s *setLife) actions {
	created := 0
	for _, st := range s.steps {
		if st.what == podCreated {
			created++
		}
	}
	w := actionWalker{
		m: m, s: s, places: s.byOrdinal.places, alive: make([]*podLife, len(s.byOrdinal.places)), presentAtCreation: make([]int, len(s.byOrdinal.places)),
		out: actions{set: s, creations: make([]creation, 0, created)}, settledAt: -1,
	}
	for _, st := range s.steps {
		w.take(st)
	}
	return w.out
}

// actionWalker keeps, while a set's steps are read in order, what the next act has to be compared with.
type actionWalker struct {
	m                 *model
	s                 *setLife
	versions          int // of the set that had arrived by then
	places            ordinals
	ready             bitset     // the places of those that are Ready
	alive             []*podLife // by place
	living            int
	present           bitset // the places of those alive
	presentAtCreation []int  // by place, how many pods were alive when the one there was created
	// low is the lowest ordinal from base on that is not Ready.
	base, low int
	// settledAt is when every wanted ordinal was Ready for the last time, -1 before the first.
	settledAt   time.Duration
	everSettled bool
	lastReady   time.Duration // when a pod last became Ready
	lastGone    time.Duration // when a pod was last gone
	out         actions
}

func (w *actionWalker) take(st podStep) {
	n := st.pod.ordinal
	place := w.places.from(n)
	switch st.what {
	case podCreated:
		if !w.s.mayBeDeleted(st.event) {
			w.out.creations = append(w.out.creations, w.creation(st))
		}
		w.podAdded(st.pod, place)
		w.presentAtCreation[place] = w.living
	case podListed:
		w.podAdded(st.pod, place)
		w.presentAtCreation[place] = 0
	case podReady:
		w.ready.set(place)
		w.lastReady = st.event.At
	case podLost:
		w.ready.clear(place)
		w.low = min(w.low, n)
	case podDeleting:
		if w.m.byController(st.pod) && !w.s.mayBeDeleted(st.event) {
			w.out.removals = append(w.out.removals, w.removal(st))
		}
	case podReleased:
		w.ready.clear(place)
		w.low = min(w.low, n)
		w.podRemoved(st.pod, place)
	case podGone:
		w.podRemoved(st.pod, place)
		w.lastGone = st.event.At
	}
	for w.versions < len(w.s.events) && w.s.events[w.versions].At <= st.event.At {
		w.versions++
	}
	if w.versions == 0 {
		return
	}
	v := w.s.events[w.versions-1].Set
	if end := int(v.Start + v.Replicas); w.lowestUnready(int(v.Start)) >= end && w.above(end) < 0 {
		w.settledAt, w.everSettled = st.event.At, true
	}
}

func (w *actionWalker) podAdded(p *podLife, place int) {
	if w.alive[place] == nil {
		w.living++
	}
	w.alive[place] = p
	w.present.set(place)
}

// podRemoved takes a pod off the living ones.
func (w *actionWalker) podRemoved(p *podLife, place int) {
	if w.alive[place] == p {
		w.alive[place] = nil
		w.living--
		w.present.clear(place)
	}
}

// readyAt reports whether the ordinal has a pod that is Ready.
func (w *actionWalker) readyAt(n int) bool {
	place, ok := w.places.at(n)
	return ok && w.ready.has(place)
}

// above returns the place of the lowest living pod whose ordinal is n or above, or -1.
func (w *actionWalker) above(n int) int { return w.present.next(w.places.from(n), len(w.places)) }

// lowestUnready returns the lowest ordinal at or above start that is not Ready.
func (w *actionWalker) lowestUnready(start int) int {
	if start != w.base || w.low < start {
		w.base, w.low = start, start
	}
	for w.readyAt(w.low) {
		w.low++
	}
	return w.low
}

// unready lists the ordinals in [from, to) that are not Ready, with what the controller could have known of each.
func (w *actionWalker) unready(from, to int, act *history.Event) []blockingPod {
	var out []blockingPod
	most := maxBlockingPods
	if !w.s.ordered() {
		most = 1 // one shows that it did not wait, and nobody asks for more
	}
	for n := w.lowestUnready(from); n < to && len(out) < most; n++ {
		if w.readyAt(n) {
			continue
		}
		p := w.s.life(n, act.Seq)
		st, since, why := w.m.knewOf(p, act)
		out = append(out, blockingPod{ordinal: n, pod: p, knowledge: st, since: since, why: why})
	}
	return out
}

func (w *actionWalker) creation(st podStep) creation {
	n := st.pod.ordinal
	c := creation{pod: st.pod, event: st.event, reason: initial}
	versions := w.m.cacheAt(w.s, st.event).specs()
	wanted := time.Duration(-1) // when the ordinal came to be wanted
	for i, v := range slices.Backward(versions) {
		start := int(v.Set.Start)
		found := w.unready(min(start, n), n, st.event)
		// Legal under any spec in force is legal: the most lenient one counts.
		if i == len(versions)-1 || severity(found) < severity(c.blocking) {
			c.blocking, c.first = found, start >= n
		}
	}
	c.unsettled = w.replicasChangedAgain(st.event.At)
	forerunner := w.s.life(n, st.event.Seq-1)
	switch {
	case forerunner != nil && !w.outOfRange(n, forerunner.first().At, st.event.At):
		c.reason = replaced
		for k := n - 1; k >= 0 && k >= n-maxLookBack; k-- {
			if p := w.s.life(k, st.event.Seq); p != nil && p.created != nil && forerunner.deleting != nil && p.created.Seq > forerunner.deleting.Seq {
				c.missingBelow++
			}
		}
	case w.outOfRange(n, 0, st.event.At):
		c.reason = scaleUp
	}
	for i := w.s.specsUntil(st.event.At+watchSkew) - 1; i >= 0 && wanted < 0; i-- {
		if v := w.s.specs[i]; inRange(v, n) && (i == 0 || !inRange(w.s.specs[i-1], n)) {
			wanted = v.At
		}
	}
	trigger := max(wanted, w.lastReady)
	if forerunner != nil && forerunner.gone != nil {
		trigger = max(trigger, forerunner.gone.At)
	}
	c.reaction = -1
	if wanted >= 0 {
		c.reaction = max(0, st.event.At-trigger)
	}
	return c
}

// maxBlockingPods bounds how many pods an act is held up against at a time; it keeps judging linear.
const maxBlockingPods = 16

// maxLookBack bounds how many predecessors are asked whether they were lost together with a pod; it keeps judging linear.
const maxLookBack = 8

func (w *actionWalker) removal(st podStep) removal {
	n := st.pod.ordinal
	r := removal{pod: st.pod, event: st.event, reaction: -1}
	span := st.pod.readyBefore(st.event.Seq)
	r.ready = span != nil && (span.to == nil || span.to.Seq == st.event.Seq)
	best := -1
	versions := w.m.cacheAt(w.s, st.event).specs()
	if slices.ContainsFunc(versions, func(v *history.Event) bool { return updates(v, n) }) && w.m.updatePending(w.s, st.pod) {
		return r // under a version that has a place for it, it went for an update
	}
	for _, v := range slices.Backward(versions) {
		if inRange(v, n) {
			continue
		}
		start, end := int(v.Set.Start), int(v.Set.Start+v.Set.Replicas)
		staying := w.unready(start, end, st.event)
		var higher []*podLife
		unseen := 0
		for i := w.above(n + 1); i >= 0 && len(higher) < maxBlockingPods; i = w.present.next(i+1, len(w.places)) {
			switch p := w.alive[i]; {
			case inRange(v, p.ordinal):
			case w.m.maybeNotInCache(p, st.event, w.presentAtCreation[i]):
				unseen++
			default:
				higher = append(higher, p)
			}
		}
		lower := w.lower(v, st)
		if got := severity(staying) + severity(lower) + 3*len(higher); best < 0 || got < best {
			best = got
			r.outOfRange, r.belowStart, r.replicas = true, n < start, v.Set.Replicas
			r.staying, r.lower, r.higher, r.unseen = staying, lower, higher, unseen
			r.startMoved = w.s.lostRangeByStart(n, v)
			r.reaction = max(0, st.event.At-max(w.lastGone, w.lastReady, v.At))
		}
	}
	r.unsettled = w.replicasChangedAgain(st.event.At)
	return r
}

// lower lists the condemned pods below one that is being removed that were not Ready. A condemned pod that is not Ready is removed only if
// it is the lowest that is not; one that the controller may have taken for Ready is removed whatever is below it.
func (w *actionWalker) lower(v *history.Event, st podStep) []blockingPod {
	known, _, _ := w.m.knewOf(st.pod, st.event)
	if known == allowedStale || !w.s.ordered() {
		return nil
	}
	var out []blockingPod
	for i := w.above(int(v.Set.Start + v.Set.Replicas)); i >= 0 && w.places[i] < st.pod.ordinal && len(out) < maxBlockingPods; i = w.present.next(i+1, len(w.places)) {
		p := w.alive[i]
		if w.ready.has(i) {
			continue
		}
		o := blockingPod{ordinal: p.ordinal, pod: p}
		if o.knowledge, o.since, o.why = w.m.knewOf(p, st.event); o.knowledge == violation {
			o.knowledge = known
		}
		out = append(out, o)
	}
	return out
}

// severity orders sets of obstacles by how little speaks against an act.
func severity(found []blockingPod) int {
	n := 0
	for _, o := range found {
		switch o.knowledge {
		case violation:
			n += 3
		case unknownToController:
			n += 2
		case allowedStale:
			n++
		}
	}
	return n
}

// replicasChangedAgain reports whether replicas had changed at least twice since the set was last at rest.
func (w *actionWalker) replicasChangedAgain(at time.Duration) bool {
	changes := 0
	for i := w.s.specsUntil(at) - 1; i > 0 && w.s.specs[i].At > w.settledAt; i-- {
		if w.s.specs[i].Set.Replicas != w.s.specs[i-1].Set.Replicas {
			changes++
		}
	}
	return changes >= 2 || (changes == 1 && !w.everSettled)
}

// outOfRange reports whether between the two moments a spec had no place for the ordinal.
func (w *actionWalker) outOfRange(n int, from, to time.Duration) bool {
	return w.s.during(from-1, to, func(v *history.Event) bool { return !inRange(v, n) })
}

// inRange reports whether that version of a set wants a pod of the ordinal.
func inRange(v *history.Event, n int) bool {
	return n >= int(v.Set.Start) && n < int(v.Set.Start+v.Set.Replicas)
}

// updates reports whether under that version of a set the controller deletes the pod of the ordinal if an update is pending for it.
// What a partition covers is not agreed upon where there is a start ordinal too.
func updates(v *history.Event, n int) bool {
	return inRange(v, n) && v.Set.Strategy == appsv1.RollingUpdateStatefulSetStrategyType && (v.Set.Start != 0 || n >= int(v.Set.Partition))
}

// ordered reports whether the set creates and removes its pods one after another.
func (s *setLife) ordered() bool { return s.policy() == appsv1.OrderedReadyPodManagement }
