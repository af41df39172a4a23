package judge

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// checkRevisions: a new template gets a revision with the highest number, and of the unused revisions the oldest go first.
func checkRevisions(m *model, res *results) {
	kept := m.revisionsBySet()
	for _, r := range m.rollouts {
		// Where no revision of the set is recorded at all, nothing is known of them.
		if all := kept[r.set.uid]; len(all) > 0 {
			m.newRevisions(res, r, all, kept)
			m.removedRevisions(res, r, all, kept)
		}
	}
}

// newRevisions judges the revision that a status names first after each change to a template that the set had not had before.
func (m *model) newRevisions(res *results, r *rollout, all []*revisionLife, kept map[types.UID][]*revisionLife) {
	const id = contract.UpdateRevisionMade
	had := map[int]bool{}
	for i, v := range r.set.specs {
		t, status := r.templateOf[i], r.observed(v.Generation)
		again := had[t]
		had[t] = true
		if i == 0 || again || status == nil || status.Set.Status.ObservedGeneration >= r.generationAfter(i) || !m.recordedAfter(status.At) {
			continue
		}
		name := status.Set.Status.UpdateRevision
		c := evidence{
			set: r.set, since: m.lagBefore(v), until: deliveredBy(status.At), also: []history.Resource{history.Revisions}, events: []*history.Event{v, status},
		}
		made := deliveredBy(status.At)
		l := revisionNamed(all, name, made)
		if others := ofOthers(kept, name, made); l == nil && len(others) > 0 {
			if alive := slices.IndexFunc(others, m.stillOwned); alive >= 0 {
				now := others[alive].by(made)
				c.events = []*history.Event{v, now, status}
				c.text = fmt.Sprintf("%s got a new template at %s, and its status named the update revision %s at %s, which is a controller revision of the %s %s (rv %s)",
					r.set.name, v.Ref(), name, status.Ref(), now.Controller().Kind, now.Controller().Name, now.ResourceVersion)
				res.broken(id, c)
			}
			continue
		}
		if late := revisionNamed(all, name, m.h.Duration()); l == nil && late != nil { // no document says which of the two comes first
			l, made = late, late.events[0].At
		}
		if l == nil {
			c.until = m.h.Duration()
			c.text = fmt.Sprintf("%s got a new template at %s, and its status named the update revision %s at %s, but to the end of the recording there was no such controller revision",
				r.set.name, v.Ref(), name, status.Ref())
			if due := status.At + m.actDeadline(); c.until > due && m.complete() {
				res.notDone(id, c, due)
			}
			continue
		}
		number := l.by(made).Revision.Number
		known := m.lagBefore(l.events[0]) // the controller's cache may not have held what came later
		higher := slices.IndexFunc(all, func(o *revisionLife) bool {
			was := o.by(known)
			return o != l && was != nil && o.keptUntil(l.events[0].At) && was.Revision.Number >= number
		})
		if higher < 0 {
			res.exercised(id)
			continue
		}
		other := all[higher].by(known)
		c.events = []*history.Event{v, other, l.by(made), status}
		c.text = fmt.Sprintf("%s got a new template at %s, and its controller revision %s has number %d (rv %s), but %s has number %d (rv %s)", r.set.name, v.Ref(),
			name, number, l.by(made).ResourceVersion, other.Name, other.Revision.Number, other.ResourceVersion)
		res.broken(id, c)
	}
}

// generationAfter returns the generation of the next version of the set that has another template.
func (r *rollout) generationAfter(spec int) int64 {
	if next := r.nextTemplate[spec]; next < len(r.set.specs) {
		return r.set.specs[next].Generation
	}
	return r.set.specs[len(r.set.specs)-1].Generation + 1
}

// revisionNamed returns the revision of that name that had appeared by then, or nil.
func revisionNamed(all []*revisionLife, name string, at time.Duration) *revisionLife {
	for _, l := range slices.Backward(all) {
		if l.name == name && l.by(at) != nil {
			return l
		}
	}
	return nil
}

