package judge

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"sort"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Hold returns how long a readiness gate must be held to show that creation halts, given what was recorded so far, and the
// reaction that this rests on; zero reaction means that none was seen, so that no hold would prove anything yet.
func Hold(h *history.History) (hold, reaction time.Duration) {
	reaction = newModel(h).reaction()
	return leastHold(reaction), reaction
}

// reaction is the longest time that a controller took from the last thing it had to wait for to its act, in the whole history.
func (m *model) reaction() time.Duration { return m.reactionUntil(m.h.Duration()) }

// reactionUntil is the same as of a moment. A wait is compared with the reactions seen by its end: how slow the controller became later says
// nothing about it, and could not be known when a spec held a readiness gate.
func (m *model) reactionUntil(at time.Duration) time.Duration {
	i := sort.Search(len(m.reactions), func(i int) bool { return m.reactions[i].at > at })
	if i == 0 {
		return 0
	}
	return m.reactions[i-1].longest
}

// reaction is the time that a controller took for an act, longer than for any act before it.
type reaction struct{ at, longest time.Duration }

func (m *model) allReactions() []reaction {
	var out []reaction
	for _, a := range m.actions {
		if !a.set.ordered() {
			continue
		}
		for _, c := range a.creations {
			if len(c.blocking) == 0 && c.reaction >= 0 {
				out = append(out, reaction{at: c.event.At, longest: atLeastShortest(c.reaction)})
			}
		}
		for _, r := range a.removals {
			if r.outOfRange && len(r.staying)+len(r.lower)+len(r.higher) == 0 {
				out = append(out, reaction{at: r.event.At, longest: atLeastShortest(r.reaction)})
			}
		}
	}
	m.updates(rolling, func(_ *rollout, a *rolloutAction) {
		if a.reaction >= 0 && len(a.waits) == 0 && a.above == nil {
			out = append(out, reaction{at: a.event.At, longest: atLeastShortest(a.reaction)})
		}
	})
	slices.SortFunc(out, func(a, b reaction) int { return cmp.Compare(a.at, b.at) })
	var longest time.Duration
	return slices.DeleteFunc(out, func(r reaction) bool {
		shorter := r.longest <= longest
		longest = max(longest, r.longest)
		return shorter
	})
}

// waitPeriod is an interval in which something blocked the controller.
type waitPeriod struct {
	from, to time.Duration
	pod      *podLife
	role     string // which pod it is in a scale down: one that stays, or one that is to go
}

// checkCreateHalts: while a pod is not Ready nothing after it is created, however long that lasts.
func checkCreateHalts(m *model, res *results) {
	const id = contract.OrderingCreateHalts
	for _, a := range m.actions {
		if !a.set.ordered() {
			continue
		}
		for _, c := range a.creations {
			for _, o := range c.blocking {
				// A missing predecessor is reported by the checks of order.
				if o.pod != nil && o.pod.aliveAt(c.event.Seq) && isHalt(o.since, c.event) {
					res.addBlockingPods(id, a.set, fmt.Sprintf("%s was created at %s, %.1f s into a halt: ", c.pod.name, c.event.Ref(), (c.event.At-o.since).Seconds()),
						c.event, []blockingPod{o})
				}
			}
		}
		for h := range m.creationHolds(a.set) {
			res.exercisedByWaiting(id, h, fmt.Sprintf("%s was not Ready and nothing after it was created", h.pod.name))
		}
	}
}

// exercisedByWaiting counts an interval as a halt if it lasted long enough, as far as it was seen, compared with the reactions seen by its end.
func (res *results) exercisedByWaiting(id contract.ID, h waitPeriod, what string) {
	h.to = res.m.seenUntil(h.from, h.to)
	length, reaction := res.m.halt(h)
	if length == 0 {
		return
	}
	res.exercised(id)
	res.note(id, "%s for %.1f s, %.0f times the longest reaction seen (%.2f s)", what, length.Seconds(), float64(length)/float64(reaction), reaction.Seconds())
}

// halt returns the longest part of an interval, from its beginning on, that lasted long enough compared with the reactions seen by the end of the
// part, and the longest of those; zero if there is none. A slow reaction takes nothing from what a wait had shown before it.
func (m *model) halt(h waitPeriod) (length, longest time.Duration) {
	for to := h.to; to > h.from; {
		i := sort.Search(len(m.reactions), func(i int) bool { return m.reactions[i].at > to })
		if i == 0 {
			return 0, 0
		}
		r := m.reactions[i-1]
		if length = to - h.from; length >= leastHold(r.longest) {
			return length, r.longest
		}
		to = r.at - 1
	}
	return 0, 0
}

// creationHolds lists the intervals in which one pod was not Ready, and the next ordinal was in range and had no pod.
func (m *model) creationHolds(s *setLife) iter.Seq[waitPeriod] {
	return func(yield func(waitPeriod) bool) {
		for _, p := range s.pods {
			// In a large set, most pods are followed by the next at once.
			if p.created == nil || s.life(p.ordinal+1, p.created.Seq) != nil {
				continue
			}
			from := p.created.At
			v := s.latest(deliveredBy(from))
			if v == nil && p.owners[0].set == s && len(s.specs) > 0 { // The set's watch was behind its first pod's.
				v, from = s.specs[0], s.specs[0].At
			}
			if v == nil || !inRange(v, p.ordinal) || !inRange(v, p.ordinal+1) {
				continue
			}
			end := m.h.Duration()
			for _, e := range []*history.Event{p.deleting, firstReady(p), s.releaseOf(p), nextCreated(s, p.ordinal, p.created.Seq), s.deleting} {
				if e != nil {
					end = min(end, e.At)
				}
			}
			known := deliveredBy(from)
			end = s.wantedUntil(p.ordinal+1, known, s.wantedUntil(p.ordinal, known, end))
			// A pod whose name is taken cannot be created.
			if end > from && !m.nameTaken(p.ordinal+1, s, from, end) && !yield(waitPeriod{from: from, to: end, pod: p}) {
				return
			}
		}
	}
}

