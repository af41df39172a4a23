package judge

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// revisionLife is one ControllerRevision: one UID.
type revisionLife struct {
	name   string
	owner  types.UID
	events []*history.Event
	gone   *history.Event
}

// keptRevisions are the revisions by the set that owns them, each set's in the order of their appearance.
type keptRevisions map[types.UID][]*revisionLife

// mayLack reports whether the controller may have found no revision of that name of the set at an event: it was gone, or it is one of an earlier set of the
// same name, which is taken for a new one where the template is the same and goes with that set. What a status then names as the current revision is lost,
// and the update revision takes its place.
func (k keptRevisions) mayLack(set types.UID, name string, at *history.Event) bool {
	found := false
	for _, all := range k {
		for _, l := range all {
			now := l.at(at.Seq)
			if l.name != name || now == nil {
				continue
			}
			found = true
			if c := now.Controller(); c != nil && c.UID == set && (l.gone == nil || before(l.gone, at) == no) {
				return false
			}
		}
	}
	return found
}

// revisionsBySet returns the revisions of the history.
func (m *model) revisionsBySet() keptRevisions {
	out := keptRevisions{}
	byUID := map[types.UID]*revisionLife{}
	for _, e := range m.h.Events {
		if e.Resource != history.Revisions {
			continue
		}
		l := byUID[e.UID]
		if l == nil {
			l = &revisionLife{name: e.Name}
			byUID[e.UID] = l
		}
		if c := e.Controller(); c != nil && l.owner == "" {
			l.owner = c.UID
			out[c.UID] = append(out[c.UID], l)
		}
		l.events = append(l.events, e)
		l.gone = firstOf(l.gone, e, e.Gone())
	}
	return out
}

// adoptions returns the events at which the revision, which had none, got a controller.
func (l *revisionLife) adoptions() (all []*history.Event) {
	for i, e := range l.events {
		if i > 0 && !e.Gone() && e.Controller() != nil && l.events[i-1].Controller() == nil {
			all = append(all, e)
		}
	}
	return all
}

// at returns the revision's newest version at that point of the history, or nil.
func (l *revisionLife) at(seq int) *history.Event {
	i := sort.Search(len(l.events), func(i int) bool { return l.events[i].Seq > seq })
	if i == 0 {
		return nil
	}
	return l.events[i-1]
}

// numbered returns the first version of the revision that has a number.
func (l *revisionLife) numbered(n int64) *history.Event {
	return l.events[slices.IndexFunc(l.events, func(e *history.Event) bool { return e.Revision.Number == n })]
}

// mayHaveMissedNumber reports whether the controller may not have known the number that a version of a revision has when it gave another one its number.
func (m *model) mayHaveMissedNumber(numbered, act *history.Event) bool {
	return numbered.Change != history.Listed && before(act, numbered) != yes && m.mayHaveMissed(numbered, act)
}

// sortsAfter reports whether a revision counts as newer than another one of the same number, which a controller may give twice that has not seen yet that it
// was given: the one that was created later does or, in the same second, the one with the greater name.
func sortsAfter(e, other *history.Event) bool {
	return e.Revision.Number == other.Revision.Number &&
		cmp.Or(e.CreationTimestamp.Compare(other.CreationTimestamp.Time), cmp.Compare(e.Name, other.Name)) > 0
}

// rollback is a change of the template back to one that the set had before.
type rollback struct {
	change *history.Event
	name   string         // the revision that held the template
	status *history.Event // the first whose observedGeneration covers the change
	until  *history.Event // the template's next change, nil if there was none
}

// reverts lists the changes back to an earlier template whose revision a status names.
func (r *rollout) reverts() []rollback {
	var out []rollback
	had := map[int]bool{}
	for i, v := range r.set.specs {
		t := r.templateOf[i]
		if i > 0 && had[t] && r.templateOf[i-1] != t && r.revisionOf[t] != "" {
			back := rollback{change: v, name: r.revisionOf[t], status: r.observed(v.Generation)}
			if next := r.nextTemplate[i]; next < len(r.set.specs) {
				back.until = r.set.specs[next]
			}
			if back.status != nil && (back.until == nil || back.status.Set.Status.ObservedGeneration < back.until.Generation) {
				out = append(out, back)
			}
		}
		had[t] = true
	}
	return out
}

// checkRollback: going back to a template whose revision is still kept uses that revision again, with a higher number.
func checkRollback(m *model, res *results) {
	kept := m.revisionsBySet()
	for _, r := range m.rollouts {
		var events []*history.Event
		lives := map[types.UID]*revisionLife{}
		for _, l := range kept[r.set.uid] {
			events = append(events, l.events...)
			lives[l.events[0].UID] = l
		}
		slices.SortFunc(events, func(a, b *history.Event) int { return cmp.Compare(a.Seq, b.Seq) })
		numbers := map[string]*history.Event{} // the revisions kept as of the revert
		for _, back := range r.reverts() {
			for ; len(events) > 0 && events[0].Seq < back.change.Seq; events = events[1:] {
				if e := events[0]; e.Gone() {
					delete(numbers, e.Name)
				} else {
					numbers[e.Name] = e
				}
			}
			if held := numbers[back.name]; held != nil {
				m.checkRollback(res, r.set, back, lives, numbers)
			}
		}
	}
}

