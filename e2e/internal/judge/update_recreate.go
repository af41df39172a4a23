package judge

import (
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func recreates(v *history.Event) bool {
	return v.Set.Strategy == appsv1.RecreateStatefulSetStrategyType
}

// mayRecreate reports whether the controller may have deleted a pod because Recreate takes the pods of older revisions down, in range or not.
func (r *rollout) mayRecreate(p *podLife, views cache) bool {
	for i := views.oldest; i <= views.newest; i++ {
		if recreates(r.set.specs[i]) && r.mayBeOld(p, i) {
			return true
		}
	}
	return false
}

// mayBeOld reports whether under a version of the set an update of the pod may be pending.
func (r *rollout) mayBeOld(p *podLife, spec int) bool {
	return p.relabelled || r.updatePending(p.revision, spec) != no
}

// oldGone returns since when a set under Recreate, in its version v, had had no pod of an older revision at a moment: until then its
// controller does nothing but delete these. gone is false where one may still have been there. Under another strategy nothing has to go first.
func (r *rollout) oldGone(v *history.Event, at time.Duration) (since time.Duration, gone bool) {
	if !recreates(v) {
		return 0, true
	}
	spec := r.set.generation(v.Generation)
	for _, p := range r.set.pods {
		switch left := r.set.releaseOf(p); {
		case p.first().At > at || !r.mayBeOld(p, spec):
		case p.gone != nil && p.gone.At <= at:
			since = max(since, p.gone.At)
		case left != nil && left.At <= at:
			since = max(since, left.At)
		default:
			return 0, false
		}
	}
	return since, true
}

// checkRecreate: under Recreate all old pods are deleted at once, and the first new one is created when the last of them is gone.
func checkRecreate(m *model, res *results) {
	for i, r := range m.rollouts {
		if !slices.ContainsFunc(r.set.specs, recreates) {
			continue
		}
		for _, c := range m.actions[i].creations {
			m.createdApart(res, r, c)
		}
		for _, p := range r.set.pods {
			m.deletedWithOthers(res, r, p)
			m.keptOld(res, r, p)
		}
	}
}

// createdApart judges one creation against the old pods that were still there. All of them are of one watch, so that their order is known.
func (m *model) createdApart(res *results, r *rollout, c creation) {
	views := m.cacheAt(r.set, c.event).deciding(c.pod.ordinal, true)
	if text := r.outdated(c, views); text != "" && views.everySpec(recreates) {
		res.broken(contract.UpdateRecreateAll, evidence{
			set: r.set, since: m.lagBefore(c.event), events: []*history.Event{r.set.specAt(c.event.At), c.event},
			text: fmt.Sprintf("%s was created under Recreate at %s %s", c.pod.name, c.event.Ref(), text),
		})
		return
	}
	known := r.viewsWith(views, c.pod) // the controller cannot have had another when it created this pod
	if len(known) == 0 || r.mayRollOut(views, c.pod) {
		return
	}
	lastGone, clean := time.Duration(0), true
	for _, p := range r.set.pods {
		owner := p.ownerAt(c.event.Seq)
		switch {
		case p == c.pod || p.first().Seq > c.event.Seq || p.relabelled || owner.set != r.set || !owner.nameFits || !r.oldUnder(known, p):
		case !p.aliveAt(c.event.Seq):
			if p.ordinal != c.pod.ordinal {
				lastGone = max(lastGone, p.gone.At)
			}
		case m.mayHaveMissed(owner.from, c.event):
			clean = false
			res.excuse(contract.UpdateRecreateApart, CacheLag)
		default:
			clean = false
			res.broken(contract.UpdateRecreateApart, evidence{
				set: r.set, since: p.first().At, events: []*history.Event{p.at(c.event.Seq), c.event},
				text: fmt.Sprintf("%s was created at the new revision %s at %s while %s (revision %s) was still there", c.pod.name, c.pod.revision,
					c.event.Ref(), p.name, p.revision),
			})
		}
	}
	former := c.pod.predecessorIncarnation
	if !clean || former == nil || former.gone == nil {
		return
	}
	free := max(former.gone.At, r.set.specs[known[0]].At, c.lowerReady)
	if m.couldShow(lastGone-free, c.event.At) {
		res.exercised(contract.UpdateRecreateApart)
	}
}

// viewsWith returns the candidate specs whose revision the pod has.
func (r *rollout) viewsWith(views cache, p *podLife) []int {
	var out []int
	for i := views.oldest; i <= views.newest; i++ {
		if r.updatePending(p.revision, i) == no {
			out = append(out, i)
		}
	}
	return out
}

// mayRollOut reports whether one of the candidate specs under which the pod may have its revision has another strategy than Recreate. A strategy that came
// together with the template is not one of them.
func (r *rollout) mayRollOut(views cache, p *podLife) bool {
	for i := views.oldest; i <= views.newest; i++ {
		if v := r.set.specs[i]; !recreates(v) && (r.updatePending(p.revision, i) != yes || kept(v, p.ordinal)) {
			return true
		}
	}
	return false
}

// oldUnder reports whether under each of those specs an update of the pod is pending.
func (r *rollout) oldUnder(specs []int, p *podLife) bool {
	return !slices.ContainsFunc(specs, func(i int) bool { return r.updatePending(p.revision, i) != yes })
}

// deletedWithOthers counts a deletion that completed those of all old pods while another one, deleted before, was still there: a rolling update would
// have waited for that one to be replaced.
func (m *model) deletedWithOthers(res *results, r *rollout, p *podLife) {
	d := p.deleting
	if d == nil || p.relabelled || !m.maybeByController(p) || r.set.mayBeDeleted(d) || p.ownerAt(d.Seq).set != r.set {
		return
	}
	views := m.cacheAt(r.set, d)
	if !views.everySpec(recreates) || r.updatePending(p.revision, views.newest) != yes {
		return
	}
	others := 0
	for _, o := range r.set.pods {
		if o == p || !o.aliveAt(d.Seq) || o.ownerAt(d.Seq).set != r.set || !r.mayBeOld(o, views.newest) {
			continue
		}
		if !o.terminatingAt(d.Seq) {
			return
		}
		others++
	}
	if others > 0 {
		res.exercised(contract.UpdateRecreateAll)
	}
}

// keptOld reports a pod that stayed under Recreate for longer than the act deadline although its update was pending all the time: nothing has to
// happen before it is deleted.
func (m *model) keptOld(res *results, r *rollout, p *podLife) {
	end := m.h.Duration()
	for _, e := range []*history.Event{p.deleting, r.set.releaseOf(p), r.set.deleting} {
		if e != nil {
			end = min(end, e.At)
		}
	}
	first := -1 // the version since which the update was pending
	for i, v := range r.set.specs {
		if v.At >= end {
			break
		}
		if p.relabelled || !recreates(v) || r.updatePending(p.revision, i) != yes {
			first = -1
			continue
		}
		if first < 0 {
			first = i
		}
		until := end
		if next := i + 1; next < len(r.set.specs) && r.set.specs[next].At < end {
			if recreates(r.set.specs[next]) && r.updatePending(p.revision, next) == yes {
				continue
			}
			until = r.set.specs[next].At
		}
		m.keptDuring(res, r, p, first, until)
	}
}

// keptDuring judges one stretch in which an update of the pod was pending under Recreate, from a version of the set on until a moment.
func (m *model) keptDuring(res *results, r *rollout, p *podLife, spec int, until time.Duration) {
	v, overdue, atEnd := r.set.specs[spec], m.actDeadline(), until == m.h.Duration()
	since := v.At
	for _, o := range p.owners {
		if o.set == r.set {
			since = max(since, o.from.At)
		}
	}
	if until-since <= overdue || (atEnd && !m.complete()) {
		return
	}
	c := evidence{
		set: r.set, since: since, until: until, also: []history.Resource{history.Pods}, events: []*history.Event{p.first(), v},
		text: fmt.Sprintf("%s (revision %s) was not deleted for %.1f s after Recreate had to replace it (%s), and nothing else has to happen first",
			p.name, p.revision, (until - since).Seconds(), v.Ref()),
	}
	known := r.observed(v.Generation)
	switch {
	case !atEnd:
		// What ended the stretch may be the first act of a controller that was away.
		if known != nil && known.At < until && m.workedOn(r.set, since+overdue, m.beforeReturn(until)) {
			c.anyAuthor = true
			res.broken(contract.UpdateRecreateAll, c)
		}
	case known == nil:
		c.text += ", but no status shows that the controller knew"
		res.inconclusive(contract.UpdateRecreateAll, c)
	default:
		res.notDone(contract.UpdateRecreateAll, c, since+overdue)
	}
}
