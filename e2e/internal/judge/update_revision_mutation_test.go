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
