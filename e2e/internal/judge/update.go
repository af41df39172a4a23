package judge

import (
	"fmt"
	"strings"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func updateChecks() []check {
	return []check{
		{ids: []contract.ID{contract.UpdateOrder}, run: checkUpdateOrder},
		{ids: []contract.ID{contract.UpdateOneAtATime, contract.OrderingParallelUpdates}, run: checkOneAtATime},
		{ids: []contract.ID{contract.UpdateMinReady}, run: checkUpdateMinReady},
		{ids: []contract.ID{contract.UpdateMaxUnavailable}, run: checkMaxUnavailable},
		{ids: []contract.ID{contract.UpdateBudgetCountsFailures}, run: checkBudgetCountsFailures},
		{ids: []contract.ID{contract.UpdateHalts}, run: checkUpdateHalts},
		{ids: []contract.ID{contract.UpdateNoSpurious}, run: checkNoSpurious},
		{ids: []contract.ID{contract.UpdatePartition, contract.UpdatePartitionBeyond, contract.UpdatePhased}, run: checkPartition},
		{ids: []contract.ID{contract.UpdateOnDelete}, run: checkOnDelete},
		{ids: []contract.ID{contract.UpdateComplete, contract.UpdateScaleNew, contract.UpdateOnDeleteScale}, run: checkUpdated},
		{ids: []contract.ID{contract.UpdateRollback}, run: checkRollback},
		{ids: []contract.ID{contract.UpdateRecreateApart, contract.UpdateRecreateAll}, run: checkRecreate},
		{ids: []contract.ID{contract.UpdateRevision}, run: checkUpdateRevision},
		{ids: []contract.ID{contract.UpdateRevisionMade, contract.UpdateHistoryOldestFirst}, run: checkRevisions},
	}
}

// updates calls f with every act of that kind.
func (m *model) updates(kind rolloutActionKind, f func(*rollout, *rolloutAction)) {
	for _, r := range m.rollouts {
		for i := range r.acts {
			if r.acts[i].kind == kind {
				f(r, &r.acts[i])
			}
		}
	}
}

// rightUpdate counts an update that was right, as exercised if it shows something, or as excused where it was right under an earlier version of
// the set only.
func (res *results) rightUpdate(id contract.ID, a *rolloutAction, shows bool) {
	switch {
	case a.excused:
		res.excuse(id, OlderSpec)
	case shows:
		res.exercised(id)
	}
}

// pendingFrom returns from when on the pod could have been deleted for the update but for another one: its update was pending, and the other
// pod was down.
func (a *rolloutAction) pendingFrom(other *podLife) time.Duration {
	from := a.since
	if was := other.predecessorIncarnation; was != nil && was.deleting != nil {
		return max(from, was.deleting.At)
	}
	return max(from, other.first().At)
}

// began returns the beginning of the text of a finding about an update.
func (a *rolloutAction) began() string {
	return fmt.Sprintf("%s (revision %s) was deleted for an update at %s while ", a.pod.name, a.pod.revision, a.event.Ref())
}

// checkUpdateOrder: the controller deletes pods for an update from the highest ordinal to the lowest.
func checkUpdateOrder(m *model, res *results) {
	const id = contract.UpdateOrder
	m.updates(rolling, func(r *rollout, a *rolloutAction) {
		switch {
		case !a.ordered, a.above == nil && a.limit != 1:
		case a.above == nil:
			res.rightUpdate(id, a, a.choice)
		default:
			res.broken(id, evidence{
				set: r.set, since: max(a.view.At, a.above.first().At), events: []*history.Event{a.above.at(a.event.Seq), a.event},
				text: a.began() + fmt.Sprintf("the higher %s still ran revision %s and was not being replaced", a.above.name, a.above.revision),
			})
		}
	})
}

// checkOneAtATime: the next pod is deleted for an update only after the one updated before it is available. Under Parallel this is another
// guarantee.
func checkOneAtATime(m *model, res *results) {
	m.updates(rolling, func(r *rollout, a *rolloutAction) {
		id := contract.UpdateOneAtATime
		if !r.set.ordered() {
			id = contract.OrderingParallelUpdates
		}
		switch {
		case a.limit != 1:
		case len(a.waits) > 0:
			res.addBlockingPods(id, r.set, a.began(), a.event, a.waits)
		case a.updated != nil && a.above == nil:
			up := a.updated.readyBefore(a.event.Seq)
			res.rightUpdate(id, a, m.couldShow(up.from.At-a.pendingFrom(a.updated), a.event.At))
		}
	})
}

// checkUpdateMinReady: with minReadySeconds a rollout waits until the pod updated before has been Ready for that long.
// Timestamps have a resolution of one second and come from different clocks, hence the allowance.
func checkUpdateMinReady(m *model, res *results) {
	const id = contract.UpdateMinReady
	m.updates(rolling, func(r *rollout, a *rolloutAction) {
		e := a.event
		requested, known := deletionRequested(e)
		if a.limit != 1 || len(a.waits) > 0 || a.updated == nil || !known {
			return
		}
		if a.broken && !r.set.ordered() {
			return // a Parallel set may replace an unavailable old pod at any time
		}
		need := m.cacheAt(r.set, e).leastMinReady()
		if need == 0 {
			return
		}
		up := a.updated.readyBefore(e.Seq).from.At
		res.minReady(id, r.set, e, m.leastReady(r.updatedAbove(a), e, requested), readyHold{need: need, ready: up, free: a.pendingFrom(a.updated)}, a.began()+"the updated %s")
	})
}

// updatedAbove returns the pods above the one of an act that were at the new revision.
func (r *rollout) updatedAbove(a *rolloutAction) (out []*podLife) {
	_, end := bounds(a.view, int(a.view.Set.Partition))
	for _, n := range r.set.ordinals.in(a.pod.ordinal+1, end) {
		if p := r.set.life(n, a.event.Seq); p != nil && p.aliveAt(a.event.Seq) && r.updatePending(p.revision, a.spec) == no {
			out = append(out, p)
		}
	}
	return out
}

// checkMaxUnavailable: a rollout never takes more than maxUnavailable pods down at once.
func checkMaxUnavailable(m *model, res *results) {
	const id = contract.UpdateMaxUnavailable
	m.updates(rolling, func(r *rollout, a *rolloutAction) {
		switch {
		case a.limit < 2 || !a.own || len(a.down)+len(a.warming) < 2:
		case len(a.down)+len(a.warming) <= a.limit:
			if len(a.down) == a.limit && a.lingering { // else nothing kept the controller from going on
				res.exercised(id)
			}
		default:
			c, names := a.downEvidence(r.set)
			c.events = append(c.events, a.event)
			c.text = fmt.Sprintf("%s was deleted for an update at %s, and with it %d pods were down through the rollout (%s) where maxUnavailable is %d",
				a.pod.name, a.event.Ref(), len(names), strings.Join(names, ", "), a.limit)
			res.broken(id, c)
		}
	})
}

// checkUpdateHalts: a template whose pods never become Ready stops the rollout at the first pod that gets it.
func checkUpdateHalts(m *model, res *results) {
	const id = contract.UpdateHalts
	for _, r := range m.rollouts {
		for i := range r.acts {
			a := &r.acts[i]
			if a.kind != rolling || a.limit != 1 || !r.set.ordered() {
				continue
			}
			for _, o := range a.waits {
				if o.pod.aliveAt(a.event.Seq) && o.pod.readyBefore(a.event.Seq) == nil &&
					(o.pod.deleting == nil || o.pod.deleting.Seq > a.event.Seq) && isHalt(o.since, a.event) {
					res.addBlockingPods(id, r.set, fmt.Sprintf("%s was deleted for an update at %s, %.1f s into a halt: the updated ",
						a.pod.name, a.event.Ref(), (a.event.At-o.since).Seconds()), a.event, []blockingPod{o})
				}
			}
		}
		for _, h := range r.halts {
			res.exercisedByWaiting(id, h.waitPeriod, fmt.Sprintf("%s was not Ready at the new revision and %s was not deleted for the update", h.pod.name, h.next.name))
		}
	}
}

// checkNoSpurious: while no update is pending for a pod, the controller does not restart it.
func checkNoSpurious(m *model, res *results) {
	const id = contract.UpdateNoSpurious
	m.updates(spurious, func(r *rollout, a *rolloutAction) {
		// A lowered partition is checked under update/phased, and a crash, an adoption or a shared selector under guarantees of their own.
		if r.lowered(a.spec) || m.attributed(a.pod) {
			return
		}
		text := fmt.Sprintf("%s was deleted by the controller at %s although no update was pending for it: its revision %s holds the set's template",
			a.pod.name, a.event.Ref(), a.pod.revision)
		if v := r.set.latest(m.lagAfter(a.event)); v != nil && v.Set.Status.UpdateRevision != a.pod.revision {
			text += fmt.Sprintf(", which had not changed when the status named %s as update revision (%s)", v.Set.Status.UpdateRevision, v.Ref())
		}
		res.broken(id, evidence{
			set: r.set, since: m.lagBefore(a.event),
			events: []*history.Event{a.view, a.pod.first(), a.event}, text: text,
		})
	})
	m.updates(unknownKind, func(*rollout, *rolloutAction) { res.excuse(id, RevisionUnknown) })
	m.updates(disputed, func(*rollout, *rolloutAction) { res.excuse(contract.UpdatePartition, Disputed) })
	for _, r := range m.rollouts {
		for _, c := range r.unchanged {
			if v := r.observed(c.change.Generation); !c.restarted && v != nil && v.At <= c.to {
				res.exercisedByWaiting(id, waitPeriod{from: c.from, to: c.to}, fmt.Sprintf("%s changed without its template at %s and no pod was restarted",
					r.set.name, c.change.Ref()))
			}
		}
	}
}
