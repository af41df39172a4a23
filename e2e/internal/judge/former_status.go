package judge

import (
	"fmt"
	"slices"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// formerStatus returns the first status of a set if it may be that of the set of the same name before it, nil if it is its own. When a status meets a
// conflict, the controller writes it again to whatever set its informer cache has by that name, and does not compare UIDs (UpdateStatefulSetStatus in
// stateful_set_status_updater.go). Only a first status can be such a one, since one sync at a time works on a name.
//
// A set's own status names revisions that the set has made or adopted before.
func (m *model) formerStatus(s *setLife) *history.Event {
	var none history.Status // but in a history that nobody recorded
	if s.created != nil {
		none = s.created.Set.Status
	}
	i := slices.IndexFunc(s.events, func(e *history.Event) bool { return e.Set.Status != none })
	if i < 0 {
		return nil
	}
	first := s.events[i]
	st := first.Set.Status
	if !m.formerHad(s, st.ObservedGeneration, first.At) {
		return nil
	}
	foreign := func(revision, begun string) bool { return revision != begun && !m.hadRevision(s, revision, first) }
	if st.ObservedGeneration > first.Generation || foreign(st.UpdateRevision, none.UpdateRevision) || foreign(st.CurrentRevision, none.CurrentRevision) {
		return first
	}
	return nil
}

// formerHad reports whether a set of the same name, gone not long before a moment, had that generation.
func (m *model) formerHad(s *setLife, generation int64, at time.Duration) bool {
	return slices.ContainsFunc(m.sets, func(f *setLife) bool {
		return f.name == s.name && f.uid != s.uid && f.gone != nil && f.gone.At <= at && at-f.gone.At <= m.actDeadline() && f.gone.Generation >= generation
	})
}

// hadRevision reports whether a set owned a revision of that name when a status was written. Two watches tell, the skew of which is longer than a sync: so
// versions decide, which here can only leave an accusation open.
func (m *model) hadRevision(s *setLife, name string, status *history.Event) bool {
	return slices.ContainsFunc(m.h.Events, func(e *history.Event) bool {
		if e.Resource != history.Revisions || e.Name != name || e.Gone() {
			return false
		}
		ref := e.Controller()
		return ref != nil && ref.UID == s.uid && (e.RV() < status.RV() || before(e, status) == yes)
	})
}

// misled says that a set began with the status of the set before it, by which the controller may have gone then, "" if an accusation of something
// that ended at a moment has nothing to do with that.
func (m *model) misled(s *setLife, end time.Duration) string {
	if s == nil || s.former == nil || end < s.former.At {
		return ""
	}
	return fmt.Sprintf("; but the status of %s was at %s that of the set of that name before it, to which the controller may have kept: after a conflict it writes a status again, by name",
		s.name, s.former.Ref())
}
