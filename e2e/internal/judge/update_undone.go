package judge

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// undoneRollout reports a rollout that does not go on because the controller creates a pod of the former revision, deletes it for the rollout before it
// is Ready, and does so again and again.
func (m *model) undoneRollout(res *results, r *rollout) {
	for _, ordinal := range r.set.ordinals {
		var row []*podLife
		for _, p := range r.set.byOrdinal[ordinal] {
			if len(row) > 0 && r.phaseAt(row[0].first()) != r.phaseAt(p.first()) {
				m.undone(res, r, row)
				row = nil
			}
			if m.createdForNothing(r, p) {
				row = append(row, p)
				continue
			}
			m.undone(res, r, row)
			row = nil
		}
		m.undone(res, r, row)
	}
}

// createdForNothing reports whether the pod was created of a former revision, in the way of the rollout, and deleted before it was Ready, not by the test.
func (m *model) createdForNothing(r *rollout, p *podLife) bool {
	spec := r.set.current(p.first().At)
	v := r.set.specs[spec]
	return p.created != nil && p.deleting != nil && len(p.ready) == 0 && m.whoDeleted(p) != byTest &&
		v.Set.Strategy == appsv1.RollingUpdateStatefulSetStrategyType && inRange(v, p.ordinal) && p.ordinal >= reached(v) && r.updatePending(p.revision, spec) == yes
}

// undone reports pods of one ordinal that were created and deleted one after another. Which report is of which deletion is open where they follow one
// another so fast, and with what grace period each was asked for is not seen: together the reports show that it was the controller.
func (m *model) undone(res *results, r *rollout, row []*podLife) {
	if !mayNotUndo(len(row)) {
		return
	}
	first, last := row[0], row[len(row)-1]
	if m.mayHaveMissed(first.deleting, last.first()) {
		return // its cache may have shown it no more than the first of them, or that it is gone
	}
	var reports []*history.Event
	for _, e := range m.reports[first.name] {
		if e.At >= surelyBy(first.deleting.At) && e.At <= m.settledBy(last.deleting.At) {
			reports = append(reports, e)
		}
	}
	c := evidence{
		set: r.set, since: first.first().At, until: last.deleting.At, also: []history.Resource{history.Pods}, events: []*history.Event{first.first(), last.first()},
		text: fmt.Sprintf("the rollout of %s did not go on: %d times in a row %s was created of the former revision %s, the first time at %s, and deleted for the "+
			"rollout before it was Ready, the last time at %s", r.set.name, len(row), first.name, last.revision, first.first().Ref(), last.deleting.Ref()),
	}
	if !mayNotUndo(len(reports)) {
		c.text += fmt.Sprintf("; but only %d Events of the StatefulSet controller name it as deleted then", len(reports)) + anyClient("delete pods")
		res.inconclusive(contract.UpdateComplete, c)
		return
	}
	c.events = append(c.events, reports[0], reports[len(reports)-1])
	res.broken(contract.UpdateComplete, c)
}

// phaseAt returns the phase of the rollouts that was current when an event happened.
func (r *rollout) phaseAt(e *history.Event) int { return r.phase[r.set.current(e.At)] }