// ofOthers returns the revisions of that name, of whichever sets they were first, that had appeared by then.
func ofOthers(kept map[types.UID][]*revisionLife, name string, at time.Duration) []*revisionLife {
	var out []*revisionLife
	for _, all := range kept {
		if l := revisionNamed(all, name, at); l != nil {
			out = append(out, l)
		}
	}
	return out
}

// stillOwned reports whether a revision is there and was somebody else's from its first version to the last, a set's that is not deleted or an object's of
// another kind: no set can have adopted it.
func (m *model) stillOwned(l *revisionLife) bool {
	s := m.bySet[l.owner]
	return l.gone == nil && !slices.ContainsFunc(l.events, func(e *history.Event) bool {
		c := e.Controller()
		return c == nil || c.UID != l.owner || c.Kind == "StatefulSet" && (s == nil || s.deleting != nil)
	})
}

// by returns the revision's newest version at that moment, or nil.
func (l *revisionLife) by(at time.Duration) *history.Event {
	var out *history.Event
	for _, e := range l.events {
		if e.At <= at && !e.Gone() {
			out = e
		}
	}
	return out
}

// keptUntil reports whether the revision was not removed by then.
func (l *revisionLife) keptUntil(at time.Duration) bool { return l.gone == nil || l.gone.At > at }

// removedRevisions judges which of the revisions that nothing used was removed by the controller when there were more than the limit.
func (m *model) removedRevisions(res *results, r *rollout, all []*revisionLife, kept map[types.UID][]*revisionLife) {
	const id = contract.UpdateHistoryOldestFirst
	for _, l := range all {
		gone := l.gone
		if gone == nil || gone.Change != history.Deleted || r.set.mayBeDeleted(gone) || m.deletedByTest(gone.UID, l.events[0], gone) || m.h.Duration() < m.settledBy(gone.At) {
			continue
		}
		if user, why := m.userOf(r, l); user != nil {
			c := evidence{
				set: r.set, since: user.At, until: deliveredBy(gone.At), also: []history.Resource{history.Pods}, events: []*history.Event{user, gone},
				text: fmt.Sprintf("the controller revision %s, number %d, of %s was removed at %s, while %s", gone.Name, gone.Revision.Number, r.set.name, gone.Ref(), why),
			}
			if m.trimmed(r.set, all, gone) {
				res.broken(id, c)
				continue
			}
			c.text += "; but the controller had no more than its limit then, or no occasion to count them" + anyClient("delete controller revisions")
			res.inconclusive(id, c)
			continue
		}
		if m.removedWithinLimit(res, r, l, kept) {
			continue
		}
		unused, stays := 1, []*revisionLife(nil)
		for _, o := range all {
			if o == l || o.by(gone.At) == nil || !o.keptUntil(gone.At) {
				continue
			}
			if !m.inUse(r.set, o, gone.At) {
				unused++
			}
			// What is removed shortly after belongs to the same act.
			if m.unusedAround(r.set, o, gone.At) && o.keptUntil(m.settledBy(gone.At)) {
				stays = append(stays, o)
			}
		}
		overLimit := func(v *history.Event) bool {
			limit := v.Set.RevisionHistoryLimit
			return limit != nil && *limit >= 0 && unused > int(*limit)
		}
		if len(stays) == 0 || !m.cacheAt(r.set, gone).anySpec(overLimit) {
			continue
		}
		number := gone.Revision.Number
		older := slices.IndexFunc(stays, func(o *revisionLife) bool { return o.by(gone.At).Revision.Number < number })
		if older < 0 {
			res.exercised(id)
			continue
		}
		other := stays[older].by(gone.At)
		res.broken(id, evidence{
			set: r.set, since: m.visibleFrom(gone.At), until: m.settledBy(gone.At), also: []history.Resource{history.Pods}, events: []*history.Event{other, gone},
			text: fmt.Sprintf("the controller revision %s, number %d, of %s was removed at %s, while the older %s, number %d (rv %s), which nothing used either, stayed",
				gone.Name, number, r.set.name, gone.Ref(), other.Name, other.Revision.Number, other.ResourceVersion),
		})
	}
}

