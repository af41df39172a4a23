package judge

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// actDeadline returns how long something must be missing before this history may accuse anybody of it.
func (m *model) actDeadline() time.Duration {
	if m.reaction() == 0 {
		return unmeasuredActDeadline
	}
	return m.actDeadlineWhenObserved()
}

// actDeadlineWhenObserved is the same where the set's status shows that its controller has seen everything.
func (m *model) actDeadlineWhenObserved() time.Duration {
	return max(MinActDeadline, HoldFactor*m.reaction(), HoldFactor*m.slowestAnswer())
}

// mayTake reports whether the controller may need so long until it has written a status, as this history shows it: it learns of a change with the lag,
// and then needs the time of its acts, or that until a status had observed a change. What took longer than MinActDeadline says that it was away.
func (m *model) mayTake(length time.Duration) bool {
	if length-m.h.Header.Lag <= m.reaction() {
		return true
	}
	return length <= MinActDeadline && slices.ContainsFunc(m.rollouts, func(r *rollout) bool {
		return slices.ContainsFunc(r.set.specs, func(v *history.Event) bool {
			seen := r.observed(v.Generation)
			return seen != nil && length <= seen.At-v.At && seen.At-v.At <= MinActDeadline
		})
	})
}

// slowestAnswer is how long the API server took at most to answer a request of the test: the controller sends several requests for one act, to the
// same server. An answer that took longer than MaxLag was that of a server that was away, and says nothing of how fast it is when it is there.
func (m *model) slowestAnswer() time.Duration {
	var slowest time.Duration
	for i := range m.h.Operations {
		o := &m.h.Operations[i]
		// What is not a request to the API server alone takes the time of a node or a container.
		took := o.ReturnAt - o.At
		if o.Outcome == history.Accepted && o.Result != nil && took <= MaxLag {
			slowest = max(slowest, took)
		}
	}
	return slowest
}

// laggingStatusDeadline is how long a status may equal an earlier state of the pods before it counts as never updated.
func (m *model) laggingStatusDeadline() time.Duration {
	return max(m.actDeadline(), laggingStatusFactor*m.h.Header.Lag)
}

// promptly reports whether an act came so soon after an event that the event explains it.
func promptly(cause, act *history.Event) bool { return act.At-cause.At <= MinActDeadline }

// collectOverdue is how long the garbage collector may take, on top of what the controller may.
func (m *model) collectOverdue() time.Duration { return m.actDeadline() + garbageCollectionDelay }

// couldShow reports whether an act at a moment, which had something in its way for so long, or that it did not come for so long up to then,
// shows that the controller waited: it reacts faster than that.
func (m *model) couldShow(blocked, at time.Duration) bool {
	reaction := m.reactionUntil(at)
	return reaction > 0 && blocked > reaction
}

// beforeReturn is the moment up to which signs of life count against a state that an event ended at a moment: later ones may belong to the same
// round of syncs as that event, the first of a controller that was away.
func (m *model) beforeReturn(end time.Duration) time.Duration { return end - m.h.Header.Lag }

// MayNeedSync returns why, in a namespace in which something is due since a moment and was not done to the end of a history, the controller may need a
// change of the set, or more time, before it does it; "" if nothing excuses that it waits.
//
// After syncs that failed, since a name was taken for example, a set is tried again with a back-off that doubles: it lasts no longer than the set had
// been failing for before, and no set fails before it exists; but each sync that an event brought meanwhile, and that failed too, doubles it once more. The
// end of a claim has no set synced.
func MayNeedSync(h *history.History, since time.Duration) string {
	m := newModel(h)
	for _, s := range m.sets {
		if len(s.events) == 0 || s.events[0].At > since || s.deleting != nil {
			continue
		}
		failing, doubled := m.mayFail(s, since)
		if h.Duration()-since <= failing<<doubled {
			return fmt.Sprintf("%s may still be in the back-off of syncs that failed before", s.name)
		}
		warms := func(v *history.Event) bool { return v.Set.MinReadySeconds > 0 }
		if slices.ContainsFunc(s.specs, warms) && !m.atLeast("1.36", false) {
			return fmt.Sprintf("the controller is of a version of which nobody has looked whether it comes back by itself once a pod of %s has been Ready for minReadySeconds", s.name)
		}
	}
	for _, c := range m.claims {
		if c.deleting != nil || c.gone != nil {
			return fmt.Sprintf("claim %s was deleted, which has no set synced", c.name)
		}
	}
	return ""
}

// signsUntil is the moment up to which signs of life count against a state that lasted until then, or to the end of the history where that is 0.
func (m *model) signsUntil(until time.Duration) time.Duration {
	if end := m.h.Duration(); until == 0 || until >= end {
		return end
	}
	return m.beforeReturn(until)
}

