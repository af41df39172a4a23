package judge

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// brokenAssumption says which assumption (see doc.go) the recording shows to be broken, "" if none: an object that the test created was
// seen before the operation was recorded.
func brokenAssumption(h *history.History) string {
	first := map[types.UID]*history.Event{}
	for _, e := range h.Events {
		if first[e.UID] == nil {
			first[e.UID] = e
		}
	}
	for _, o := range h.Operations {
		if o.Verb != history.VerbCreate || o.Result == nil {
			continue
		}
		if e := first[o.Result.UID]; e != nil && e.Seq < o.Seq {
			return fmt.Sprintf("the operation %q at %s was recorded after its effect (%s)", o.Text, history.Clock(o.At), e.Ref())
		}
	}
	return ""
}

// distrust makes every violation inconclusive, because of what is wrong with the recording.
func (res *results) distrust(why string) {
	for _, r := range res.byID {
		r.distrust("; but the recording breaks an assumption of the judges: " + why)
	}
}

func (r *Result) distrust(why string) {
	for _, f := range r.Violations {
		f.Text += why
		r.Inconclusive = append(r.Inconclusive, f)
	}
	r.Violations = nil
}

// leastResponse is the shortest time that the controller took to show in a set's status that it had seen a change of its spec; ok is false
// where the history shows none. What it shows has passed the controller's informer cache and its own writes.
func (m *model) leastResponse() (least time.Duration, ok bool) {
	for _, s := range m.sets {
		for _, v := range s.specs {
			if v.Change == history.Listed || v.Set.Status.ObservedGeneration >= v.Generation {
				continue
			}
			i := slices.IndexFunc(s.events, func(e *history.Event) bool {
				return e.Seq > v.Seq && e.UID == v.UID && e.Set.Status.ObservedGeneration >= v.Generation
			})
			if i < 0 {
				continue
			}
			if took := s.events[i].At - v.At; !ok || took < least {
				least, ok = took, true
			}
		}
	}
	return least, ok
}

// distrustOldView makes violations inconclusive that rest on the bound of the controller's lag, where the controller was never seen to keep it.
func (res *results) distrustOldView() {
	least, ok := res.m.leastResponse()
	beyond, bound := res.m.olderView(least)
	if !ok || beyond == 0 {
		return
	}
	why := fmt.Sprintf("; but the controller never took less than %.1f s to show that it had seen a change of a set, more than the %v that its informer caches may be behind: "+
		"find out what slows it down, or allow for more with LIMITS=controller-lag=", least.Seconds(), bound)
	for id, r := range res.byID {
		if slices.Contains([]string{"ordering", "termination", "update", "lifecycle"}, id.Family()) {
			r.distrust(why)
		}
	}
}
