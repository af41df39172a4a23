package judge

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// checkUnder checks the deletion of a pod in range under one version of the set.
func (w *rolloutWalker) checkUnder(p *podLife, e *history.Event, spec int) rolloutAction {
	v := w.s.specs[spec]
	a := rolloutAction{pod: p, event: e, view: v, spec: spec, limit: limit(v.Set), reaction: -1}
	up := p.readyBefore(e.Seq)
	a.ready = up != nil && (up.to == nil || up.to.Seq == e.Seq)
	// A pod that became available within the lag may not have been so in the informer cache.
	a.broken = !a.ready || (w.m.withinLag(up.from.At+minReady(v), e.At) && !w.m.cacheAt(w.s, e).knownAvailable(up.from, v))
	pending := w.r.updatePending(p.revision, spec)
	switch {
	case pending == unknown:
		a.kind = unknownKind
		return a
	case pending == no:
		a.kind = spurious
		return a
	case v.Set.Strategy == appsv1.OnDeleteStatefulSetStrategyType:
		a.kind = onDelete
		return a
	case v.Set.Strategy == appsv1.RecreateStatefulSetStrategyType:
		a.kind = recreated
		return a
	case kept(v, p.ordinal):
		a.kind = covered
		return a
	case p.ordinal < reached(v):
		a.kind = disputed
		return a
	}
	w.compare(&a)
	return a
}

// compare finds the pods above that the deletion for an update should have waited for.
func (w *rolloutWalker) compare(a *rolloutAction) {
	// Since 1.37 a Parallel set replaces old pods that are unavailable first, without waiting for anything.
	free := !w.s.ordered() && a.broken
	lo, hi := bounds(a.view, reached(a.view))
	if free {
		return
	}
	a.ordered = len(w.s.ordinals.in(lo, hi)) > 1
	a.above = w.leftAbove(a, hi)
	if a.limit != 1 {
		return
	}
	for _, n := range w.down.in(a.pod.ordinal+1, hi) {
		if o, ok := w.unavailable(a, w.s.life(n, a.event.Seq)); ok {
			a.waits = append(a.waits, o)
		}
	}
	if u := w.lastUp; u != nil && u.ordinal > a.pod.ordinal && inRange(a.view, u.ordinal) && u.aliveAt(a.event.Seq) {
		if w.r.updatePending(u.revision, a.spec) == no {
			a.updated = u
		}
	}
	if len(a.waits) == 0 {
		wait := minReady(a.view)
		a.reaction = max(0, a.event.At-max(a.view.At, w.lastUpAt+wait, w.changed))
	}
}

// leftAbove returns the highest pod above that of an act, and below an ordinal, that should have been updated before it, nil if there is none. The order of
// requests for several pods that may be down at a time says nothing.
func (w *rolloutWalker) leftAbove(a *rolloutAction, hi int) *podLife {
	for n := hi; ; {
		if n = w.pendingLast(a.spec, a.pod.ordinal+1, n); n < 0 {
			return nil
		}
		p := w.s.life(n, a.event.Seq)
		if a.limit == 1 || p.deleting == nil || w.m.mustHaveSeen(a.event.At, p.deleting.At) {
			return p
		}
	}
}

// unavailable reports whether a deletion for an update should have waited for a pod above it that was not Ready.
func (w *rolloutWalker) unavailable(a *rolloutAction, p *podLife) (blockingPod, bool) {
	if p == nil || p.ownerAt(a.event.Seq).set != w.s {
		return blockingPod{}, false
	}
	o := blockingPod{ordinal: p.ordinal, pod: p}
	pending := w.r.updatePending(p.revision, a.spec)
	switch {
	case pending == unknown:
		return o, false
	case pending == no:
		o.knowledge, o.since, o.why = w.m.knewOf(p, a.event)
	case p.deleting == nil || p.deleting.Seq > a.event.Seq:
		return o, false // at the old revision and not deleted: a matter of order
	default:
		// In a stale informer cache it still has the old revision: the controller would have deleted it again, not the next.
		o.knowledge, o.since = violation, p.deleting.At
		o.why = fmt.Sprintf("was terminating (since %s)", p.deleting.Aside())
		if p.gone != nil && p.gone.Seq < a.event.Seq {
			o.why = fmt.Sprintf("was gone (since %s) and not there again", p.gone.Aside())
		}
	}
	return o, true
}

