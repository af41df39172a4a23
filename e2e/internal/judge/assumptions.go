package judge

import (
	"cmp"
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

// Responses returns the times that the StatefulSet controller took to show that it had seen a change of a set's spec, in the order in which it did: in the
// set's status (observedGeneration), or by the creation of a pod that the set had not asked for before. What is shown has passed the controller's informer
// cache and its own writes, so that each is a bound on how far that cache was behind.
func Responses(h *history.History) []time.Duration {
	var out []time.Duration
	for _, r := range responsesOf(h) {
		out = append(out, r.took())
	}
	return out
}

// response is one change of a set's spec, from its first event to the first that shows it to have been seen.
type response struct {
	set          types.UID
	since, shown time.Duration
}

func (r *response) took() time.Duration { return r.shown - r.since }

// awaitedResponse is a change of a set's spec, from one version to another, that nothing has shown to be seen; before is nil for a new set.
type awaitedResponse struct{ before, after *history.Event }

// shownBy reports whether an event of the set or of one of its pods shows that the controller had seen the change.
func (w *awaitedResponse) shownBy(e *history.Event) bool {
	if e.Resource == history.Sets {
		return e.Set.Status.ObservedGeneration >= w.after.Generation
	}
	n := history.Ordinal(e.Name)
	return e.Change == history.Added && inRange(w.after, n) && (w.before == nil || !inRange(w.before, n))
}

// responsesOf returns all responses, in the order of shown.
func responsesOf(h *history.History) []response {
	var out []response
	waiting, newest := map[types.UID][]awaitedResponse{}, map[types.UID]*history.Event{}
	for _, e := range h.Events {
		set := e.UID
		switch c := e.Controller(); {
		case e.Resource == history.Pods && c != nil:
			set = c.UID
		case e.Resource != history.Sets:
			continue
		}
		waiting[set] = slices.DeleteFunc(waiting[set], func(w awaitedResponse) bool {
			if !w.shownBy(e) {
				return false
			}
			out = append(out, response{set: set, since: w.after.At, shown: e.At})
			return true
		})
		if e.Resource == history.Pods {
			continue
		}
		last := newest[set]
		if last != nil && e.Generation <= last.Generation {
			continue
		}
		newest[set] = e
		if e.Change != history.Listed && e.Set.Status.ObservedGeneration < e.Generation {
			waiting[set] = append(waiting[set], awaitedResponse{last, e})
		}
	}
	return out
}

// oldView says why an accusation of a controller may rest on the bound of its lag alone, "" if it does not: the responses around the act show that the
// StatefulSet controller's view was older than that, and what speaks against the act is no older than they show the view to be. The other controllers, whose
// acts belong to no set, run in its process, and their informer caches are filled through the same connection.
func (m *model) oldView(c *evidence, act time.Duration) string {
	if c.anyAuthor || len(c.clients) > 0 {
		return ""
	}
	r, around := m.responseAround(c.set, act)
	if r == nil {
		return ""
	}
	beyond, bound := m.olderView(r.took())
	age := max(act, c.until) - c.since // 0 where the act was wrong in itself
	if beyond == 0 || age == 0 || age > oldestView(r.took(), around) {
		return ""
	}
	return fmt.Sprintf("; but the controller took %.1f s then, from %s, to show that it had seen a change of a set, more than the %v that its informer caches may be behind: "+
		"find out what slows it down, or allow for more with LIMITS=controller-lag=", r.took().Seconds(), history.Clock(r.since), bound)
}

// responseAround returns the response that tells how old the controller's view was at a moment, and whether it was under way then; nil if none was seen: the
// slowest of the set, if there is one, that was under way then, else the quickest of any other set, else the quickest of the whole recording: one that ended
// long before shows nothing of that moment.
func (m *model) responseAround(s *setLife, at time.Duration) (r *response, around bool) {
	var own, other, quickest *response
	for i := range m.responses {
		r := &m.responses[i]
		if quickest == nil || r.took() < quickest.took() {
			quickest = r
		}
		switch {
		case at > r.shown || at < r.since:
		case s != nil && r.set == s.uid:
			if own == nil || r.took() > own.took() {
				own = r
			}
		case other == nil || r.took() < other.took():
			other = r
		}
	}
	return cmp.Or(own, other, quickest), own != nil || other != nil
}
