package judge

import (
	"fmt"
	"slices"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// checkNotMine: pods that somebody else controls, or that have another name than the set gives, are neither adopted nor deleted by a set that
// selects them.
func checkNotMine(m *model, res *results) {
	const id = contract.IdentityNotMine
	for _, p := range m.pods {
		for i, t := range p.owners {
			if i == 0 || t.set == nil {
				continue
			}
			former := p.owners[i-1]
			var text string
			switch {
			case former.uid != "":
				text = fmt.Sprintf("%s was controlled by %s (UID %s) and at %s by the set %s", p.name, former.name(), former.uid, t.from.Ref(), t.set.name)
			case !t.nameFits:
				text = fmt.Sprintf("%s, which nobody controlled and whose name is not %s-<ordinal>, was adopted at %s by the set %s", p.name, t.set.name, t.from.Ref(), t.set.name)
			default:
				continue
			}
			res.broken(id, evidence{set: t.set, since: former.from.At, events: []*history.Event{p.at(t.from.Seq - 1), t.from}, text: text})
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
	if e == nil || s.mayBeDeleted(e) || !res.m.maybeByController(p) {
		res.exercised(id)
		return
	}
	if owner.set != nil {
		if !res.m.unattributed(owner.set, p) {
			res.exercised(id)
			return
		}
		res.broken(id, evidence{
			set: s, since: res.m.visibleFrom(e.At), events: []*history.Event{p.first(), e},
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

// disjoint reports whether disjointSelectors finds the pod's deletion, for which its own set had no reason, broken.
func (m *model) disjoint(p *podLife) bool {
	return len(p.owners) == 1 && slices.ContainsFunc(m.otherSelectors(p, p.owners[0].set), func(s *setLife) bool { return !s.mayBeDeleted(p.deleting) })
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
	if !m.mustHaveSeen(from, to) {
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