// stalledRollout is a rollout that stopped although nothing blocked it.
type stalledRollout struct {
	spec   int
	pods   []*podLife // those that still had to be updated
	since  time.Duration
	length time.Duration
	// known says that the set's status shows that its controller had seen the spec and the pods.
	known bool
}

// stuckAtEnd returns the rollout that had stopped by the end of a complete recording, or nil. Ordered sets wait for any pod
// that is unavailable, by a documented rule even for a broken one; a Parallel set replaces old pods whatever their state. Up to 1.36 it
// does not where the gate of maxUnavailable is on: kubernetes issue 137409, a bug that is to be reported.
func (w *rolloutWalker) stuckAtEnd() *stalledRollout {
	v := w.s.specs[w.spec]
	if w.m.h.End == nil || !w.m.h.End.Complete || w.s.deleting != nil || v.Set.Strategy != appsv1.RollingUpdateStatefulSetStrategyType {
		return nil
	}
	lo, hi := bounds(v, 0)
	reach := reached(v)
	if len(w.s.ordinals.in(lo, hi)) != int(v.Set.Replicas) {
		return nil
	}
	out := &stalledRollout{spec: w.spec, since: w.changed + minReady(v)}
	for _, n := range w.s.ordinals {
		// The controller scales before it updates.
		if p := w.s.life(n, w.m.h.End.Seq); (n < lo || n >= hi) && p.gone == nil && p.owner() == w.s {
			return nil
		}
	}
	inPlace := 0
	for revision, of := range w.at {
		pending := w.r.updatePending(revision, w.spec)
		if pending == unknown {
			return nil
		}
		for _, n := range of.in(lo, hi) {
			inPlace++
			p := w.s.life(n, w.m.h.End.Seq)
			old := pending == yes && n >= reach
			if p.finished != nil || (w.down.has(n) && (w.s.ordered() || !old)) {
				return nil
			}
			if old {
				out.pods = append(out.pods, p)
			}
		}
	}
	slices.SortFunc(out.pods, func(a, b *podLife) int { return cmp.Compare(a.ordinal, b.ordinal) })
	out.length = w.m.h.Duration() - out.since
	if inPlace != int(v.Set.Replicas) || len(out.pods) == 0 || out.length <= 0 {
		return nil
	}
	last := w.s.events[len(w.s.events)-1].Set
	// The controller writes this status in the sync in which it should have deleted the next pod.
	out.known = last.Status.ObservedGeneration >= v.Generation && (!w.s.ordered() || last.Status.Available == last.Replicas)
	return out
}

// Weights of a deletion that no candidate spec has as its next update: more than any number of blocking pods.
const (
	forbidden  = 1 << 60 // an update is pending, but the partition or the strategy forbids it
	groundless = 1 << 61 // none is pending
)

// weight ranks the results of one act under several candidate specs; the lowest counts.
func (a *rolloutAction) weight() int {
	switch a.kind {
	case rolling:
		n := severity(a.waits)
		if a.above != nil {
			n += severe
		}
		return n
	case unknownKind, disputed, recreated:
		return 0
	case covered, onDelete:
		return forbidden
	}
	return groundless
}

// noteChoice records whether the controller could have updated another pod at an act.
func (w *rolloutWalker) noteChoice(a *rolloutAction) {
	a.since = w.s.specs[w.r.phase[a.spec]].At
	a.choice = w.pendingLast(a.spec, reached(a.view), a.pod.ordinal) >= 0
}

// countDown records which ordinals are down because of the rollout, of those in range in every candidate spec. A pod that was not Ready before is not.
func (w *rolloutWalker) countDown(a *rolloutAction, views cache) {
	// A Parallel set also replaces pods that are unavailable in the informer cache.
	a.own = a.ready && (w.s.ordered() || !a.broken)
	if a.own {
		w.rolling[a.pod.ordinal] = a.pod
	}
	for n, p := range w.rolling {
		if views.everySpec(func(v *history.Event) bool { return inRange(v, n) }) {
			a.down = append(a.down, p)
		}
	}
	slices.SortFunc(a.down, func(a, b *podLife) int { return cmp.Compare(a.ordinal, b.ordinal) })
}