// leastNumber is the lowest number that the controller's cache may have had of a revision when it was removed.
func (m *model) leastNumber(l *revisionLife) int64 {
	least := l.gone.Revision.Number
	for i, e := range l.events {
		if replaced := i+1 < len(l.events) && l.events[i+1].At < m.visibleFrom(l.gone.At); !replaced {
			least = min(least, e.Revision.Number)
		}
	}
	return least
}

// removedWithinLimit reports whether a revision was removed although the limit allowed to keep it: of those that nothing may have used, fewer are left than
// that, and fewer had a number as high. It records that.
func (m *model) removedWithinLimit(res *results, r *rollout, l *revisionLife, kept map[types.UID][]*revisionLife) bool {
	const id = contract.UpdateHistoryOldestFirst
	gone, limit, left, higher := l.gone, math.MaxInt, 0, 0
	number := m.leastNumber(l)
	for _, v := range m.cacheAt(r.set, gone).specs() {
		if v.Set.RevisionHistoryLimit != nil {
			limit = min(limit, int(*v.Set.RevisionHistoryLimit))
		}
	}
	mine := slices.DeleteFunc(slices.Concat(slices.Collect(maps.Values(kept))...), func(o *revisionLife) bool {
		was := o.by(gone.At)
		// A set may have adopted those of a former one.
		return o != l && (was == nil || was.Controller() != nil && was.Controller().UID != r.set.uid)
	})
	known := r.knownByRevisions(mine, gone)
	for _, o := range mine {
		if o == l || !o.keptUntil(m.visibleFrom(gone.At)) || !m.maybeUnused(r, o, gone.At, known) {
			continue
		}
		if o.keptUntil(m.settledBy(gone.At)) {
			left++
		}
		if o.by(gone.At).Revision.Number >= number { // two created within the lag may have the same
			higher++
		}
	}
	if limit == math.MaxInt || max(left, higher) >= limit {
		return false
	}
	c := evidence{
		set: r.set, since: m.visibleFrom(gone.At), until: m.settledBy(gone.At), also: []history.Resource{history.Pods}, events: []*history.Event{r.set.specAt(gone.At), gone},
		text: fmt.Sprintf("the controller revision %s, number %d, of %s was removed at %s, which leaves %d that nothing uses where revisionHistoryLimit is %d",
			gone.Name, gone.Revision.Number, r.set.name, gone.Ref(), left, limit),
	}
	if m.trimmed(r.set, mine, gone) {
		res.broken(id, c)
		return true
	}
	c.text += "; but the controller had no more than its limit then, or no occasion to count them" + anyClient("delete controller revisions")
	res.inconclusive(id, c)
	return true
}

// knownByRevisions returns the first version of the set that its controller may have had when it removed a revision, since it had created another one for the
// template of that before.
func (r *rollout) knownByRevisions(all []*revisionLife, gone *history.Event) (spec int) {
	for _, l := range all {
		created := l.events[0]
		if template, known := r.templateByRevision[l.name]; known && created.Change == history.Added && created.Seq < gone.Seq {
			of := slices.Index(r.templateOf, template)
			if before(created, r.set.specs[of]) != yes { // else it was made for the same template of a former set
				spec = max(spec, of)
			}
		}
	}
	return spec
}

// maybeUnused reports whether at some moment around the given one, as far as the controller's cache and the watches may be apart, a revision may have been
// neither the current nor the update revision of the set, and no pod of the set have had it. known is the first version that the controller may have had.
func (m *model) maybeUnused(r *rollout, l *revisionLife, at time.Duration, known int) bool {
	s, from, to := r.set, m.visibleFrom(at), m.settledBy(at)
	unnamed := slices.ContainsFunc(s.events[max(s.versionsUntil(from)-1, 0):s.versionsUntil(to)], func(v *history.Event) bool {
		spec := s.generation(v.Generation)
		return v.Set.Status.CurrentRevision != l.name && v.Set.Status.UpdateRevision != l.name &&
			(spec < 0 || spec >= known && r.revisionOf[r.templateOf[spec]] != l.name)
	})
	return unnamed && !slices.ContainsFunc(s.pods, func(p *podLife) bool {
		return p.revision == l.name && !p.relabelled && len(p.owners) == 1 && p.first().At <= from && (p.gone == nil || p.gone.At > to)
	})
}

