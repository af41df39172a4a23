package judge

import (
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func orderingChecks() []check {
	return []check{
		{ids: []contract.ID{contract.OrderingCreate}, run: creationsOf(initial, contract.OrderingCreate)},
		{ids: []contract.ID{contract.OrderingScaleUp}, run: creationsOf(scaleUp, contract.OrderingScaleUp)},
		{ids: []contract.ID{contract.OrderingHeals}, run: checkHeals},
		{ids: []contract.ID{contract.OrderingCreateHalts}, run: checkCreateHalts},
		{ids: []contract.ID{contract.OrderingScaleDown}, run: checkScaleDown},
		{ids: []contract.ID{contract.OrderingScaleDownHalts}, run: checkScaleDownHalts},
		{ids: []contract.ID{contract.OrderingMinReady}, run: checkMinReady},
		{ids: []contract.ID{contract.OrderingScaleDownMinReady}, run: checkScaleDownMinReady},
		{ids: []contract.ID{contract.OrderingParallel}, run: checkParallel},
		{ids: []contract.ID{contract.OrderingChangeOfMind}, run: checkChangeOfMind},
		{ids: []contract.ID{contract.OrderingCreateCompletes, contract.OrderingScaleDownCompletes}, run: checkCompletion},
	}
}

// creationsOf judges every creation that was for one reason: all lower ordinals must be Ready.
func creationsOf(c creationReason, id contract.ID) func(*model, *results) {
	return func(m *model, res *results) {
		for _, a := range m.actions {
			if !a.set.ordered() {
				continue
			}
			for _, cr := range a.creations {
				switch {
				case cr.reason != c:
				case !cr.first:
					res.creation(id, a.set, cr)
				case cr.lenient:
					res.excuse(id, OlderSpec)
				}
			}
		}
	}
}

// creation judges one creation.
func (res *results) creation(id contract.ID, s *setLife, c creation) {
	act := fmt.Sprintf("%s was created at %s while ", c.pod.name, c.event.Ref())
	res.addBlockingPods(id, s, act, c.event, c.blocking)
	if len(c.blocking) == 0 && c.lenient {
		res.excuse(id, OlderSpec)
	} else if len(c.blocking) == 0 && c.freeFrom >= 0 && res.m.couldShow(c.lowerReady-c.freeFrom, c.event.At) {
		res.exercised(id)
	}
}

// addBlockingPods turns the pods that an act should have waited for into findings, one for each.
func (res *results) addBlockingPods(id contract.ID, s *setLife, act string, e *history.Event, found []blockingPod) {
	for _, o := range found {
		c := evidence{
			set: s, text: fmt.Sprintf("%s%s-%d %s", act, s.name, o.ordinal, o.why), since: o.since,
		}
		if o.pod != nil {
			c.events = append(c.events, o.pod.at(e.Seq))
		}
		c.events = append(c.events, e)
		switch o.knowledge {
		case violation:
			res.broken(id, c)
		case unknownToController:
			res.inconclusive(id, c)
		case allowedStale:
			res.excuse(id, CacheLag)
		}
	}
}

// checkHeals: when several pods are missing, the lower one is made again first.
func checkHeals(m *model, res *results) {
	for _, a := range m.actions {
		if !a.set.ordered() {
			continue
		}
		for _, c := range a.creations {
			if c.reason == replaced && !c.first && (len(c.blocking) > 0 || c.afterLower) {
				res.creation(contract.OrderingHeals, a.set, c)
			}
		}
	}
}

// checkScaleDown: condemned pods go highest first, each only after the next higher condemned one is completely gone.
func checkScaleDown(m *model, res *results) {
	m.removalsInOrder(res, contract.OrderingScaleDown, func(*setLife, removal) bool { return true })
}

func (m *model) removalsInOrder(res *results, id contract.ID, applies func(*setLife, removal) bool) {
	for _, a := range m.actions {
		if !a.set.ordered() {
			continue
		}
		for _, r := range a.removals {
			if r.mayRoll && id == contract.OrderingScaleDown {
				res.excuse(id, OtherCause)
			}
			if !r.outOfRange || r.belowStart || r.startMoved || !applies(a.set, r) {
				continue
			}
			res.countRemoval(id, r)
			for _, h := range r.higher {
				c := evidence{
					set: a.set, since: h.first().At, events: []*history.Event{h.at(r.event.Seq), r.event},
					text: fmt.Sprintf("%s began to terminate at %s while the higher %s still existed (%s)", r.pod.name, r.event.Ref(), h.name, goneRef(h)),
				}
				if h.deleting != nil && h.deleting.Seq < r.event.Seq {
					c.since = h.deleting.At
				}
				res.broken(id, c)
			}
		}
	}
}

// countRemoval counts a removal that waited for all higher condemned pods, or for all that its controller need have known, where another order
// was possible.
func (res *results) countRemoval(id contract.ID, r removal) {
	switch {
	case len(r.higher) > 0:
	case r.lenient:
		res.excuse(id, OlderSpec)
	case r.unseen > 0:
		res.excuse(id, CacheLag)
	case r.choice || res.m.couldShow(r.blocked, r.event.At):
		res.exercised(id)
	}
}

func goneRef(p *podLife) string {
	if p.gone == nil {
		return "not gone to the end of the recording"
	}
	return "gone at " + p.gone.Aside()
}

// checkMinReady: with minReadySeconds all lower pods have been Ready for that long before the next pod is created.
// Timestamps have a resolution of one second and come from different clocks, hence the allowance.
func checkMinReady(m *model, res *results) {
	const id = contract.OrderingMinReady
	for _, a := range m.actions {
		if !a.set.ordered() {
			continue
		}
		for _, c := range a.creations {
			need := m.cacheAt(a.set, c.event).leastMinReady()
			if need == 0 || len(c.blocking) > 0 || c.first {
				continue
			}
			held := readyHold{need: need, ready: c.lowerReady, free: c.freeFrom}
			held.replacing = c.pod.predecessorIncarnation != nil
			w := m.leastReady(a.set.readyPods(c.lowest, c.pod.ordinal, c.event.Seq), c.event, c.event.CreationTimestamp.Time)
			res.minReady(id, a.set, c.event, w, held, fmt.Sprintf("%s was created at %s when %%s", c.pod.name, c.event.Ref()))
		}
	}
}

// minReady checks one act that has to wait until pods have been Ready for a time: w is the one of them that had been Ready for the shortest. text says
// what the act was, with a place for the pod's name.
func (res *results) minReady(id contract.ID, s *setLife, act *history.Event, w readyTime, held readyHold, text string) {
	switch m := res.m; {
	case w.pod == nil:
	case w.elapsed < m.leastElapsed(held.need):
		seen := w.pod.at(act.Seq)
		res.broken(id, evidence{
			set: s, since: seen.At, events: []*history.Event{seen, act},
			text: fmt.Sprintf(text+" had been Ready for %v of the %v that minReadySeconds asks for", w.pod.name, w.elapsed, held.need),
		})
	case w.strict < m.leastElapsed(held.need):
		res.excuse(id, CacheLag)
	case held.free < 0: // something unknown may have been in its way
	case m.couldShow(held.length(), act.At), !held.replacing && m.heldKnowing(s, w.pod, held.since(), act):
		res.exercised(id)
	}
}

// readyHold is the wait of an act until pods have been Ready for a time: the last of them since a moment, where the act was free otherwise from another
// one on, -1 if that is not known. replacing says that the act is to replace a pod, of whose end no status tells.
type readyHold struct {
	need, ready, free time.Duration
	replacing         bool
}

// since is the moment from which on nothing but that time was in the way of the act, and length for how long it was.
func (h readyHold) since() time.Duration  { return max(h.free, h.ready) }
func (h readyHold) length() time.Duration { return h.ready + h.need - h.since() }

// heldKnowing reports whether the controller knew that a pod was Ready, and all that was asked of its set by a moment, and did not act all the same, as
// a status shows that it wrote between that moment and the act: a sync acts first, and writes what it has counted in its view of the pods at last
// (updateStatefulSet and performUpdate in stateful_set_control.go). That holds however slow the controller is.
func (m *model) heldKnowing(s *setLife, p *podLife, since time.Duration, act *history.Event) bool {
	generation := s.specAt(since).Generation
	for i, e := range s.events {
		st := e.Set.Status
		if i == 0 || e.At < since || before(e, act) != yes || st == s.events[i-1].Set.Status || st.ObservedGeneration < generation {
			continue
		}
		others := int32(0)
		for _, o := range s.pods {
			if o != p && o.readyDuring(m.visibleFrom(e.At), deliveredBy(e.At)) {
				others++
			}
		}
		if st.Ready > others {
			return true
		}
	}
	return false
}

// readyTime is for how long a pod had been Ready at an act: in the view of it within the lag that is the most favourable, and strictly as it
// was then.
type readyTime struct {
	pod             *podLife
	elapsed, strict time.Duration
}

// leastReady returns, of several pods, the one that had been Ready for the shortest time by the time of an act, and that time. The pod is nil
// where none had been Ready.
func (m *model) leastReady(pods []*podLife, act *history.Event, when time.Time) (least readyTime) {
	for _, p := range pods {
		elapsed, strict, ok := m.readyFor(p, act, when)
		switch {
		case !ok:
		case least.pod == nil:
			least = readyTime{p, elapsed, strict}
		case elapsed < least.elapsed:
			least.pod, least.elapsed, least.strict = p, elapsed, min(strict, least.strict)
		default:
			least.strict = min(strict, least.strict)
		}
	}
	return least
}

// readyFor returns for how long the pod had been Ready by that time, which is that of an act: in the view of it within the lag
// that is the most favourable, and strictly as it was then. ok is false where it had not been Ready at all.
func (m *model) readyFor(p *podLife, act *history.Event, when time.Time) (most, strict time.Duration, ok bool) {
	now := p.at(act.Seq)
	for i := p.index(now.Seq); i >= 0; i-- {
		e := p.events[i]
		if c := e.Pod.Condition(corev1.PodReady); c != nil && c.Status == corev1.ConditionTrue {
			if e == now {
				strict = when.Sub(c.Transition.Time)
			}
			if elapsed := when.Sub(c.Transition.Time); !ok || elapsed > most {
				most, ok = elapsed, true
			}
		}
		if e.At < m.lagBefore(act) {
			break
		}
	}
	return most, strict, ok
}

// checkParallel: under Parallel nothing waits for readiness or for a higher pod to be gone.
func checkParallel(m *model, res *results) {
	const id = contract.OrderingParallel
	overdue := m.actDeadline()
	for _, a := range m.actions {
		if a.set.policy() != appsv1.ParallelPodManagement {
			continue
		}
		for _, c := range a.creations {
			// A stale informer cache may have shown a lower pod Ready that was so just before.
			if slices.ContainsFunc(c.blocking, func(o blockingPod) bool { return o.knowledge == violation }) {
				res.exercised(id)
			}
		}
		for _, r := range a.removals {
			if r.outOfRange && len(r.higher) > 0 {
				res.exercised(id)
			}
		}
		for h := range m.creationHolds(a.set) {
			length, next := h.to-h.from, h.pod.ordinal+1
			if length <= overdue || (h.to == m.h.Duration() && !m.complete()) ||
				m.firstBlockedOrdinal(a.set, next+1, h.from) <= next || m.firstBlockedOrdinal(a.set, next+1, h.to) <= next {
				continue
			}
			res.notDone(id, evidence{
				set: a.set, since: h.from, until: h.to, events: []*history.Event{h.pod.created},
				text: fmt.Sprintf("%s was not Ready for %.1f s (from %s) and for all of it the wanted %s-%d was not created, though the policy is Parallel",
					h.pod.name, length.Seconds(), h.pod.created.Ref(), a.set.name, next),
			}, h.from+overdue)
		}
	}
}

// checkChangeOfMind: the rules of order hold also while replicas change again and again before the set settles.
func checkChangeOfMind(m *model, res *results) {
	const id = contract.OrderingChangeOfMind
	for _, a := range m.actions {
		if !a.set.ordered() {
			continue
		}
		for _, c := range a.creations {
			if c.unsettled && !c.first {
				res.creation(id, a.set, c)
			}
		}
		for _, r := range a.removals {
			if !r.unsettled || !r.outOfRange || r.belowStart || r.startMoved {
				continue
			}
			res.countRemoval(id, r)
			if len(r.higher) == 0 {
				continue
			}
			names := make([]string, 0, len(r.higher))
			events := make([]*history.Event, 0, len(r.higher)+1)
			for _, h := range r.higher {
				names = append(names, h.name)
				events = append(events, h.at(r.event.Seq))
			}
			res.broken(id, evidence{
				set: a.set, since: r.higher[0].first().At, events: append(events, r.event),
				text: fmt.Sprintf("replicas had changed again before the set settled, and %s began to terminate at %s while the higher %s still existed",
					r.pod.name, r.event.Ref(), strings.Join(names, ", ")),
			})
		}
	}
}
