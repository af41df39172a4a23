package judge_test

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// keepRevisionNumber keeps the number of a revision that a rollback uses again.
func keepRevisionNumber(h *mutableHistory) bool {
	for _, r := range h.shuffled(history.Revisions) {
		for i, e := range r.versions[1:] {
			was := r.versions[i]
			set := h.byUID(history.Sets, e.Controller())
			if set == nil || e.Revision.Number == was.Revision.Number || r.removal() != nil || !set.alive(h.end) || !set.specUnchanged(e.At+100*time.Millisecond, e.At+4*time.Second) ||
				set.at(e.At+3*time.Second).Set.Status.UpdateRevision != r.name || was.At < set.first().At {
				continue
			}
			change, _ := set.specChange(set.at(e.At))
			newer := func(o *object) bool {
				return h.byUID(history.Sets, o.first().Controller()) == set && o.first().At < change.At && o.first().Revision.Number > was.Revision.Number
			}
			if !slices.ContainsFunc(h.objects[history.Revisions], newer) {
				continue
			}
			number := was.Revision.Number
			r.change(e.At, func(e *history.Event) { e.Revision.Number = number })
			return true
		}
	}
	return false
}

// exceedHistoryLimit adds more unused revisions than revisionHistoryLimit allows.
func exceedHistoryLimit(h *mutableHistory) bool {
	for _, set := range h.shuffled(history.Sets) {
		if !set.alive(h.end) || set.last().Set.Status.ObservedGeneration != set.last().Generation || len(h.podsOf(set)) == 0 {
			continue
		}
		last := h.Events[len(h.Events)-1].At
		of := h.ownedRevision(set)
		if of == nil || h.end-last < h.deadline+whenTouched+time.Second {
			continue
		}
		for i := range int(*set.last().Set.RevisionHistoryLimit) + 1 {
			h.insert(of.first(), last+time.Duration(i+1), func(e *history.Event) {
				e.Change, e.Name, e.UID = history.Added, fmt.Sprint(e.Name, "-more-", i), types.UID(fmt.Sprint(e.UID, "-more-", i))
			})
		}
		h.showController()
		return true
	}
	return false
}

// makeRevisionTooLow gives the revision of a new template the number of an older one.
func makeRevisionTooLow(h *mutableHistory) bool {
	for _, r := range h.shuffled(history.Revisions) {
		set := h.byUID(history.Sets, r.first().Controller())
		if set == nil || r.first().Change != history.Added || len(r.versions) > 1 || set.first().Change != history.Added {
			continue
		}
		named := set.firstWhere(func(e *history.Event) bool { return e.Set.Status.UpdateRevision == r.name })
		older := slices.IndexFunc(h.objects[history.Revisions], func(o *object) bool {
			return o != r && len(o.versions) == 1 && named != nil && o.alive(named.At+time.Second) && h.byUID(history.Sets, o.first().Controller()) == set && o.first().At < r.first().At-3*time.Second && o.first().Revision.Number < r.first().Revision.Number
		})
		if named == nil || older < 0 || named.Generation != named.Set.Status.ObservedGeneration || h.end-named.At < 2*time.Second {
			continue
		}
		r.first().Revision.Number = h.objects[history.Revisions][older].first().Revision.Number
		return true
	}
	return false
}

// removeNewerRevision gives a revision that was removed a number above those of the unused ones that stayed.
func removeNewerRevision(h *mutableHistory) bool {
	for _, r := range h.shuffled(history.Revisions) {
		gone, set := r.removal(), h.byUID(history.Sets, r.first().Controller())
		if gone == nil || gone.Change != history.Deleted || set == nil || !set.alive(gone.At+4*time.Second) || h.end-gone.At < 5*time.Second {
			continue
		}
		stays := slices.ContainsFunc(h.objects[history.Revisions], func(o *object) bool {
			return o != r && h.byUID(history.Sets, o.first().Controller()) == set && o.alive(gone.At+4*time.Second) && o.first().At < gone.At-4*time.Second &&
				o.unchanged(gone.At-4*time.Second, gone.At) && h.unusedRevision(set, o.name, gone.At)
		})
		if !stays {
			continue
		}
		r.change(0, func(e *history.Event) { e.Revision.Number += 100 })
		return true
	}
	return false
}

// unusedRevision reports whether no status and no pod named a revision for some time before and after a moment.
func (h *mutableHistory) unusedRevision(set *object, name string, at time.Duration) bool {
	from, to := at-4*time.Second, at+4*time.Second
	named := func(e *history.Event) bool {
		return e != nil && (e.Set.Status.CurrentRevision == name || e.Set.Status.UpdateRevision == name)
	}
	if named(set.at(from)) || slices.ContainsFunc(set.versions, func(e *history.Event) bool { return e.At > from && e.At < to && named(e) }) {
		return false
	}
	return !slices.ContainsFunc(h.podsOf(set), func(p *object) bool {
		return p.revision() == name && p.first().At < to && (p.removal() == nil || p.removal().At > from)
	})
}