// userOf returns what used a revision of a set when that was removed, as the controller must have known, and how; nil if nothing did.
func (m *model) userOf(r *rollout, l *revisionLife) (*history.Event, string) {
	if p := m.podHolding(r.set, l, l.gone); p != nil {
		return p.first(), fmt.Sprintf("%s had it (created at %s)", p.name, p.first().Ref())
	}
	v := m.naming(r, l)
	if v == nil {
		return nil, ""
	}
	return v, fmt.Sprintf("the status had named it since %s", v.Ref())
}

// naming returns the first of the versions of the set that the controller may have had in its cache when a revision was removed, if all of them name that
// as the current revision, or as the update revision of the template that they have; nil if not.
func (m *model) naming(r *rollout, l *revisionLife) *history.Event {
	s, from, to := r.set, m.visibleFrom(l.gone.At), deliveredBy(l.gone.At)
	views := s.events[max(s.versionsUntil(from)-1, 0):s.versionsUntil(to)]
	if len(views) == 0 || views[0].At > from || !m.recordedAfter(l.gone.At) {
		return nil
	}
	of, known := r.templateByRevision[l.name]
	for _, v := range views {
		spec := s.generation(v.Generation)
		asUpdate := known && spec >= 0 && r.templateOf[spec] == of && v.Set.Status.UpdateRevision == l.name
		if v.Set.Status.CurrentRevision != l.name && !asUpdate {
			return nil
		}
	}
	return views[0]
}

// podHolding returns a pod of the set that had a revision when that was removed, as the controller must have known: the pod was created longer ago
// than its cache may be behind, and was still there on every watch. It returns nil if there is none.
func (m *model) podHolding(s *setLife, l *revisionLife, gone *history.Event) *podLife {
	i := slices.IndexFunc(s.pods, func(p *podLife) bool {
		return p.revision == l.name && !p.relabelled && len(p.owners) == 1 && !m.mayHaveMissed(p.first(), gone) && (p.gone == nil || p.gone.At > deliveredBy(gone.At))
	})
	if i < 0 || !m.recordedAfter(gone.At) {
		return nil
	}
	return s.pods[i]
}

// inUse reports whether a status named a revision, or a pod of the set had it, as far as the watches show a moment.
func (m *model) inUse(s *setLife, l *revisionLife, at time.Duration) bool {
	if v := s.latest(deliveredBy(at)); v != nil && (v.Set.Status.CurrentRevision == l.name || v.Set.Status.UpdateRevision == l.name) {
		return true
	}
	return slices.ContainsFunc(s.pods, func(p *podLife) bool {
		return p.revision == l.name && p.first().At <= at && (p.gone == nil || p.gone.At > at)
	})
}

// unusedAround reports whether a revision surely was unused, with one number, for as long before and after a moment as the controller's cache
// and the watches may be behind: no status named it, and no pod of the set had it.
func (m *model) unusedAround(s *setLife, l *revisionLife, at time.Duration) bool {
	from, to := m.visibleFrom(at), m.settledBy(at)
	was, now := l.by(from), l.by(at)
	if was == nil || now == nil || was.Revision.Number != now.Revision.Number || !l.keptUntil(at) {
		return false
	}
	for _, v := range s.events[max(s.versionsUntil(from)-1, 0):s.versionsUntil(to)] {
		if st := v.Set.Status; st.CurrentRevision == l.name || st.UpdateRevision == l.name {
			return false
		}
	}
	return !slices.ContainsFunc(s.pods, func(p *podLife) bool {
		return p.first().At <= to && (p.gone == nil || p.gone.At >= from) && slices.ContainsFunc(p.events, func(e *history.Event) bool {
			return e.Labels[appsv1.ControllerRevisionHashLabelKey] == l.name
		})
	})
}
