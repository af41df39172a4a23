package judge

import (
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// judgeUpdated: a rollout comes to an end, and then every pod runs the new template and says so; pods that a scale up adds run
// it from the start.
func judgeUpdated(m *model, b *bench) {
	for i, r := range m.rollouts {
		if len(r.set.specs) == 0 {
			continue
		}
		for _, d := range r.done {
			if r.set.specs[d.spec].Set.Partition == 0 {
				b.saw(contract.UpdateComplete)
			}
		}
		for _, c := range m.acts[i].creations {
			m.newPod(b, r, c)
		}
		m.stuckRollout(b, r)
	}
}

// newPod judges the revision of one new pod.
func (m *model) newPod(b *bench, r *rollout, c creation) {
	views := r.set.views(c.event, m.h.Header.Lag)
	if !r.always(appsv1.RollingUpdateStatefulSetStrategyType, views) || r.covers(c, views) {
		return
	}
	text := r.outdated(c, views)
	evidence := charge{
		set: r.set, since: max(0, c.event.At-m.h.Header.Lag), resources: podsAndSets(), events: []*history.Event{r.set.specAt(c.event.At), c.event},
	}
	if c.class == scaleUp {
		evidence.text = fmt.Sprintf("%s was added by a scale up at %s %s", c.pod.name, c.event.Ref(), text)
		switch {
		case text != "":
			b.broken(contract.UpdateScaleNew, evidence)
		case r.of[r.set.current(c.event.At)] != r.of[0] || r.twofold(c.event.At):
			b.saw(contract.UpdateScaleNew)
		}
		return
	}
	if r.partitioned(views) {
		return // what a partition gives is judged there
	}
	forerunner := r.set.life(c.pod.ordinal, c.event.Seq-1)
	// A pod that the rollout itself replaced must be a new one; of others only the label must not lie.
	if text != "" && ((forerunner != nil && r.rolled[forerunner]) || r.worn(c.pod) >= 0) {
		evidence.text = fmt.Sprintf("%s was created at %s %s", c.pod.name, c.event.Ref(), text)
		b.broken(contract.UpdateComplete, evidence)
	}
}

// covers reports whether under any version in force the partition may keep the pod at the old revision.
func (r *rollout) covers(c creation, v views) bool {
	return r.set.some(v, func(e *history.Event) bool {
		return e.Set.Partition > 0 && (e.Set.Start != 0 || c.pod.ordinal < int(e.Set.Partition))
	})
}

// partitioned reports whether a version in force has a partition.
func (r *rollout) partitioned(v views) bool {
	return r.set.some(v, func(e *history.Event) bool { return e.Set.Partition > 0 })
}

// twofold reports whether the set's status named two revisions at that moment.
func (r *rollout) twofold(at time.Duration) bool {
	v := r.set.latest(at)
	return v != nil && v.Set.Status.CurrentRevision != v.Set.Status.UpdateRevision
}

// stuckRollout accuses a rollout that stopped although nothing stood in its way, long enough against the reaction of the same
// history, and only where the status shows that its controller knew.
func (m *model) stuckRollout(b *bench, r *rollout) {
	if r.stuck == nil || r.stuck.length <= m.overdue() {
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
	c := charge{set: r.set, since: v.At, until: m.h.Duration(), resources: podsAndSets(), events: []*history.Event{v}}
	pods := make([]string, 0, len(r.stuck.pods))
	for _, p := range r.stuck.pods {
		last := p.at(m.h.End.Seq)
		pods = append(pods, fmt.Sprintf("%s (revision %s, rv %s)", p.name, p.revision, last.ResourceVersion))
		c.events = append(c.events, last)
	}
	c.text = fmt.Sprintf("the rollout of %s (%s) did not reach %s: to the end of the recording nothing stood in its way for %.1f s", r.set.name, v.Ref(),
		strings.Join(pods, ", "), r.stuck.length.Seconds())
	if r.stuck.known {
		b.omitted(id, c)
		return
	}
	c.text += ", but no status shows that the controller knew"
	b.doubt(id, c)
}
