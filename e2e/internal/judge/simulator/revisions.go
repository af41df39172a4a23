package simulator

import (
	"cmp"
	"slices"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// revision is a template with the name that its controller revision gives it.
type revision struct {
	name     string
	template history.Template
}

// revisions are the current and the update revision of a sync.
type revisions struct{ current, update revision }

// ownedRevisions returns the set's controller revisions as the controller sees them, the oldest number first.
func (c *controller) ownedRevisions(set *history.Event) []*history.Event {
	var out []*history.Event
	for _, e := range c.cache.List(history.Revisions) {
		if ref := e.Controller(); ref != nil && ref.UID == set.UID {
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b *history.Event) int { return cmp.Compare(a.Revision.Number, b.Revision.Number) })
	return out
}

// adoptRevisions takes the orphaned revisions that the set selects.
func (c *controller) adoptRevisions(set *history.Event) bool {
	for _, e := range c.cache.List(history.Revisions) {
		if len(e.Owners) > 0 || !selects(set, e) || e.Terminating() {
			continue
		}
		live, now := c.cl.get(history.Revisions, e.Name, e.UID), c.cl.get(history.Sets, set.Name, set.UID)
		if live == nil || len(live.Owners) > 0 || now == nil || now.Terminating() {
			return false
		}
		c.cl.builder.Change(history.Revisions, e.Name, func(e *history.Event) { e.Owners = controllerRef("StatefulSet", set.Name, set.UID) })
		// The rest of the sync uses the adopted revision.
		c.cache.Apply(c.cl.get(history.Revisions, e.Name, e.UID))
	}
	return true
}

// currentAndUpdateRevision returns the revisions of the status and of the template; it creates or renumbers the latter where needed.
func (c *controller) currentAndUpdateRevision(set *history.Event) (revisions, bool) {
	owned := c.ownedRevisions(set)
	digest, data := set.Set.TemplateDigest, c.dataOf(set.Set.TemplateDigest)
	next := int64(1)
	if n := len(owned); n > 0 {
		next = owned[n-1].Revision.Number + 1 + c.skippedNumbers()
	}
	equal := slices.IndexFunc(owned, func(e *history.Event) bool { return e.Revision.Data == data })
	var update string
	switch {
	case equal >= 0 && equal == len(owned)-1:
		update = owned[equal].Name
	case equal >= 0:
		e := c.cl.get(history.Revisions, owned[equal].Name, owned[equal].UID)
		if e == nil || e.ResourceVersion != owned[equal].ResourceVersion {
			return revisions{}, false
		}
		c.cl.builder.Change(history.Revisions, e.Name, func(e *history.Event) { e.Revision.Number = next })
		update = e.Name
	default:
		update = c.revisionName(set, digest)
		if existing := c.cl.get(history.Revisions, update, ""); existing == nil {
			c.cl.builder.Add(&history.Event{
				Resource: history.Revisions, Revision: &history.Revision{Number: next, Data: data},
				Meta: history.Meta{Name: update, Labels: set.Set.Selector, Owners: controllerRef("StatefulSet", set.Name, set.UID)},
			})
		}
	}
	out := revisions{update: revision{update, set.Set.Template}, current: revision{update, set.Set.Template}}
	for _, e := range owned {
		if e.Name == set.Set.Status.CurrentRevision {
			out.current = revision{e.Name, c.cl.templateOf(e.Revision.Data)}
		}
	}
	return out, true
}

// truncateHistory deletes the oldest unused revisions beyond revisionHistoryLimit.
func (c *controller) truncateHistory(s *setSync, pods []*history.Event) {
	limit := s.set.Set.RevisionHistoryLimit
	if limit == nil {
		return
	}
	inUse := map[string]bool{s.revisions.current.name: true, s.revisions.update.name: true}
	for _, pod := range pods {
		inUse[pod.Labels[appsv1.ControllerRevisionHashLabelKey]] = true
	}
	unused := slices.DeleteFunc(c.ownedRevisions(s.set), func(e *history.Event) bool { return inUse[e.Name] })
	for i := range len(unused) - int(*limit) {
		c.cl.removeObject(history.Revisions, unused[i].Name, unused[i].UID)
	}
}