// checkRollback checks one revert to a template that a kept revision holds.
func (m *model) checkRollback(res *results, s *setLife, back rollback, lives map[types.UID]*revisionLife, kept map[string]*history.Event) {
	const id = contract.UpdateRollback
	l := lives[kept[back.name].UID]
	if l.gone != nil && l.gone.At <= deliveredBy(back.status.At) {
		return // it was about to be cleaned up
	}
	evidence := evidence{
		set: s, since: back.change.At,
		events: []*history.Event{kept[back.name], back.change, back.status}, written: statusField,
	}
	went := fmt.Sprintf("%s went back at %s to the template of the revision %s, which was still kept", s.name, back.change.Ref(), back.name)
	if got := back.status.Set.Status.UpdateRevision; got != back.name {
		evidence.text = fmt.Sprintf("%s, but its update revision became %s (%s)", went, got, back.status.Ref())
		res.broken(id, evidence)
		return
	}
	end := m.h.Duration()
	last := l.events[len(l.events)-1]
	if back.until != nil {
		last, end = l.at(back.until.Seq), back.until.At
	}
	if s.deleting != nil {
		end = min(end, s.deleting.At)
	}
	if withinSkew(back.status.At, end) {
		return // the two watches may be that far out of step
	}
	var top *history.Event
	for name, e := range kept {
		if name != back.name && (top == nil || e.Revision.Number > top.Revision.Number) {
			top = e
		}
	}
	if top == nil {
		return
	}
	numbered := lives[top.UID].numbered(top.Revision.Number)
	switch {
	case last.Revision.Number > top.Revision.Number:
		res.exercised(id)
	case m.mayHaveMissedNumber(numbered, l.numbered(last.Revision.Number)):
		res.excuse(id, CacheLag)
	case sortsAfter(last, top):
		res.excuse(id, CacheLag)
	case numbered.Change != history.Listed && m.withinLag(numbered.At, lastOf(s.acts, end)):
		res.excuse(id, CacheLag) // it may have looked at the set for the last time when this revision was the newest in its cache, and its number right
	default:
		evidence.text = fmt.Sprintf("%s with number %d (rv %s), but %s has number %d (rv %s)", went, last.Revision.Number, last.ResourceVersion,
			top.Name, top.Revision.Number, top.ResourceVersion)
		res.broken(id, evidence)
	}
}

// checkUpdateRevision: a status that has observed a change of the template names another update revision than that of the former template, and goes on to
// name that of the template.
func checkUpdateRevision(m *model, res *results) {
	const id = contract.UpdateRevision
	for _, r := range m.rollouts {
		seen := 0 // the last version whose observation was checked
		for i, e := range r.set.events {
			spec := r.set.generation(e.Set.Status.ObservedGeneration)
			first := spec > seen
			if spec < seen || e.Set.Status.UpdateRevision == "" || m.madeByTest(e) {
				continue
			}
			changed := first && r.templateOf[spec] != r.templateOf[seen]
			seen = spec
			if !changed && (first || i == 0 || r.set.events[i-1].Set.Status.UpdateRevision == e.Set.Status.UpdateRevision) {
				continue
			}
			of, known := r.templateByRevision[e.Set.Status.UpdateRevision]
			if !known {
				continue
			}
			if of == r.templateOf[spec] {
				if changed {
					res.exercised(id)
				}
				continue
			}
			// A status that is written in steps may name the revision of a later template before it says that it has observed that one.
			if slices.Contains(r.templateOf[spec+1:max(spec+1, r.set.specsUntil(e.At))], of) {
				continue
			}
			c := evidence{
				set: r.set, since: r.set.specs[spec].At, until: r.namedUntil(i, m.h.Duration()), events: []*history.Event{r.set.specs[spec], e}, written: statusField,
				text: fmt.Sprintf("the template of %s changed at %s, and the status that has observed it (%s) names %s as update revision, that of another template",
					r.set.name, r.set.specs[spec].Ref(), e.Ref(), e.Set.Status.UpdateRevision),
			}
			if !changed {
				c.since, c.events = e.At, []*history.Event{r.set.events[i-1], e}
				c.text = fmt.Sprintf("the template of %s did not change, and its status, which had named the update revision %s, names %s at %s, that of another template",
					r.set.name, r.set.events[i-1].Set.Status.UpdateRevision, e.Set.Status.UpdateRevision, e.Ref())
			}
			if m.mustHaveSeen(e.At, c.until) {
				res.broken(id, c)
			} else {
				res.inconclusive(id, c)
			}
		}
	}
}

// namedUntil returns until when, at most to the end, the status named the update revision that it names in that version of the set.
func (r *rollout) namedUntil(version int, end time.Duration) time.Duration {
	all := r.set.events[version:]
	i := slices.IndexFunc(all, func(e *history.Event) bool {
		return e.Set.Status.UpdateRevision != all[0].Set.Status.UpdateRevision || e.Gone()
	})
	if i < 0 {
		return end
	}
	return all[i].At
}
