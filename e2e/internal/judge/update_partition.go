package judge

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// lowered reports whether the last change of template or strategy, as of that version, only lowered the partition.
func (r *rollout) lowered(spec int) bool { return r.partitionMoved(spec) < 0 }

// raised reports whether it only raised it.
func (r *rollout) raised(spec int) bool { return r.partitionMoved(spec) > 0 }

// partitionMoved returns by how much the last change of template or strategy, as of that version, moved the partition, 0 where it changed anything else.
func (r *rollout) partitionMoved(spec int) int32 {
	i := r.phase[spec]
	if i == 0 || r.templateOf[i] != r.templateOf[i-1] {
		return 0
	}
	now, was := r.set.specs[i].Set, r.set.specs[i-1].Set
	if now.Strategy != was.Strategy || now.Strategy != appsv1.RollingUpdateStatefulSetStrategyType || now.Start != 0 || r.set.specs[spec].Set.Start != 0 {
		return 0
	}
	return now.Partition - was.Partition
}

// checkPartition: only pods whose ordinal is at or above the partition are updated, and lowering it updates exactly those that come to be at
// or above it.
func checkPartition(m *model, res *results) {
	for _, r := range m.rollouts {
		violated := map[int]bool{}
		for i := range r.acts {
			a := &r.acts[i]
			if id, why := r.partitionViolation(a); id != "" {
				violated[r.phase[a.spec]] = true
				res.broken(id, evidence{
					set: r.set, since: m.lagBefore(a.event), events: []*history.Event{a.view, a.event},
					text: fmt.Sprintf("%s (revision %s) was deleted for an update at %s although %s", a.pod.name, a.pod.revision, a.event.Ref(), why),
				})
			}
		}
		for _, d := range r.done {
			v := r.set.specs[d.spec].Set
			switch {
			case violated[r.phase[d.spec]]:
			case r.lowered(d.spec) && !d.below:
				res.exercised(contract.UpdatePhased)
			case v.Partition > 0 && d.below:
				res.stopsAtPartition(r, d)
			}
		}
		m.aboveReplicas(res, r)
	}
	m.podsRecreated(res)
}

// stopsAtPartition counts a rollout that was complete and for a while updated no pod below the partition.
func (res *results) stopsAtPartition(r *rollout, d rolloutCompletion) {
	id := contract.UpdatePartition
	if r.lowered(d.spec) {
		id = contract.UpdatePhased
	}
	if to, ok := res.m.undisturbedUntil(r, d.spec, d.event.At); ok && res.m.couldShow(to-d.event.At, to) {
		res.exercised(id)
	}
}

// partitionViolation returns the guarantee that a deletion breaks because of the partition, and the reason, or "".
func (r *rollout) partitionViolation(a *rolloutAction) (contract.ID, string) {
	v := a.view.Set
	lowered := r.lowered(a.spec)
	switch {
	case a.kind == covered && lowered:
		return contract.UpdatePhased, fmt.Sprintf("the partition was lowered to %d only (%s)", v.Partition, a.view.Aside())
	case a.kind == covered && v.Partition > v.Start+v.Replicas:
		return contract.UpdatePartitionBeyond, fmt.Sprintf("the partition is %d, above the %d replicas (%s)", v.Partition, v.Replicas, a.view.Aside())
	case a.kind == covered:
		return contract.UpdatePartition, fmt.Sprintf("it is below the partition %d (%s)", v.Partition, a.view.Aside())
	case a.kind == spurious && lowered:
		return contract.UpdatePhased, fmt.Sprintf("it had the new template already when the partition was lowered to %d (%s)", v.Partition, a.view.Aside())
	}
	return "", ""
}

// aboveReplicas counts the changes of the template under which a partition above replicas kept every pod from being updated.
func (m *model) aboveReplicas(res *results, r *rollout) {
	const id = contract.UpdatePartitionBeyond
	for i, v := range r.set.specs {
		if i == 0 || r.templateOf[i] == r.templateOf[i-1] || v.Set.Partition <= v.Set.Start+v.Set.Replicas ||
			v.Set.Strategy != appsv1.RollingUpdateStatefulSetStrategyType {
			continue
		}
		if to, ok := m.undisturbedUntil(r, i, v.At); ok {
			res.exercisedByWaiting(id, waitPeriod{from: v.At, to: r.set.updatableUntil(r, i, to)}, fmt.Sprintf("%s got a new template under a partition of %d above %d replicas, and no pod moved",
				r.set.name, v.Set.Partition, v.Set.Replicas))
		}
	}
}

