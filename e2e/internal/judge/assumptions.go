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

// Responses returns the times that the StatefulSet controller took to show in a set's status (observedGeneration) that it had seen a change of
// its spec, in no particular order. What is shown has passed the controller's informer cache and its own writes, so that each is a bound on how
// far that cache was behind.
func Responses(h *history.History) []time.Duration {
	var out []time.Duration
	type awaited struct {
		generation int64
		since      time.Duration
	}
	waiting := map[types.UID][]awaited{}
	newest := map[types.UID]int64{}
	for _, e := range h.Events {
		if e.Resource != history.Sets {
			continue
		}
		observed := e.Set.Status.ObservedGeneration
		waiting[e.UID] = slices.DeleteFunc(waiting[e.UID], func(w awaited) bool {
			if observed < w.generation {
				return false
			}
			out = append(out, e.At-w.since)
			return true
		})
		if e.Generation > newest[e.UID] && e.Change != history.Listed && observed < e.Generation {
			waiting[e.UID] = append(waiting[e.UID], awaited{e.Generation, e.At})
		}
		newest[e.UID] = max(newest[e.UID], e.Generation)
	}
	return out
}

// distrustOldView makes violations inconclusive that rest on the bound of the controller's lag, where the controller was never seen to keep it.
func (res *results) distrustOldView() {
	responses := Responses(res.m.h)
	if len(responses) == 0 {
		return
	}
	least := slices.Min(responses)
	beyond, bound := res.m.olderView(least)
	if beyond == 0 {
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
