package judge

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// warmingPod is a pod that a rollout has replaced, and the one in its place.
type warmingPod struct{ was, now *podLife }

// countWarming records which pods in range that the rollout has replaced are not available yet, as they have not been Ready for minReadySeconds, whichever
// view of them the controller had.
func (w *rolloutWalker) countWarming(a *rolloutAction, views cache) {
	requested, known := deletionRequested(a.event)
	need := views.leastMinReady()
	if !known || need == 0 || a.limit < 2 || !w.m.atLeast("1.37", false) {
		return
	}
	for _, n := range slices.Sorted(maps.Keys(w.replaced)) {
		p := w.replaced[n]
		if n == a.pod.ordinal || w.rolling[n] != nil || w.s.life(n, a.event.Seq) != p.now || p.now.ownerAt(a.event.Seq).set != w.s ||
			views.anySpec(func(v *history.Event) bool { return !inRange(v, n) }) {
			continue
		}
		now := p.now.readyBefore(a.event.Seq)
		elapsed, _, ok := w.m.readyFor(p.now, a.event, requested)
		if ok && now != nil && now.to == nil && elapsed < w.m.leastElapsed(need) {
			a.warming = append(a.warming, p)
		}
	}
}

// countFailing records which pods in range were not Ready for another reason than the rollout when a pod was deleted for it, and whether
// pods were left that had to be updated as well.
func (w *rolloutWalker) countFailing(a *rolloutAction, views cache) {
	lo, hi := bounds(a.view, 0)
	for _, n := range w.down.in(lo, hi) {
		if w.rolling[n] != nil || n == a.pod.ordinal || views.anySpec(func(v *history.Event) bool { return !inRange(v, n) }) {
			continue
		}
		p := w.s.life(n, a.event.Seq)
		if p == nil || p.ownerAt(a.event.Seq).set != w.s {
			continue
		}
		o := blockingPod{ordinal: n, pod: p}
		if o.knowledge, o.since, o.why = w.m.knewOf(p, a.event); o.knowledge == violation {
			a.failing = append(a.failing, o)
		}
	}
	from := reached(a.view)
	for revision, of := range w.at {
		others := slices.ContainsFunc(of.in(from, hi), func(n int) bool { return n != a.pod.ordinal })
		a.lingering = a.lingering || (others && w.r.updatePending(revision, a.spec) == yes)
	}
}

// obeysMaxUnavailable reports whether a rollout of the history took down a pod while a higher one was down, where it was allowed to, or one that was not
// Ready before a higher one: a field that the API server keeps says nothing of the controller's feature gate, and without the gate a rollout waits for every
// higher pod, but for no lower one.
func (m *model) obeysMaxUnavailable() bool {
	return slices.ContainsFunc(m.rollouts, func(r *rollout) bool {
		return slices.ContainsFunc(r.acts, func(a rolloutAction) bool {
			return a.ahead || a.kind == rolling && a.own && a.limit >= 2 && slices.ContainsFunc(a.down, func(p *podLife) bool { return p.ordinal > a.pod.ordinal })
		})
	})
}

// aheadOfTurn reports whether under Parallel the controller, and nobody else, deleted a pod that was not Ready for an update while a higher one, under each
// version of the set that has one pending for the pod, still had to be.
func (w *rolloutWalker) aheadOfTurn(a *rolloutAction, views cache) bool {
	if w.s.ordered() || a.ready || a.kind != rolling || w.m.whoDeleted(a.pod) != byController {
		return false
	}
	for i := views.oldest; i <= views.newest; i++ {
		_, hi := bounds(w.s.specs[i], 0)
		if w.r.updatePending(a.pod.revision, i) != no && w.pendingLast(i, a.pod.ordinal+1, hi) < 0 {
			return false
		}
	}
	return true
}

// checkBudgetCountsFailures: pods that are down by themselves count towards maxUnavailable. An OrderedReady set updates no pod before all of them are
// available, whether the controller obeys maxUnavailable or not.
func checkBudgetCountsFailures(m *model, res *results) {
	const id = contract.UpdateBudgetCountsFailures
	obeyed := m.obeysMaxUnavailable()
	m.updates(rolling, func(r *rollout, a *rolloutAction) {
		total := len(a.down) + len(a.warming) + len(a.failing)
		switch {
		case a.limit < 1 || !a.own || len(a.failing) == 0:
		case !obeyed && (a.limit > 1 || !r.set.ordered()):
		case total > a.limit:
			res.broken(id, a.overBudget(r.set))
		case total == a.limit && a.lingering:
			res.exercised(id)
		}
	})
}

// overBudget describes a deletion for which too many pods were down.
func (a *rolloutAction) overBudget(s *setLife) evidence {
	e, rolled := a.downEvidence(s)
	var failing []string
	for _, o := range a.failing {
		failing = append(failing, o.pod.name+" "+o.why)
		e.since = min(e.since, o.since)
		e.events = append(e.events, o.pod.at(a.event.Seq))
	}
	slices.SortFunc(e.events, func(a, b *history.Event) int { return a.Seq - b.Seq })
	e.events = append(e.events, a.event)
	e.text = fmt.Sprintf("%s was deleted for an update at %s although maxUnavailable is %d: down through the rollout were %s, and %s", a.pod.name,
		a.event.Ref(), a.limit, strings.Join(rolled, ", "), strings.Join(failing, ", "))
	return e
}

// downEvidence is what a deletion for which too many pods were down rests on, without the deletion itself, and the names of those that were down
// through the rollout. Their deletions are taken for the controller's own.
func (a *rolloutAction) downEvidence(s *setLife) (c evidence, names []string) {
	c = evidence{set: s, since: a.event.At}
	for _, p := range a.down {
		names = append(names, p.name)
		if p != a.pod {
			c.since = min(c.since, p.deleting.At)
			c.acts = append(c.acts, p.deleting)
		}
	}
	for _, p := range a.warming {
		names = append(names, p.now.name+", which had not been Ready for minReadySeconds")
		c.since = min(c.since, p.was.deleting.At)
		c.acts = append(c.acts, p.was.deleting)
	}
	c.events = slices.Clone(c.acts)
	return c, names
}
