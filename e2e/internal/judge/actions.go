package judge

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// creationReason says why a pod was created.
type creationReason int

const (
	initial  creationReason = iota // the set's first pods
	scaleUp                        // ordinals added by a change of replicas
	replaced                       // an ordinal that had a pod before
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
	// first says that there is no lower ordinal, so that no order was exercised.
	first bool
	// lenient says that it was right under an earlier candidate spec only.
	lenient bool
	// unsettled says that replicas had changed while an earlier change was still being carried out.
	unsettled bool
	// afterLower says that a lower ordinal was created after the deletion of the previous pod of this ordinal.
	afterLower bool
	// blocking are the lower ordinals without a Running and Ready pod, under the most lenient candidate spec.
	blocking []blockingPod
	// reaction is how long after the last thing it had to wait for the pod was created; negative where that is not known.
	reaction time.Duration
	// freeFrom is from when on it could have been created but for the lower ordinals, -1 where that is not known; lowerReady when the last of
	// these became Ready, where all were.
	freeFrom, lowerReady time.Duration
	// lowest is the lowest ordinal that every candidate spec has in range.
	lowest int
}

// actions is what the controller of one set did to its pods.
type actions struct {
	set *setLife
	// unsettled says that replicas had changed again and again before the end, while an earlier change was still being carried out.
	unsettled bool
	creations []creation
	removals  []removal
}

// actionsOf reconstructs the creations and removals by a set's controller in one pass over the transitions of its pods. A deletion that is a
// scale down under one candidate spec and one for an update under another is wrong only if it is wrong as both; it then counts as a scale down.
func (m *model) actionsOf(s *setLife, r *rollout) actions {
	w := actionWalker{
		m: m, s: s, r: r, alive: map[int]*podLife{}, wanted: map[int]wantedSince{},
		readySince: momentsOf(s.ordinals), out: actions{set: s}, settledAt: -1,
	}
	for _, st := range s.steps {
		w.take(st)
	}
	w.out.unsettled = w.replicasChangedAgain(len(w.s.specs))
	return w.out
}

// actionWalker holds the state that the next creation or removal is compared with.
type actionWalker struct {
	m          *model
	s          *setLife
	r          *rollout
	versions   int // of the set that had arrived by then
	ready      ordinals
	readySince moments          // when the ordinal's last pod last became Ready
	alive      map[int]*podLife // by ordinal
	present    ordinals         // those alive
	wanted     map[int]wantedSince
	// low is the lowest ordinal from base on that is not Ready.
	base, low int
	// settledAt is when every wanted ordinal was Ready for the last time, -1 before the first.
	settledAt   time.Duration
	everSettled bool
	out         actions
}

func (w *actionWalker) take(st podStep) {
	w.foundAtRest(st.event.At)
	n := st.pod.ordinal
	switch st.what {
	case podCreated:
		if !w.s.mayBeDeleted(st.event) {
			w.out.creations = append(w.out.creations, w.creation(st))
		}
		w.podAdded(st.pod)
	case podListed:
		w.podAdded(st.pod)
	case podReady:
		w.ready.add(n)
		// One that is adopted may have been Ready for long.
		w.readySince.set(n, st.pod.readyBefore(st.event.Seq+1).from.At)
	case podLost:
		w.ready.remove(n)
		w.low = min(w.low, n)
	case podDeleting:
		if w.m.maybeByController(st.pod) && !w.s.mayBeDeleted(st.event) {
			w.out.removals = append(w.out.removals, w.removal(st))
		}
	case podReleased:
		w.ready.remove(n)
		w.low = min(w.low, n)
		w.podRemoved(st.pod)
	case podGone:
		w.podRemoved(st.pod)
	}
	for w.versions < len(w.s.events) && w.s.events[w.versions].At <= st.event.At {
		w.versions++
	}
	if w.versions == 0 {
		return
	}
	v := w.s.events[w.versions-1].Set
	if end := int(v.Start + v.Replicas); w.lowestUnready(int(v.Start)) >= end && w.present.end() <= end {
		w.settledAt, w.everSettled = st.event.At, true
	}
}

