package judge

import (
	"slices"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// removal is one pod whose deletion only the set's controller can have requested.
type removal struct {
	pod   *podLife
	event *history.Event
	// outOfRange says that the ordinal is outside the range of a candidate spec; belowStart that it is below its start.
	outOfRange, belowStart bool
	// mayRoll says that it was out of order for a scale down and may have been for an update; lenient that it was right under an earlier
	// candidate spec only.
	mayRoll, lenient bool
	// startMoved says that it came to be out of range by a change of the start ordinal, which is no scale down.
	startMoved bool
	replicas   int32 // of the candidate spec that the removal is judged under
	unsettled  bool
	// higher are the pods above it that are to go too and still existed; unseen counts those that may not have been in the informer
	// cache yet.
	higher []*podLife
	unseen int
	// staying are the ordinals in range without a Running and Ready pod.
	staying []blockingPod
	// lower are the pods out of range below it that were not Ready either, where it was known not to be Ready itself.
	lower []blockingPod
	// ready says whether the pod itself was Ready when its deletion began.
	ready    bool
	reaction time.Duration
	// choice says that a pod below it was to go too; blocked is for how long it had to wait for others.
	choice  bool
	blocked time.Duration
}

func (w *actionWalker) removal(st podStep) removal {
	n := st.pod.ordinal
	r := removal{pod: st.pod, event: st.event, reaction: -1}
	span := st.pod.readyBefore(st.event.Seq)
	r.ready = span != nil && (span.to == nil || span.to.Seq == st.event.Seq)
	best, newest := -1, -1
	views := w.m.cacheAt(w.s, st.event)
	versions := views.specs()
	for _, v := range slices.Backward(versions) {
		if inRange(v, n) {
			continue
		}
		start, end := int(v.Set.Start), int(v.Set.Start+v.Set.Replicas)
		staying := w.unready(start, end, st.event)
		var higher []*podLife
		unseen := 0
		for _, k := range w.present.from(n + 1) {
			switch p := w.alive[k]; {
			case inRange(v, k):
			case w.m.maybeNotInCache(p, st.event):
				unseen++
			default:
				higher = append(higher, p)
			}
			if enoughPods(len(higher)) {
				break
			}
		}
		lower := w.lower(v, st)
		got := severity(staying) + severity(lower) + severe*len(higher)
		if newest < 0 {
			newest = got
		}
		if best < 0 || got < best {
			best = got
			r.outOfRange, r.belowStart, r.replicas = true, n < start, v.Set.Replicas
			r.staying, r.lower, r.higher, r.unseen = staying, lower, higher, unseen
			r.startMoved = w.s.lostRangeByStart(n, v)
			r.choice = w.othersToGo(v, st)
			gone := w.higherGone(v, st)
			ready := w.readySince.latest(start, end)
			r.reaction = max(0, st.event.At-max(gone, ready+minReady(v), v.At))
			if r.blocked = gone - max(v.At, st.pod.first().At); r.startMoved {
				r.blocked = max(r.blocked, ready-v.At)
			}
		}
	}
	if w.mayRoll(views, st.pod) {
		return removal{pod: st.pod, event: st.event, reaction: -1, mayRoll: best >= severe}
	}
	r.lenient = best == 0 && newest > 0
	if best < severe && slices.ContainsFunc(versions, func(v *history.Event) bool { return updates(v, n) }) && w.m.updateNamed(w.s, st.pod) {
		return removal{pod: st.pod, event: st.event, reaction: -1} // not counted as a scale down, which it need not have been
	}
	r.unsettled = w.replicasChangedAgain(views.newest + 1)
	return r
}

// mayRoll reports whether a pod may have been deleted for an update under one of these versions, as far as their order allows.
func (w *actionWalker) mayRoll(views cache, p *podLife) bool {
	if w.r.mayRecreate(p, views) {
		return true
	}
	if !views.anySpec(func(v *history.Event) bool { return inRange(v, p.ordinal) }) {
		return false
	}
	a, checked := w.r.orScaledDown[p]
	return (!checked || a.weight() < severe) && (a.kind == rolling || w.m.updateNamed(w.s, p))
}

// othersToGo reports whether another pod than the removed one, below it, was to go as well.
func (w *actionWalker) othersToGo(v *history.Event, st podStep) bool {
	return slices.ContainsFunc(w.present, func(n int) bool {
		return n < st.pod.ordinal && !inRange(v, n) && !w.alive[n].terminatingAt(st.event.Seq)
	})
}

// higherGone returns when the last of the pods above the removed one that were to go as well was gone, 0 if there was none.
func (w *actionWalker) higherGone(v *history.Event, st podStep) (last time.Duration) {
	for _, n := range w.s.ordinals.from(st.pod.ordinal + 1) {
		if p := w.s.life(n, st.event.Seq); p != nil && p.gone != nil && p.gone.Seq < st.event.Seq && !inRange(v, n) {
			last = max(last, p.gone.At)
		}
	}
	return last
}

// lower lists the pods out of range below a removed one that were not Ready. The controller removes a pod that is not Ready only if it is
// the lowest such pod; one that was Ready in its informer cache is removed whatever is below it.
func (w *actionWalker) lower(v *history.Event, st podStep) []blockingPod {
	known, _, _ := w.m.knewOf(st.pod, st.event)
	if known == allowedStale || !w.s.ordered() {
		return nil
	}
	var out []blockingPod
	violations := 0
	for _, n := range w.present.in(int(v.Set.Start+v.Set.Replicas), st.pod.ordinal) {
		p := w.alive[n]
		if w.ready.has(n) || w.m.maybeNotInCache(p, st.event) {
			continue
		}
		o := blockingPod{ordinal: p.ordinal, pod: p}
		if o.knowledge, o.since, o.why = w.m.knewOf(p, st.event); o.knowledge == violation {
			o.knowledge = known
		}
		if o.knowledge == violation {
			violations++
		}
		if out = append(out, o); enoughPods(violations) {
			break
		}
	}
	return out
}

// maybeNotInCache reports whether at an act the set's controller may not have known yet that a pod is the set's: it is new or was just adopted, the
// controller did not delete it, and no status had counted more pods than it may have counted without it.
func (m *model) maybeNotInCache(p *podLife, act *history.Event) bool {
	from := p.joined(act)
	if from == nil || !m.mayHaveMissed(from, act) || (p.deleting != nil && p.deleting.Seq < act.Seq && m.whoDeleted(p) == byController) {
		return false
	}
	events := p.set.events
	for i := p.set.versionsUntil(from.At); i < len(events) && events[i].At <= act.At; i++ {
		if i > 0 && events[i].Set.Status == events[i-1].Set.Status {
			continue // somebody else's change: the counts are as old as they were
		}
		if int(events[i].Set.Status.Replicas) > m.mayBeCounted(p, events[i]) {
			return false
		}
	}
	return true
}

// mayBeCounted returns how many pods of its set beside one a status may have counted: those that there were, and those that were gone not long
// before. The controller that makes a pod knows that the one before it, of the same name, is gone.
func (m *model) mayBeCounted(beside *podLife, status *history.Event) (n int) {
	made := beside.created != nil && beside.created.Controller() != nil
	for _, o := range beside.set.pods {
		if o == beside || o.first().At > status.At || made && o.ordinal == beside.ordinal {
			continue
		}
		if o.gone == nil || m.mayHaveMissed(o.gone, status) {
			n++
		}
	}
	return n
}
