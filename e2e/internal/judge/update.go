package judge

import (
	"fmt"
	"strings"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func updateJudgements() []judgement {
	return []judgement{
		{ids: []contract.ID{contract.UpdateOrder}, judge: judgeUpdateOrder},
		{ids: []contract.ID{contract.UpdateOneAtATime, contract.OrderingParallelUpdates}, judge: judgeOneAtATime},
		{ids: []contract.ID{contract.UpdateMinReady}, judge: judgeUpdateMinReady},
		{ids: []contract.ID{contract.UpdateMaxUnavailable}, judge: judgeMaxUnavailable},
		{ids: []contract.ID{contract.UpdateHalts}, judge: judgeUpdateHalts},
		{ids: []contract.ID{contract.UpdateNoSpurious}, judge: judgeNoSpurious},
		{ids: []contract.ID{contract.UpdatePartition, contract.UpdatePartitionBeyond, contract.UpdatePhased}, judge: judgePartition},
		{ids: []contract.ID{contract.UpdateOnDelete}, judge: judgeOnDelete},
		{ids: []contract.ID{contract.UpdateComplete, contract.UpdateScaleNew}, judge: judgeUpdated},
		{ids: []contract.ID{contract.UpdateRollback}, judge: judgeRollback},
	}
}

// updates calls f with every act of a controller on a pod in range.
func (m *model) updates(kind updateKind, f func(*rollout, *updateAct)) {
	for _, r := range m.rollouts {
		for i := range r.acts {
			if r.acts[i].kind == kind {
				f(r, &r.acts[i])
			}
		}
	}
}

// podsAndSets are the resources that an accusation rests on which compares pods with what their set asks for.
func podsAndSets() []history.Resource { return []history.Resource{history.Pods, history.Sets} }

// excuse counts an act that was legal only under a version that had been replaced for longer than the lag.
func (b *bench) excuse(id contract.ID, a *updateAct) {
	if a.excused {
		b.of(id).Excused++
	}
}

// began tells of an act, in the words that every finding on an update begins with.
func (a *updateAct) began() string {
	return fmt.Sprintf("%s (revision %s) was deleted for an update at %s while ", a.pod.name, a.pod.revision, a.event.Ref())
}

// judgeUpdateOrder: the controller deletes pods for an update from the highest ordinal to the lowest.
func judgeUpdateOrder(m *model, b *bench) {
	const id = contract.UpdateOrder
	m.updates(rolling, func(r *rollout, a *updateAct) {
		switch {
		case !a.ordered || a.limit != 1:
		case a.above == nil:
			b.saw(id)
			b.excuse(id, a)
		default:
			b.broken(id, charge{
				set: r.set, since: max(a.view.At, a.above.first().At), resources: podsAndSets(), events: []*history.Event{a.above.at(a.event.Seq), a.event},
				text: a.began() + fmt.Sprintf("the higher %s still ran revision %s and was not being replaced", a.above.name, a.above.revision),
			})
		}
	})
}

// judgeOneAtATime: the next pod is deleted for an update only after the one updated before it is available. Under Parallel
// that is a guarantee of its own.
func judgeOneAtATime(m *model, b *bench) {
	m.updates(rolling, func(r *rollout, a *updateAct) {
		id := contract.UpdateOneAtATime
		if !r.set.ordered() {
			id = contract.OrderingParallelUpdates
		}
		switch {
		case a.limit != 1:
		case len(a.waits) > 0:
			b.weighObstacles(id, r.set, a.began(), a.event, a.waits)
		case a.updated != nil && a.above == nil:
			b.saw(id)
			b.excuse(id, a)
		}
	})
}

// judgeUpdateMinReady: with minReadySeconds a rollout waits until the pod updated before has been Ready for that long.
// Timestamps have a resolution of one second and come from different clocks, hence the allowance.
func judgeUpdateMinReady(m *model, b *bench) {
	const id = contract.UpdateMinReady
	m.updates(rolling, func(r *rollout, a *updateAct) {
		e := a.event
		if a.limit != 1 || len(a.waits) > 0 || a.updated == nil || e.DeletionTimestamp == nil || e.DeletionGrace == nil {
			return
		}
		if a.broken && !r.set.ordered() {
			return // a Parallel set may replace an unavailable old pod at any time
		}
		need := m.leastMinReady(r.set, e)
		seen := a.updated.at(e.Seq)
		asked := e.DeletionTimestamp.Add(-time.Duration(*e.DeletionGrace) * time.Second)
		elapsed, strict, ok := a.updated.readyFor(e, asked, m.h.Header.Lag)
		if need == 0 || !ok {
			return
		}
		if elapsed >= need-time.Second-m.h.Header.ClockSkew {
			b.sawOrExcused(id, strict >= need-time.Second-m.h.Header.ClockSkew)
			return
		}
		b.broken(id, charge{
			set: r.set, since: seen.At, resources: podsAndSets(), events: []*history.Event{seen, e},
			text: a.began() + fmt.Sprintf("the updated %s had been Ready for %v of the %v that minReadySeconds asks for", a.updated.name, elapsed, need),
		})
	})
}

// leastMinReady returns the shortest minReadySeconds that the controller may have gone by in an act.
func (m *model) leastMinReady(s *setLife, act *history.Event) time.Duration {
	views := s.views(act, m.h.Header.Lag)
	least := s.specs[views.newest].Set.MinReadySeconds
	for i := views.newest; i >= views.oldest; i-- {
		least = min(least, s.specs[i].Set.MinReadySeconds)
	}
	return time.Duration(least) * time.Second
}

// judgeMaxUnavailable: a rollout itself never has more than maxUnavailable pods down at once.
func judgeMaxUnavailable(m *model, b *bench) {
	const id = contract.UpdateMaxUnavailable
	m.updates(rolling, func(r *rollout, a *updateAct) {
		switch {
		case a.limit < 2 || !a.own || len(a.down) < 2:
		case len(a.down) <= a.limit:
			b.saw(id)
		default:
			c := charge{set: r.set, since: a.event.At, resources: podsAndSets()}
			names := make([]string, 0, len(a.down))
			for _, p := range a.down {
				names = append(names, p.name)
				if p != a.pod {
					c.since = min(c.since, p.deleting.At)
					c.events = append(c.events, p.deleting)
				}
			}
			c.events = append(c.events, a.event)
			c.text = fmt.Sprintf("%s was deleted for an update at %s, and with it %d pods were down through the rollout (%s) where maxUnavailable is %d",
				a.pod.name, a.event.Ref(), len(names), strings.Join(names, ", "), a.limit)
			b.broken(id, c)
		}
	})
}

// judgeUpdateHalts: a template whose pods never become Ready stops the rollout at the first pod that gets it.
func judgeUpdateHalts(m *model, b *bench) {
	const id = contract.UpdateHalts
	for _, r := range m.rollouts {
		for i := range r.acts {
			a := &r.acts[i]
			if a.kind != rolling || a.limit != 1 || !r.set.ordered() {
				continue
			}
			for _, o := range a.waits {
				if o.pod.aliveAt(a.event.Seq) && o.pod.readyBefore(a.event.Seq) == nil &&
					(o.pod.deleting == nil || o.pod.deleting.Seq > a.event.Seq) && a.event.At-o.since >= HoldFloor {
					b.weighObstacles(id, r.set, fmt.Sprintf("%s was deleted for an update at %s, %.1f s into a halt: the updated ",
						a.pod.name, a.event.Ref(), (a.event.At-o.since).Seconds()), a.event, []obstacle{o})
				}
			}
		}
		for _, h := range r.halts {
			b.hold(id, h.held, fmt.Sprintf("%s was not Ready at the new revision and %s was not deleted for the update", h.pod.name, h.next.name))
		}
	}
}

// judgeNoSpurious: while no update is pending for a pod, the controller does not restart it.
func judgeNoSpurious(m *model, b *bench) {
	const id = contract.UpdateNoSpurious
	m.updates(spurious, func(r *rollout, a *updateAct) {
		// Phased updates move exactly what they uncover, and what a crash, an adoption or a shared selector explains breaks another
		// guarantee.
		if r.lowered(a.spec) || m.blamed(a.pod) {
			return
		}
		text := fmt.Sprintf("%s was deleted by the controller at %s although no update was pending for it: its revision %s holds the set's template",
			a.pod.name, a.event.Ref(), a.pod.revision)
		if v := r.set.latest(a.event.At + m.h.Header.Lag); v != nil && v.Set.Status.UpdateRevision != a.pod.revision {
			text += fmt.Sprintf(", which had not changed when the status named %s as update revision (%s)", v.Set.Status.UpdateRevision, v.Ref())
		}
		b.broken(id, charge{
			set: r.set, since: max(0, a.event.At-m.h.Header.Lag), resources: podsAndSets(),
			events: []*history.Event{a.view, a.pod.first(), a.event}, text: text,
		})
	})
	for _, r := range m.rollouts {
		for _, c := range r.calms {
			if v := r.observed(c.change.Generation); !c.restless && v != nil && v.At <= c.to {
				b.hold(id, held{from: c.from, to: c.to}, fmt.Sprintf("%s changed without its template or strategy at %s and no pod was restarted",
					r.set.name, c.change.Ref()))
			}
		}
	}
}