func (w *actionWalker) podAdded(p *podLife) {
	w.alive[p.ordinal] = p
	w.present.add(p.ordinal)
	w.readySince.set(p.ordinal, 0)
}

func (w *actionWalker) podRemoved(p *podLife) {
	if w.alive[p.ordinal] == p {
		delete(w.alive, p.ordinal)
		w.present.remove(p.ordinal)
	}
}

// joined returns the event that made the pod its owner's at an act: its creation, or its adoption; nil where that was before the recording.
func (p *podLife) joined(act *history.Event) *history.Event {
	if t := p.ownerAt(act.Seq); t.from != p.first() {
		return t.from
	}
	return p.created
}

// lowestUnready returns the lowest ordinal at or above start that is not Ready.
func (w *actionWalker) lowestUnready(start int) int {
	if start != w.base || w.low < start {
		w.base, w.low = start, start
	}
	for w.ready.has(w.low) {
		w.low++
	}
	return w.low
}

// unready lists the ordinals in [from, to) that are not Ready, with what the controller could have known of each.
func (w *actionWalker) unready(from, to int, act *history.Event) []blockingPod {
	var out []blockingPod
	violations := 0
	for n := w.lowestUnready(from); n < to && !enoughPods(violations); n++ {
		if w.ready.has(n) {
			continue
		}
		p := w.s.life(n, act.Seq)
		st, since, why := w.m.knewOf(p, act)
		out = append(out, blockingPod{ordinal: n, pod: p, knowledge: st, since: since, why: why})
		if st == violation {
			violations++
		}
		if !w.s.ordered() {
			break // one shows that the controller did not wait, as it need not
		}
	}
	return out
}

func (w *actionWalker) creation(st podStep) creation {
	n := st.pod.ordinal
	c := creation{pod: st.pod, event: st.event, reason: initial}
	views := w.m.cacheAt(w.s, st.event)
	versions := views.specs()
	newest := 0
	for i, v := range slices.Backward(versions) {
		start := int(v.Set.Start)
		found := w.unready(min(start, n), n, st.event)
		if i == len(versions)-1 {
			newest = severity(found)
		}
		// The rule of candidate specs: the most lenient one counts.
		if i == len(versions)-1 || severity(found) < severity(c.blocking) {
			c.blocking, c.first = found, start >= n
		}
	}
	c.lenient = newest > 0 && len(c.blocking) == 0
	c.unsettled = w.replicasChangedAgain(views.newest + 1)
	previous := w.s.life(n, st.event.Seq-1)
	switch {
	case previous != nil && !w.outOfRange(n, previous.first().At, st.event.At):
		c.reason = replaced
		for _, earlier := range slices.Backward(w.out.creations) {
			if previous.deleting == nil || earlier.event.Seq < previous.deleting.Seq || c.afterLower {
				break
			}
			c.afterLower = earlier.pod.ordinal < n
		}
	case w.outOfRange(n, 0, st.event.At):
		c.reason = scaleUp
	}
	c.freeFrom, c.reaction = w.wantedAt(n, st.event), -1
	// Until the last pod of the name is gone, whoever's it was, the name is taken.
	if former := st.pod.predecessorIncarnation; c.freeFrom >= 0 && former != nil && former.gone != nil {
		c.freeFrom = max(c.freeFrom, former.gone.At)
	}
	if c.freeFrom >= 0 {
		since, gone := w.r.oldGone(versions[len(versions)-1], st.event.At)
		if c.freeFrom = max(c.freeFrom, since); !gone {
			c.freeFrom = -1
		}
	}
	if len(c.blocking) > 0 {
		return c
	}
	for _, v := range versions {
		c.lowest = max(c.lowest, int(v.Set.Start))
	}
	c.lowerReady = w.readySince.latest(c.lowest, n)
	if c.freeFrom >= 0 {
		c.reaction = max(0, st.event.At-max(c.freeFrom, c.lowerReady+w.m.cacheAt(w.s, st.event).leastMinReady()))
	}
	return c
}

// readyPods returns the pods of the ordinals from one up to another that had become Ready by that point of the history.
func (s *setLife) readyPods(from, to, seq int) (out []*podLife) {
	for _, n := range s.ordinals.in(from, to) {
		if p := s.life(n, seq); p != nil && p.readyBefore(seq) != nil {
			out = append(out, p)
		}
	}
	return out
}