// workedOn reports whether the controller must have synced a set between the two moments: it acted for the set itself, or it acted for
// another one after something that triggers a sync of this one. Acts for others alone show nothing of it: after a failed sync (a quota, a
// webhook) a set waits in the workqueue's back-off, for minutes in the end, unless one of its events has it synced at once.
func (m *model) workedOn(s *setLife, after, until time.Duration) bool {
	if lastOf(s.acts, until) > after {
		return true
	}
	trigger := s.firstTrigger(after)
	return trigger != nil && m.mustHaveSeen(trigger.At, lastOf(m.controllerActs, until))
}

// firstTrigger returns the first event after a moment that has the controller sync the set: one of the set, or of a pod that it controls.
func (s *setLife) firstTrigger(after time.Duration) *history.Event {
	i := sort.Search(len(s.triggers), func(i int) bool { return s.triggers[i].At > after })
	if i == len(s.triggers) {
		return nil
	}
	return s.triggers[i]
}

// findTriggers lists, for each set, the events that have its controller sync it, by time.
func (m *model) findTriggers() {
	for _, s := range m.sets {
		s.triggers = slices.Clone(s.events)
		for _, p := range s.pods {
			for _, e := range p.events {
				if p.ownerAt(e.Seq).set == s {
					s.triggers = append(s.triggers, e)
				}
			}
		}
		slices.SortStableFunc(s.triggers, func(a, b *history.Event) int { return cmp.Compare(a.At, b.At) })
	}
}

// lastOf returns the last of some moments, which are sorted, up to one; -1 if there is none.
func lastOf(moments []time.Duration, until time.Duration) time.Duration {
	i := sort.Search(len(moments), func(i int) bool { return moments[i] > until })
	if i == 0 {
		return -1
	}
	return moments[i-1]
}

// findControllerActs lists, for each set and for all together, when the controller did something that only it does: it changed the status of
// a set, or created a pod of one.
func (m *model) findControllerActs() {
	for _, s := range m.sets {
		for i := 1; i < len(s.events); i++ {
			if e := s.events[i]; e.Set.Status != s.events[i-1].Set.Status && !m.madeByTest(e) {
				s.acts = append(s.acts, e.At)
			}
		}
	}
	for _, p := range m.pods {
		if s := p.owners[0].set; s != nil && p.created != nil {
			s.acts = append(s.acts, p.created.At)
		}
	}
	for _, s := range m.sets {
		slices.Sort(s.acts)
		m.controllerActs = append(m.controllerActs, s.acts...)
	}
	slices.Sort(m.controllerActs)
}

// frontier is the lowest ordinal that an ordered set had no available pod of at the end of a complete recording; all below were available
// since that moment. For a Parallel set it is the first ordinal that a claim blocks, or the end of the range.
type frontier struct {
	ordinal int
	since   time.Duration
}

// frontierOf returns the set's frontier, or false if the set was deleted, Recreate keeps its controller from more than deletions, or the recording is
// not complete.
func (m *model) frontierOf(s *setLife) (frontier, bool) {
	if !m.complete() || s.deleting != nil || len(s.specs) == 0 {
		return frontier{}, false
	}
	v := s.specs[len(s.specs)-1]
	since, gone := m.rollouts[s.nr].oldGone(v, m.h.Duration())
	f := m.frontierAt(s, v, m.h.Duration())
	f.since = max(f.since, since)
	return f, gone
}

// frontierAt returns the frontier that the set had at a moment, under the version v that was current then.
func (m *model) frontierAt(s *setLife, v *history.Event, at time.Duration) frontier {
	end := int(v.Set.Start + v.Set.Replicas)
	if s.ordered() {
		return s.orderedFrontier(v, at, end)
	}
	f := frontier{ordinal: m.firstBlockedOrdinal(s, min(end, s.ordinals.end()), at), since: v.At}
	if f.ordinal == s.ordinals.end() {
		f.ordinal = end
	}
	return f
}

// orderedFrontier is the same for an ordered set, of whose pods only those below an ordinal are looked at.
func (s *setLife) orderedFrontier(v *history.Event, at time.Duration, below int) frontier {
	f := frontier{ordinal: int(v.Set.Start), since: v.At}
	for ; f.ordinal < below; f.ordinal++ {
		p := s.lifeAt(f.ordinal, at)
		if p == nil || p.ownerBy(at) != s {
			break
		}
		ready := p.readyAt(at)
		if ready == nil {
			break
		}
		f.since = max(f.since, ready.from.At+minReady(v))
	}
	return f
}

// stretch is an interval in which the controller had to do something.
type stretch struct{ since, until time.Duration }

// claimsDue returns a stretch, under one of the versions of the set from that index on and no later than until, in which the controller had
// to bring the ownerReferences of an ordinal's claims into line with the retention policy, and long enough that it must have done so; nil if
// there is none. It does so in every sync that gets as far as that pod. A stretch that shows it at work comes before others.
func (m *model) claimsDue(s *setLife, ordinal, spec int, until time.Duration) *stretch {
	var out *stretch
	for i := spec; i < len(s.specs) && s.specs[i].At < until; i++ {
		end := until
		if i+1 < len(s.specs) {
			end = min(end, s.specs[i+1].At)
		}
		for _, until := range s.endsOfReadiness(s.specs[i].At, end) {
			d := m.claimsReached(s, ordinal, s.specs[i], until)
			if d == nil || d.until-d.since <= m.actDeadline() {
				continue
			}
			if m.workedOn(s, d.since+m.actDeadline(), m.signsUntil(d.until)) {
				return d
			}
			out = d
		}
	}
	return out
}