// wantedUntil returns when after a moment the ordinal first was out of range, or otherwise if that comes first.
func (s *setLife) wantedUntil(n int, from, otherwise time.Duration) time.Duration {
	for _, v := range s.specs[s.specsUntil(from):] {
		if v.At >= otherwise {
			break
		}
		if !inRange(v, n) {
			return v.At
		}
	}
	return otherwise
}

// nameTaken reports whether a pod that is not the set's had the name of that ordinal at some time between the two moments.
func (m *model) nameTaken(ordinal int, s *setLife, from, to time.Duration) bool {
	named := m.podsNamed[fmt.Sprintf("%s-%d", s.name, ordinal)]
	i := sort.Search(len(named), func(i int) bool { return named[i].first().At > to })
	for _, p := range slices.Backward(named[:i]) {
		if p.gone != nil && p.gone.At < from {
			return false
		}
		if p.owners[0].set != s {
			return true
		}
	}
	return false
}

func firstReady(p *podLife) *history.Event {
	if len(p.ready) == 0 {
		return nil
	}
	return p.ready[0].from
}

// nextCreated returns the first creation of the ordinal after n, after that point of the history.
func nextCreated(s *setLife, n, seq int) *history.Event {
	lives := s.byOrdinal[n+1]
	for _, p := range lives[sort.Search(len(lives), func(i int) bool { return lives[i].first().Seq > seq }):] {
		if p.created != nil {
			return p.created
		}
	}
	return nil
}

// checkScaleDownHalts: while a pod that stays is not Ready, no pod is terminated for the scale down, and of the condemned pods that are
// not Ready none but the lowest.
func checkScaleDownHalts(m *model, res *results) {
	const id = contract.OrderingScaleDownHalts
	for _, a := range m.actions {
		if !a.set.ordered() {
			continue
		}
		for _, r := range a.removals {
			if !r.outOfRange || r.startMoved {
				continue
			}
			act := fmt.Sprintf("%s began to terminate for a scale down at %s while the ", r.pod.name, r.event.Ref())
			if len(r.staying) > 0 {
				res.addBlockingPods(id, a.set, act+"staying ", r.event, r.staying)
			}
			if len(r.lower) > 0 {
				res.addBlockingPods(id, a.set, "not Ready itself, "+act+"lower ", r.event, r.lower)
			}
		}
		for _, h := range m.scaleDownHolds(a.set) {
			res.exercisedByWaiting(id, h, fmt.Sprintf("the %s %s was not Ready and no pod was terminated for the scale down", h.role, h.pod.name))
		}
	}
}

// scaleDownHolds lists the intervals after a scale down in which a pod in range, or the highest one out of range and one below it, were not
// Ready, and no pod out of range was terminating.
func (m *model) scaleDownHolds(s *setLife) []waitPeriod {
	var out []waitPeriod
	for i, v := range s.specs {
		if i == 0 || v.Set.Replicas >= s.specs[i-1].Set.Replicas {
			continue
		}
		end := m.h.Duration()
		if i+1 < len(s.specs) {
			end = s.specs[i+1].At
		}
		var condemned []*podLife
		for _, n := range s.ordinals {
			p := s.lifeAt(n, v.At)
			if p == nil || inRange(v, n) {
				continue
			}
			condemned = append(condemned, p)
			if p.deleting != nil {
				end = min(end, p.deleting.At)
			}
		}
		if len(condemned) == 0 || end <= v.At {
			continue
		}
		for _, n := range s.ordinals {
			if p := s.lifeAt(n, v.At); p != nil && inRange(v, n) && p.readyAt(v.At) == nil {
				out = append(out, waitPeriod{from: v.At, to: min(end, p.readyAfter(v.At, end)), pod: p, role: "staying"})
			}
		}
		last := condemned[len(condemned)-1]
		low := slices.IndexFunc(condemned, func(p *podLife) bool { return p.readyAt(v.At) == nil })
		if first := condemned[max(low, 0)]; low >= 0 && first != last && first.ordinal >= int(v.Set.Start) && last.readyAt(v.At) == nil {
			to := min(end, last.readyAfter(v.At, end), first.readyAfter(v.At, end))
			out = append(out, waitPeriod{from: v.At, to: to, pod: first, role: "lower"})
		}
	}
	return out
}

// readyAfter returns when the pod next became Ready after a moment, or otherwise.
func (p *podLife) readyAfter(at, otherwise time.Duration) time.Duration {
	for _, s := range p.ready {
		if s.from.At > at {
			return s.from.At
		}
	}
	return otherwise
}

// lifeAt returns the pod of an ordinal that existed at that moment, or nil.
func (s *setLife) lifeAt(n int, at time.Duration) *podLife {
	lives := s.byOrdinal[n]
	i := sort.Search(len(lives), func(i int) bool { return lives[i].first().At > at })
	if i == 0 || (lives[i-1].gone != nil && lives[i-1].gone.At <= at) {
		return nil
	}
	return lives[i-1]
}
