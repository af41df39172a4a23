package judge

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// checkNotMine: pods that somebody else controls are neither adopted nor deleted by a set that selects them.
func checkNotMine(m *model, res *results) {
	const id = contract.IdentityNotMine
	for _, p := range m.pods {
		for i, t := range p.owners {
			if i > 0 && t.set != nil && p.owners[i-1].uid != "" {
				res.broken(id, evidence{
					set: t.set, since: p.owners[i-1].from.At, events: []*history.Event{p.at(t.from.Seq - 1), t.from},
					text: fmt.Sprintf("%s was controlled by %s (UID %s) and at %s by the set %s", p.name, p.owners[i-1].name(), p.owners[i-1].uid, t.from.Ref(), t.set.name),
				})
			}
		}
		if p.owners[0].uid == "" {
			continue
		}
		if len(p.owners) == 1 {
			for _, s := range m.otherSelectors(p, p.owners[0].set) {
				res.disjointSelectors(id, s, p)
			}
		}
	}
}

// disjointSelectors judges one pod that one set selects and another controller owns.
func (res *results) disjointSelectors(id contract.ID, s *setLife, p *podLife) {
	owner := p.owners[0]
	e := p.deleting
	if e == nil || s.mayBeDeleted(e) || !res.m.byController(p) {
		res.exercised(id)
		return
	}
	if owner.set != nil {
		if !res.m.unattributed(owner.set, p) {
			res.exercised(id)
			return
		}
		res.broken(id, evidence{
			set: s, since: e.At - res.m.settleTime(), events: []*history.Event{p.first(), e},
			text: fmt.Sprintf("%s of the set %s was deleted at %s without any cause of its own, while the set %s with the same selector lived",
				p.name, owner.set.name, e.Ref(), s.name),
		})
		return
	}
	if parentOf(p.name) != s.name {
		res.exercised(id)
		return
	}
	res.inconclusive(id, evidence{
		set: s, events: []*history.Event{p.first(), e},
		text: fmt.Sprintf("%s, controlled by %s, was deleted at %s while the set %s selected it; whether that was the set, the owner or the garbage collector is not recorded",
			p.name, owner.name(), e.Ref(), s.name),
	})
}

// overlap reports whether set and pod lived at the same time for long enough that the controller must have looked.
func (m *model) overlap(s *setLife, p *podLife) bool {
	from, to := max(s.events[0].At, p.first().At), m.h.Duration()
	if s.deleting != nil {
		to = min(to, s.deleting.At)
	}
	if p.deleting != nil {
		to = min(to, p.deleting.At)
	}
	if to-from <= m.settleTime() {
		return false
	}
	v := s.latest(to)
	return v != nil && v.Set.Status.ObservedGeneration > 0
}

// otherSelectors returns the sets other than the pod's own that selected it when it appeared, and lived beside it for long enough that the
// controller must have looked.
func (m *model) otherSelectors(p *podLife, own *setLife) []*setLife {
	var out []*setLife
	for _, s := range m.sets {
		if s != own && s.selects() && m.overlap(s, p) && s.matches(p.first()) {
			out = append(out, s)
		}
	}
	return out
}

// selects reports whether the set's selector is known, so that matches can be asked.
func (s *setLife) selects() bool {
	return len(s.events) > 0 && len(s.events[0].Set.Selector) > 0 && !s.events[0].Set.SelectorExpressions
}

// matches reports whether the set's selector, which cannot change, selects the pod as it was then.
func (s *setLife) matches(pod *history.Event) bool {
	for k, v := range s.events[0].Set.Selector {
		if got, ok := pod.Labels[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// unattributed reports whether the deletion of a set's pod can only be its controller's act and yet has no cause: the set wanted
// the pod, it was not for an update, and nobody was deleting the set.
func (m *model) unattributed(s *setLife, p *podLife) bool {
	e := p.deleting
	if !m.byController(p) || e.Change == history.Listed || e.Change == history.Missing || p.ownerAt(e.Seq).set != s || len(s.events) == 0 {
		return false
	}
	if s.mayBeDeleted(e) {
		return false
	}
	outOfRange := func(v *history.Event) bool { return !inRange(v, p.ordinal) }
	return s.wanted(p.ordinal, e.At-m.settleTime(), e.At+watchSkew) && !m.cacheAt(s, e).anySpec(outOfRange) && !m.isRollout(s, p)
}

// updatePending reports whether around the pod's deletion the set's status named an update revision other than the pod's.
func (m *model) updatePending(s *setLife, p *podLife) bool {
	at, revision := p.deleting.At, p.revision
	for _, v := range s.events[max(s.versionsUntil(at-m.settleTime())-1, 0):] {
		if v.At > at+m.h.Header.Lag {
			return false
		}
		if r := v.Set.Status.UpdateRevision; r != "" && r != revision {
			return true
		}
	}
	return false
}

// maybeRollout reports whether a pod that had lost its place was perhaps deleted for an update, by a controller that may not
// have known that yet.
func (m *model) maybeRollout(s *setLife, p *podLife) bool {
	return m.cacheAt(s, p.deleting).anySpec(func(v *history.Event) bool { return updates(v, p.ordinal) }) && m.updating(s, p)
}

// isRollout reports whether the set's update revision was, or may have been, another than the pod's when it was deleted.
func (m *model) isRollout(s *setLife, p *podLife) bool {
	if m.updating(s, p) {
		return true
	}
	// The controller deletes before it writes the status that says why, so only a later status tells.
	at := p.deleting.At
	for _, v := range s.events[s.versionsUntil(at+watchSkew):] {
		if v.Set.Status.UpdateRevision != revisionLabel(p) {
			return true
		}
		if v.Set.Status.ObservedGeneration >= v.Generation {
			return false
		}
	}
	return s.events[len(s.events)-1].Set.Status.ObservedGeneration < s.specAt(at+watchSkew).Generation
}

// updating reports whether the history shows, as of the pod's deletion, an update that it may have been deleted for: a template
// that had changed within the lag, or an update revision other than the pod's.
func (m *model) updating(s *setLife, p *podLife) bool {
	at := p.deleting.At
	c := m.cacheAt(s, p.deleting)
	if c.anySpec(func(v *history.Event) bool { return !sameTemplate(v.Set, s.specs[c.newest].Set) }) {
		return true
	}
	seen := s.events[max(s.versionsUntil(at-m.settleTime())-1, 0):s.versionsUntil(at+watchSkew)]
	return slices.ContainsFunc(seen, func(v *history.Event) bool {
		r := v.Set.Status.UpdateRevision
		return r != "" && r != revisionLabel(p) // a set that no controller has looked at has none
	})
}

func revisionLabel(p *podLife) string {
	return p.deleting.Labels[appsv1.ControllerRevisionHashLabelKey]
}