// wantedSince is when an ordinal last came to be wanted, -1 if it never was, as of so many versions of the set.
type wantedSince struct {
	versions int
	at       time.Duration
}

// wantedAt returns when the ordinal last came to be wanted before a creation, -1 if it never was. A set whose watch is behind was there
// all the same before its first pod.
func (w *actionWalker) wantedAt(n int, act *history.Event) time.Duration {
	since, known := w.wanted[n]
	if !known {
		since.at = -1
	}
	for end := w.s.specsUntil(deliveredBy(act.At)); since.versions < end; since.versions++ {
		if v, i := w.s.specs[since.versions], since.versions; inRange(v, n) && (i == 0 || !inRange(w.s.specs[i-1], n)) {
			since.at = v.At
		}
	}
	w.wanted[n] = since
	if since.versions == 0 && len(w.s.specs) > 0 && inRange(w.s.specs[0], n) {
		return act.At
	}
	return since.at
}

// Weights of a blocking pod: no number of pods that may have been Ready in the informer cache weighs as much as one that cannot have been.
const (
	mild   = 1
	medium = 1 << 20
	severe = 1 << 40
)

// foundAtRest takes note of a set that had all its pods Ready when the recording began: its pods were listed before it, so that none of their steps shows
// it. at is the moment of the next step.
func (w *actionWalker) foundAtRest(at time.Duration) {
	if w.versions > 0 || len(w.s.events) == 0 {
		return
	}
	first := w.s.events[0]
	end := int(first.Set.Start + first.Set.Replicas)
	if first.Change == history.Listed && first.At < at && w.lowestUnready(int(first.Set.Start)) >= end && w.present.end() <= end {
		w.versions, w.settledAt, w.everSettled = 1, first.At, true
	}
}

// severity sums the weights of the pods that an act should have waited for.
func severity(found []blockingPod) int {
	n := 0
	for _, o := range found {
		switch o.knowledge {
		case violation:
			n += severe
		case unknownToController:
			n += medium
		case allowedStale:
			n += mild
		}
	}
	return n
}

// replicasChangedAgain reports whether in the first n specs replicas had changed at least twice since the set last had all its pods Ready. The watch of
// sets may tell of the last one only after what the controller did about it.
func (w *actionWalker) replicasChangedAgain(n int) bool {
	changes := 0
	for i := n - 1; i > 0 && w.s.specs[i].At > w.settledAt; i-- {
		if w.s.specs[i].Set.Replicas != w.s.specs[i-1].Set.Replicas {
			changes++
		}
	}
	return changes >= 2 || (changes == 1 && !w.everSettled)
}

// outOfRange reports whether between the two moments a spec had the ordinal out of range.
func (w *actionWalker) outOfRange(n int, from, to time.Duration) bool {
	return w.s.during(from-1, to, func(v *history.Event) bool { return !inRange(v, n) })
}

// inRange reports whether the ordinal is in the range of that version of a set.
func inRange(v *history.Event, n int) bool {
	return n >= int(v.Set.Start) && n < int(v.Set.Start+v.Set.Replicas)
}

// updates reports whether under that version of a set the controller deletes the pod of the ordinal if an update is pending for it.
func updates(v *history.Event, n int) bool {
	return inRange(v, n) && v.Set.Strategy == appsv1.RollingUpdateStatefulSetStrategyType && !kept(v, n)
}

// With a start ordinal, documentation and controller disagree on which pods a partition covers: the ordinals below it, or so many from the start
// ordinal on. Both keep the ordinals below it, and both update those from reached on.

// kept reports whether the partition of that version of a set surely keeps the pod of an ordinal from being updated.
func kept(v *history.Event, n int) bool { return n < int(v.Set.Partition) }

// reached returns the lowest ordinal that the partition of that version of a set surely lets be updated.
func reached(v *history.Event) int { return int(v.Set.Start + v.Set.Partition) }

// ordered reports whether the set creates and removes its pods one after another.
func (s *setLife) ordered() bool { return s.policy() == appsv1.OrderedReadyPodManagement }