// undisturbedUntil returns until when after a moment a version of a set was seen to be current without an act of the controller on a pod in range. It
// returns false where the controller did not observe that version, or had no pod.
func (m *model) undisturbedUntil(r *rollout, spec int, from time.Duration) (time.Duration, bool) {
	v := r.set.specs[spec]
	to := m.h.Duration()
	if spec+1 < len(r.set.specs) {
		to = r.set.specs[spec+1].At
	}
	if r.set.deleting != nil {
		to = min(to, r.set.deleting.At)
	}
	if i := sort.Search(len(r.acts), func(i int) bool { return r.acts[i].event.At > from }); i < len(r.acts) {
		to = min(to, r.acts[i].event.At)
	}
	to = m.seenUntil(from, to)
	seen := r.observed(v.Generation)
	return to, seen != nil && seen.At <= to && v.Set.Replicas > 0
}

// updatableUntil returns until when after a version of the set all its pods were Ready, so that a sync got as far as updating pods, and one
// of them had another template; the time of that version if this was never so.
func (s *setLife) updatableUntil(r *rollout, spec int, to time.Duration) time.Duration {
	v, old := s.specs[spec], false
	inRange := s.ordinals.in(int(v.Set.Start), int(v.Set.Start+v.Set.Replicas))
	if len(inRange) != int(v.Set.Replicas) {
		return v.At
	}
	for _, n := range inRange {
		p := s.lifeAt(n, v.At)
		if p == nil {
			return v.At
		}
		up := p.readyBefore(v.Seq)
		if up == nil {
			return v.At
		}
		if up.to != nil {
			to = min(to, max(up.to.At, v.At))
		}
		old = old || r.updatePending(p.revision, spec) == yes
	}
	if !old {
		return v.At
	}
	return to
}

// podsRecreated checks the revision of every replacement that was created under a partition, and of every pod that a scale up added below it.
func (m *model) podsRecreated(res *results) {
	const id = contract.UpdatePartition
	revisions := m.revisionsBySet()
	for i, r := range m.rollouts {
		for _, c := range m.actions[i].creations {
			if len(r.set.specs) == 0 {
				continue
			}
			views, came := m.cacheAt(r.set, c.event), "came back"
			if c.reason == scaleUp {
				views, came = views.deciding(c.pod.ordinal, true), "was added by a scale up"
			}
			below := views.everySpec(func(v *history.Event) bool { return kept(v, c.pod.ordinal) })
			if c.reason != replaced && (c.reason != scaleUp || !below) {
				continue // one that is added at or above it is another guarantee's, update/scale-new
			}
			legal, split, want := r.recreatedRevision(views, c)
			lacks := func(name string) bool { return revisions.mayLack(r.set.uid, name, c.event) }
			switch {
			case !split:
			case !legal && slices.ContainsFunc(views.currentRevisions(), lacks):
				res.excuse(id, OtherCause)
			case legal:
				res.exercised(id)
			default:
				res.broken(id, evidence{
					set: r.set, since: m.lagBefore(c.event), events: []*history.Event{r.set.specAt(c.event.At), c.event},
					text: fmt.Sprintf("%s %s at %s with revision %s, expected %s", c.pod.name, came, c.event.Ref(), c.pod.revision, want),
				})
			}
		}
	}
}