// endsOfReadiness returns the moments between two at which a pod of the set was lost or no longer Ready, which ends what the controller could do for the pods
// after it, and the second of the two.
func (s *setLife) endsOfReadiness(from, to time.Duration) []time.Duration {
	out := []time.Duration{to}
	for _, p := range s.pods {
		for _, r := range p.ready {
			if r.to != nil && r.to.At > from && r.to.At < to {
				out = append(out, r.to.At)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// claimsReached returns the stretch before a moment, under the version v, in which a sync got as far as the claims of an ordinal's pod, or nil.
func (m *model) claimsReached(s *setLife, ordinal int, v *history.Event, until time.Duration) *stretch {
	p := s.lifeAt(ordinal, until-1)
	if p == nil || p.ownerBy(until-1) != s || !inRange(v, ordinal) {
		return nil
	}
	if p.deleting != nil {
		until = min(until, p.deleting.At)
	}
	f := s.orderedFrontier(v, until-1, ordinal+1)
	if !s.ordered() {
		f = m.frontierAt(s, v, until-1)
	}
	since, gone := m.rollouts[s.nr].oldGone(v, until-1)
	if ordinal >= f.ordinal || !gone {
		return nil
	}
	return &stretch{since: max(f.since, p.first().At, since), until: until}
}

// unfilledFor returns for how long, at the end, an ordinal in range had no pod or a finished one, with nothing to block its creation.
func (m *model) unfilledFor(s *setLife, n int, f frontier) time.Duration {
	v, lives := s.specs[len(s.specs)-1], s.byOrdinal[n]
	if n > f.ordinal || !inRange(v, n) {
		return 0
	}
	since, p := f.since, lives[len(lives)-1]
	named := m.podsNamed[p.name]
	switch other := named[len(named)-1]; {
	case p.gone == nil && p.owner() == s && p.finished != nil && p.deleting == nil:
		since = max(since, p.finished.At)
	case p.gone == nil, other.gone == nil:
		return 0
	default:
		free, ok := m.creatableSince(s, p.name, p.releasedBy(s), other.gone.At)
		if !ok {
			return 0
		}
		since = max(since, free)
	}
	return max(0, m.h.Duration()-since)
}

func (p *podLife) releasedBy(s *setLife) bool { return p.owner() != s && s.releaseOf(p) != nil }

// firstTouchAfter returns the first version of the set that surely came after that moment on another watch, or nil.
func (s *setLife) firstTouchAfter(after time.Duration) *history.Event {
	i := s.versionsUntil(deliveredBy(after))
	if i == len(s.events) {
		return nil
	}
	return s.events[i]
}

// creatableSince returns from when on the controller had to create a pod of a name that was free, or false if it did not have to by the end:
// it waits for claims that are terminating or have an ownerReference to an earlier pod of that name, and neither the removal of a claim nor
// that of a released pod (needsSync) triggers a sync, only the next change of the set does. What the API server refuses it cannot create.
func (m *model) creatableSince(s *setLife, pod string, needsSync bool, free time.Duration) (time.Duration, bool) {
	free, tried := m.triedAgain(s, free)
	if !tried {
		return 0, false
	}
	for _, t := range s.claimTemplates() {
		lives := m.claimsNamed[t+"-"+pod]
		if len(lives) == 0 {
			continue
		}
		switch c := lives[len(lives)-1]; {
		case c.gone != nil && by(c.gone, free) != yes:
			free, needsSync = max(free, c.gone.At), true
		case c.gone == nil && (c.deleting != nil || ownerNamed(c.last(), "Pod", pod) != ""):
			return 0, false
		}
	}
	if !needsSync {
		return free, true
	}
	touched := s.firstTouchAfter(free)
	if touched == nil {
		return 0, false
	}
	return touched.At, true
}

// pausedTooLong reports whether the writes of a database paused for longer than they may while a majority was Ready.
func pausedTooLong(d time.Duration) bool { return d > longestPause }

// returnOverdue reports whether a member that has been Ready for so long must have its data back.
func (m *model) returnOverdue(d time.Duration) bool { return d > longestReturn }

// keepsEnding reports whether the pod's own container was started again and again and never was Ready, and ended by itself: no signal ended it.
func (m *model) keepsEnding(p *podLife) bool {
	code := p.exitCode()
	return len(p.ready) == 0 && p.last().Pod.Restarts() >= endedOften && code > 0 && code < signalled
}

// mayNotUndo reports whether the controller has undone its own creations so often that no stale informer cache explains it.
func mayNotUndo(times int) bool { return times >= undoneOften }

// signalled is the least exit code that tells of a signal.
const signalled = 128

// searchLimit bounds the search for the order of operations on one key.
func searchLimit() time.Duration { return longestSearch }
