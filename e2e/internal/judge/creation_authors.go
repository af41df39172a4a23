package judge

import (
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// This file decides who created a claim, and who removed a controller revision, as a part of attribution.go.
//
// A client may create a claim before the set's controller needs it: the controller then uses that one. What shows that the controller created it is its
// report, as for deletions (deletion_authors.go). Where none of the claim is recorded, nor of the pod that it is for, time shows it: one sync creates the
// claims of a pod, reports them, and then creates the pod and reports that (k8s.io/kubernetes/pkg/controller/statefulset/stateful_pod_control.go).

// creationReports are the controller's reports of what it created, by resource and name.
type creationReports map[objectName][]*history.Event

func creationReportsOf(events []*history.Event) creationReports {
	out := creationReports{}
	for _, e := range events {
		if r, name := e.CreationReport(); name != "" && (e.Change == history.Added || e.Change == history.Modified) {
			out[objectName{r, name}] = append(out[objectName{r, name}], e)
		}
	}
	return out
}

// reportsCreation reports whether the controller may have reported the creation of an object, by the order and the times of the two.
func (m *model) reportsCreation(created *history.Event) bool {
	when := created.CreationTimestamp.Time
	if when.IsZero() {
		when = m.h.Header.Start.Add(created.At)
	}
	for _, r := range m.creationReports[objectName{created.Resource, created.Name}] {
		if r.At >= surelyBy(created.At) && m.reportedAt(r, when) {
			return true
		}
	}
	return false
}

// madeByController reports whether the history shows that the StatefulSet controller created a claim, which it did for the set s if for any.
func (m *model) madeByController(s *setLife, c *claimLife) bool {
	switch {
	case c.created == nil || m.createdByTest(history.Claims, c.name):
		return false
	case m.reportsCreation(c.created):
		return true
	case s == nil:
		return false
	}
	for _, p := range s.byOrdinal[history.Ordinal(c.name)] {
		if p.created != nil && p.owners[0].set == s && m.inOneSync(c.created.At, p.created.At) {
			return !m.reportsCreation(p.created)
		}
	}
	return false
}

// inOneSync reports whether one sync may have created a claim and then its pod at these moments: they are no further apart than what the controller knew
// then may be old.
func (m *model) inOneSync(claim, pod time.Duration) bool {
	return pod >= surelyBy(claim) && !m.mustHaveSeen(claim, pod)
}

// trimmed reports whether the StatefulSet controller had a reason to remove a revision of the set then, and an occasion: it had more of them than the
// limit, beside the two that a status named, and something had just happened that has it sync the set. It reports no such removals, so that of any other
// nobody knows the author.
func (m *model) trimmed(s *setLife, all []*revisionLife, gone *history.Event) bool {
	from, to := m.visibleFrom(gone.At), deliveredBy(gone.At)
	if t := s.firstTrigger(from); t == nil || t.At > to {
		return false
	}
	for _, v := range s.events[max(s.versionsUntil(from)-1, 0):s.versionsUntil(to)] {
		kept := map[string]bool{}
		for _, l := range all {
			if l.by(gone.At) != nil && l.keptUntil(from) && l.name != v.Set.Status.CurrentRevision && l.name != v.Set.Status.UpdateRevision {
				kept[l.name] = true
			}
		}
		if limit := v.Set.RevisionHistoryLimit; limit != nil && len(kept) > int(*limit) {
			return true
		}
	}
	return false
}