// recreatedRevision reports whether a replacement has the revision that the partition asks for, under any candidate spec. split says whether
// the set had two revisions at all.
func (r *rollout) recreatedRevision(views cache, c creation) (legal, split bool, want string) {
	wants := []string{}
	for i := views.newest; i >= views.oldest; i-- {
		v := r.set.specs[i].Set
		ordinal := c.pod.ordinal
		if v.Partition == 0 || (!kept(r.set.specs[i], ordinal) && ordinal < reached(r.set.specs[i])) || v.Strategy != appsv1.RollingUpdateStatefulSetStrategyType {
			return true, false, ""
		}
		pending := r.updatePending(c.pod.revision, i)
		if pending == unknown {
			return true, false, ""
		}
		current := views.currentRevisions()
		if len(current) == 0 || slices.Contains(current, "") {
			return true, false, "" // before a first status the update revision is the current one too
		}
		below := kept(r.set.specs[i], ordinal)
		for _, name := range current {
			if r.updatePending(name, i) == yes {
				split = true
			}
			if below && name == c.pod.revision {
				legal = true
			}
		}
		switch template := r.podTemplate(c.pod); {
		case template < 0 && r.lacks(c.pod) != "":
			return false, true, "what is in the template of that revision: " + r.lacks(c.pod)
		case template >= 0:
			wants = append(wants, fmt.Sprintf("the template of that revision, not of %s", r.revisionOf[template]))
			return false, true, strings.Join(wants, ", ")
		case below:
			wants = append(wants, fmt.Sprintf("status.currentRevision (%s), since its ordinal is below the partition %d", strings.Join(current, " or "), v.Partition))
		default:
			legal = legal || pending == no
			wants = append(wants, fmt.Sprintf("the update revision (%s), since its ordinal is not below the partition %d", r.revisionOf[r.templateOf[i]], v.Partition))
		}
	}
	return legal, split || !legal, wants[0]
}

// checkOnDelete: under OnDelete the controller deletes no pod for an update, and the replacement of a deleted one has the update revision.
func checkOnDelete(m *model, res *results) {
	const id = contract.UpdateOnDelete
	m.updates(onDelete, func(r *rollout, a *rolloutAction) {
		res.broken(id, evidence{
			set: r.set, since: m.lagBefore(a.event), events: []*history.Event{a.view, a.event},
			text: fmt.Sprintf("%s (revision %s) was deleted by the controller at %s although the strategy is OnDelete (%s)", a.pod.name, a.pod.revision, a.event.Ref(), a.view.Aside()),
		})
	})
	for i, r := range m.rollouts {
		for _, c := range m.actions[i].creations {
			previous := r.set.life(c.pod.ordinal, c.event.Seq-1)
			views := m.cacheAt(r.set, c.event)
			if c.reason != replaced || previous == nil || !r.always(appsv1.OnDeleteStatefulSetStrategyType, views) {
				continue
			}
			switch text := r.outdated(c, views); {
			case text != "":
				res.broken(id, evidence{
					set: r.set, since: m.lagBefore(c.event), events: []*history.Event{r.set.specAt(c.event.At), c.event},
					text: fmt.Sprintf("%s was deleted under OnDelete and came back at %s %s", c.pod.name, c.event.Ref(), text),
				})
			case previous.revision != c.pod.revision:
				res.exercised(id)
			}
		}
		for i, v := range r.set.specs {
			if i == 0 || r.templateOf[i] == r.templateOf[i-1] || v.Set.Strategy != appsv1.OnDeleteStatefulSetStrategyType {
				continue
			}
			if to, ok := m.undisturbedUntil(r, i, v.At); ok {
				res.exercisedByWaiting(id, waitPeriod{from: v.At, to: r.set.updatableUntil(r, i, to)}, fmt.Sprintf("%s got a new template under OnDelete and the controller deleted no pod", r.set.name))
			}
		}
	}
}

// always reports whether there is a candidate spec and every one has that strategy.
func (r *rollout) always(strategy appsv1.StatefulSetUpdateStrategyType, v cache) bool {
	return v.newest >= v.oldest && !v.anySpec(func(e *history.Event) bool { return e.Set.Strategy != strategy })
}

// outdated returns how a new pod differs from the template of every candidate spec, or "".
func (r *rollout) outdated(c creation, v cache) string {
	if template := r.podTemplate(c.pod); template >= 0 {
		return fmt.Sprintf("with the label of revision %s but made of the template of %s", c.pod.revision, r.revisionOf[template])
	}
	if what := r.lacks(c.pod); what != "" {
		return fmt.Sprintf("with the label of revision %s and without what is in its template: %s", c.pod.revision, what)
	}
	for i := v.newest; i >= v.oldest; i-- {
		if r.updatePending(c.pod.revision, i) != yes {
			return ""
		}
	}
	want := r.revisionOf[r.templateOf[v.newest]]
	if want == "" {
		want = "of the set's template"
	}
	return fmt.Sprintf("at revision %s, expected the update revision %s", c.pod.revision, want)
}
