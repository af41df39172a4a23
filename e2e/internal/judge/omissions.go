package judge

import (
	"slices"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Nothing may be held against a controller that it did not do while it was away: one that restarts, waits for its lease or has lost its API
// server is away for longer than any deadline. So an omission counts only if the controller was seen at work for the set after the deadline.

// notDone records that a set's controller did not do by dueBy what it had to: a violation where it was seen at work after that, up to
// c.until, else inconclusive. A sync that was refused a pod or a claim ends there, and the next may be minutes away.
func (res *results) notDone(id contract.ID, c evidence, dueBy time.Duration) {
	if c.set != nil {
		if c.set.adoptedWithoutVolumes(c.since) {
			res.excuse(id, OtherCause)
			return
		}
		from, tried := res.m.triedAgain(c.set, c.since)
		if !tried {
			c.text += ", but a creation of the set had been refused meanwhile, and nothing shows that its controller has tried again"
			res.inconclusive(id, c)
			return
		}
		dueBy += from - c.since
	}
	res.omitted(id, c, false, res.m.workedOn(c.set, dueBy, res.m.signsUntil(c.until)))
}

// adoptedWithoutVolumes reports whether after a moment the set controlled a pod that it had adopted and that lacks the volumes of its claim templates. They
// cannot be added to a pod, so that each sync fails there, and what comes after it waits for as long as that pod is there.
func (s *setLife) adoptedWithoutVolumes(after time.Duration) bool {
	return slices.ContainsFunc(s.pods, func(p *podLife) bool {
		return len(p.owners) > 1 && (p.gone == nil || p.gone.At > after) && p.owner() == s && slices.ContainsFunc(s.claimTemplates(), func(t string) bool { return p.last().Pod.Claims[t] == "" })
	})
}

// notCollected is notDone for what the garbage collector does, or the endpoint slice controller. They run in one process with the StatefulSet
// controller, so that any act of that shows that they were there; but of a process that was started again one may act before the other does.
func (res *results) notCollected(id contract.ID, c evidence, dueBy time.Duration) {
	res.omitted(id, c, true, lastOf(res.m.controllerActs, res.m.signsUntil(c.until)) > dueBy)
}

func (res *results) omitted(id contract.ID, c evidence, byOthers, atWork bool) {
	c.anyAuthor = true
	if atWork {
		res.broken(id, c)
		return
	}
	if f := res.finding(id, c); res.m.doubt(&c, f.At) == "" {
		res.omissions = append(res.omissions, Omission{Finding: f, Since: c.since, ByOthers: byOthers})
	}
	c.text += ", but nothing shows that the controller was at work"
	res.inconclusive(id, c)
}

// Omission is something that a controller has not done to the end of a history, and that breaks a guarantee if it is at work.
type Omission struct {
	Finding
	// Since is the moment since which it is due.
	Since time.Duration
	// ByOthers says that it is the garbage collector or the endpoint slice controller that has not done it, and not the StatefulSet controller.
	ByOthers bool
}

// Omissions returns what was not done in a history, so far, and would break a guarantee if the controller was seen at work for that set now.
func Omissions(h *history.History) []Omission { return judged(h).omissions }

// mayFail returns for how long the syncs of a set may have failed before a moment, and how many of them events may have brought: those since the first sign
// that one failed, which is a report of the controller or a pod that has a name of the set's and is not the set's.
func (m *model) mayFail(s *setLife, until time.Duration) (length time.Duration, events int) {
	first := until
	for _, at := range m.refusals[s.name] {
		first = min(first, at)
	}
	for _, p := range m.strays {
		if s.names(p) {
			first = min(first, p.first().At)
		}
	}
	for _, e := range s.triggers {
		if e.At >= first && e.At < until {
			events++
		}
	}
	return until - s.events[0].At, min(events, mostDoubled)
}

// mostDoubled bounds how often a back-off is doubled: it begins with 5 ms and ends at 1,000 s (workqueue.DefaultTypedControllerRateLimiter).
const mostDoubled = 18
