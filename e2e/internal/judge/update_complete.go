package judge

import (
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// checkUpdated: a rollout completes, and then every pod has the new template and its revision label; pods that a scale up adds have them from
// the start.
func checkUpdated(m *model, res *results) {
	for i, r := range m.rollouts {
		if len(r.set.specs) == 0 {
			continue
		}
		for _, d := range r.done {
			if r.set.specs[d.spec].Set.Partition == 0 {
				res.exercised(contract.UpdateComplete)
			}
		}
		for _, c := range m.actions[i].creations {
			m.newPod(res, r, c)
		}
		m.stuckRollout(res, r)
		m.undoneRollout(res, r)
	}
}

// newPod checks the revision of one new pod.
func (m *model) newPod(res *results, r *rollout, c creation) {
	views := m.cacheAt(r.set, c.event).deciding(c.pod.ordinal, true)
	if c.reason == scaleUp && r.always(appsv1.OnDeleteStatefulSetStrategyType, views) && m.atLeast("1.37", false) {
		m.addedPod(res, r, c, views, contract.UpdateOnDeleteScale)
		return
	}
	if c.reason == replaced && r.always(appsv1.RollingUpdateStatefulSetStrategyType, views) && !r.partitioned(views) && r.ofNeither(c, views) {
		res.broken(contract.UpdateComplete, evidence{
			set: r.set, since: m.lagBefore(c.event), events: []*history.Event{r.set.specAt(c.event.At), c.event},
			text: fmt.Sprintf("%s was created at %s %s, and the current revision was another one than that, too (%s)", c.pod.name, c.event.Ref(), r.outdated(c, views),
				strings.Join(views.currentRevisions(), " or ")),
		})
		return
	}
	if !r.always(appsv1.RollingUpdateStatefulSetStrategyType, views) || r.covers(c, views) || m.countedAsCurrent(r, c, views) {
		return
	}
	if c.reason == scaleUp {
		m.addedPod(res, r, c, views, contract.UpdateScaleNew)
		return
	}
	text := r.outdated(c, views)
	evidence := evidence{
		set: r.set, since: m.lagBefore(c.event), events: []*history.Event{r.set.specAt(c.event.At), c.event},
	}
	if r.partitioned(views) {
		return // checkPartition checks these
	}
	previous := r.set.life(c.pod.ordinal, c.event.Seq-1)
	// The replacement of a pod that the rollout deleted must have the update revision; of others only the label must fit the template.
	if text != "" && ((previous != nil && r.rolled[previous]) || r.podTemplate(c.pod) >= 0 || r.lacks(c.pod) != "") {
		evidence.text = fmt.Sprintf("%s was created at %s %s", c.pod.name, c.event.Ref(), text)
		res.broken(contract.UpdateComplete, evidence)
	}
}

// addedPod checks that a pod which a scale up added has the update revision.
func (m *model) addedPod(res *results, r *rollout, c creation, views cache, id contract.ID) {
	if text := r.outdated(c, views); text != "" {
		res.broken(id, evidence{
			set: r.set, since: m.lagBefore(c.event), events: []*history.Event{r.set.specAt(c.event.At), c.event},
			text: fmt.Sprintf("%s was added by a scale up at %s %s", c.pod.name, c.event.Ref(), text),
		})
		return
	}
	// Of an older template, that is; where the informer cache may have held that one too, it shows nothing.
	older := r.templateOf[views.newest] != r.templateOf[0] || r.twoRevisions(c.event.At)
	if older && r.templateOf[views.oldest] == r.templateOf[views.newest] {
		res.exercised(id)
	}
}

// covers reports whether under any candidate spec the partition may keep the pod at the old revision.
func (r *rollout) covers(c creation, v cache) bool {
	return v.anySpec(func(e *history.Event) bool {
		return e.Set.Partition > 0 && c.pod.ordinal < reached(e)
	})
}

// countedAsCurrent reports whether the controller may give the pod the current revision although nothing says so but its code: where the field rollingUpdate
// is unset, it does so with ordinals that status.currentReplicas, as its informer cache holds it, counts from the start ordinal.
func (m *model) countedAsCurrent(r *rollout, c creation, v cache) bool {
	var current int32
	for _, e := range r.set.events[max(r.set.versionsUntil(m.lagBefore(c.event))-1, 0):] {
		if e.Seq > c.event.Seq && !lateByVersion(e, c.event) {
			break // it may count the pod itself
		}
		current = max(current, e.Set.Status.Current)
	}
	return v.anySpec(func(e *history.Event) bool { return e.Set.NoRollingUpdate && c.pod.ordinal < int(e.Set.Start+current) })
}

// partitioned reports whether a candidate spec has a partition.
func (r *rollout) partitioned(v cache) bool {
	return v.anySpec(func(e *history.Event) bool { return e.Set.Partition > 0 })
}

// twoRevisions reports whether the set's status named two revisions at that moment.
func (r *rollout) twoRevisions(at time.Duration) bool {
	v := r.set.latest(at)
	return v != nil && v.Set.Status.CurrentRevision != v.Set.Status.UpdateRevision
}

// stuckRollout reports a rollout that stopped for longer than the act deadline although nothing blocked it. It is inconclusive unless a
// status shows that the controller knew.
func (m *model) stuckRollout(res *results, r *rollout) {
	overdue := m.actDeadline()
	if r.stuck == nil || r.stuck.length <= overdue {
		return
	}
	v := r.set.specs[r.stuck.spec]
	id := contract.UpdateComplete
	switch {
	case v.Set.Partition > 0 && r.lowered(r.stuck.spec):
		id = contract.UpdatePhased
	case v.Set.Partition > 0:
		id = contract.UpdatePartition
	}
	c := evidence{set: r.set, since: v.At, until: m.h.Duration(), events: []*history.Event{v}}
	pods := make([]string, 0, len(r.stuck.pods))
	for _, p := range r.stuck.pods {
		last := p.at(m.h.End.Seq)
		pods = append(pods, fmt.Sprintf("%s (revision %s, rv %s)", p.name, p.revision, last.ResourceVersion))
		c.events = append(c.events, last)
	}
	c.text = fmt.Sprintf("the rollout of %s (%s) did not reach %s: to the end of the recording nothing stood in its way for %.1f s", r.set.name, v.Ref(),
		strings.Join(pods, ", "), r.stuck.length.Seconds())
	if r.stuck.known {
		res.notDone(id, c, r.stuck.since+overdue)
		return
	}
	c.text += ", but no status shows that the controller knew"
	res.inconclusive(id, c)
}

// ofNeither reports whether a pod was made of a revision that is, as far as the controller can have known, neither the update revision nor the current one:
// the templates of all three are known, and the pod's is another one.
func (r *rollout) ofNeither(c creation, v cache) bool {
	of, known := r.templateByRevision[c.pod.revision]
	current := v.currentRevisions()
	return known && len(current) > 0 && r.outdated(c, v) != "" && !slices.ContainsFunc(current, func(name string) bool {
		template, known := r.templateByRevision[name]
		return !known || template == of
	})
}
