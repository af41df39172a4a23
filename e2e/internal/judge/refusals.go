package judge

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// triedAgain returns from when on, no earlier than a moment, the controller had to create what the set lacks although it had reported, since then, that
// a creation of the set failed: a quota, an admission webhook or the template stood in its way. The next sync shows whether it still does, by a pod or by
// another report: it comes with the next change of the set or of one of its pods, or after the back-off of the workqueue. It returns false where no sync
// had to come by the end, or where the controller reported so much that its event recorder may have dropped the rest.
func (m *model) triedAgain(s *setLife, since time.Duration) (time.Duration, bool) {
	refused := lastOf(m.refusals[s.name], m.h.Duration())
	if refused < 0 || refused < m.visibleFrom(since) {
		return since, true
	}
	for _, p := range s.pods {
		if p.created != nil && p.created.At > refused && p.owners[0].set == s {
			return max(since, p.created.At), true
		}
	}
	reports, failures := m.reportsOf(s)
	if mayDropReports(reports) {
		return 0, false
	}
	next := refused + longestBackoff(failures)
	if trigger := s.firstTrigger(deliveredBy(refused)); trigger != nil {
		next = min(next, trigger.At)
	}
	return max(since, next), next < m.h.Duration()
}

// unreported says why what an accusation calls not refused may have been refused without a report, "" where a report would have been recorded.
func (m *model) unreported(c *evidence) string {
	if c.set == nil || !slices.Contains(c.also, history.Events) {
		return ""
	}
	reports, _ := m.reportsOf(c.set)
	if !mayDropReports(reports) {
		return ""
	}
	return fmt.Sprintf("; but the controller had reported %d times about the set %s, and its event recorder may have dropped a report that the API server refused it", reports, c.set.name)
}

// reportsOf counts what the controller reported of a set, and the creations that failed among it.
func (m *model) reportsOf(s *setLife) (reports, failures int) {
	counts := map[types.UID]int{}
	for _, e := range m.h.Events {
		r := e.Report
		if r == nil || r.Kind != "StatefulSet" || r.Reporter != history.StatefulSetController || r.Object != s.name {
			continue
		}
		more := max(counts[e.UID], int(r.Count), 1) - counts[e.UID]
		counts[e.UID] += more
		reports += more
		if e.FailureReport() != "" {
			failures += more
		}
	}
	return reports, failures
}

// refused reports whether the set lacks a pod at the end and need not have got it, since creations were refused.
func (m *model) refused(s *setLife, since time.Duration) bool {
	_, tried := m.triedAgain(s, since)
	v := s.specs[len(s.specs)-1]
	for n := v.Set.Start; !tried && n < v.Set.Start+v.Set.Replicas; n++ {
		if lives := s.byOrdinal[int(n)]; len(lives) == 0 || lives[len(lives)-1].gone != nil {
			return true
		}
	}
	return false
}
