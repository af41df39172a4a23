package judge

import (
	"slices"
	"sort"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// What the StatefulSet controller knew when it acted is not recorded: it acts on its informer caches, which are behind the API server, and
// the recorder's watches are not in step with each other. Everything that follows from that is decided in this file, by two rules.
//
// The rule of candidate specs: an act is judged under every version of the set that the controller's cache may have held at that moment,
// and is wrong only if it is wrong under each. Those are the versions that were current within the lag, and older ones as long as no status
// has shown that a newer generation was observed.
//
// The rule of the cache lag: what a check holds against an act must have been visible to the controller for longer than the lag before it.
// What changed later may be missing in its cache, and the act is excused; where the recording does not show whether the controller
// had learnt of it, the act is left open.

// certainty is the answer of a history to a question about order.
type certainty int

const (
	no certainty = iota
	unknown
	yes
)

// before reports whether one event happened before another. Events of one resource come in the order of their watch. Events of two
// resources come from two watches: what arrived more than their skew earlier was first, unless its resource version is the newer one
// and the other watch may just have been resumed.
func before(a, b *history.Event) certainty {
	apart := b.At - a.At
	switch {
	case a.Resource == b.Resource:
		if a.Seq < b.Seq {
			return yes
		}
		return no
	case apart >= -watchSkew && apart <= watchSkew:
		return unknown
	case apart > 0:
		if lateByVersion(b, a) {
			return unknown
		}
		return yes
	case lateByVersion(a, b):
		return unknown
	}
	return no
}

// lateByVersion reports whether an event that was recorded after another one of another resource may have happened before it, as the watch may have been
// resumed in between: it has the older version. Versions are numbers of one sequence as long as the API server keeps both resources in one store, which
// the API does not promise: so they only make an order unknown, and never decide it.
func lateByVersion(e, than *history.Event) bool {
	return e.At-than.At <= resumedWatchSkew && e.RV() != 0 && e.RV() < than.RV()
}

// by reports whether an event, which may be nil, had happened by a moment that another watch shows.
func by(e *history.Event, at time.Duration) certainty {
	switch {
	case e == nil || e.At > at+watchSkew:
		return no
	case e.At > at-watchSkew:
		return unknown
	}
	return yes
}

// deliveredBy is the moment by which every watch had delivered what had happened by another.
func deliveredBy(at time.Duration) time.Duration { return at + watchSkew }

// surelyBy is the moment up to which what one watch shows had happened by another moment of a second watch.
func surelyBy(at time.Duration) time.Duration { return at - watchSkew }

// withinSkew reports whether the second of two moments is too early to be surely after the first on another watch.
func withinSkew(from, to time.Duration) bool { return to-from <= watchSkew }

// visibleFrom is the moment from which on a state that another watch shows may have been in the controller's cache at a moment.
func (m *model) visibleFrom(at time.Duration) time.Duration { return at - m.settleTime() }

// settledBy is the moment from which on whatever the controller did about a state at a moment, and what it knew then, is recorded.
func (m *model) settledBy(at time.Duration) time.Duration { return at + m.settleTime() }

// recordedAfter reports whether the recording goes on for so long after a moment that every watch has delivered what had happened by then.
func (m *model) recordedAfter(at time.Duration) bool { return m.h.Duration() > deliveredBy(at) }

// mustHaveSeen reports whether a state that lasted from one moment to another must have reached the controller's cache, whichever watch
// shows the two.
func (m *model) mustHaveSeen(from, to time.Duration) bool { return to-from > m.settleTime() }

// latestWrite is the latest moment, by the API server's clock, at which the version of an object can have been written: creationTimestamps,
// from which the offset of the clock comes, are truncated to seconds, and every event takes some time to arrive.
func (m *model) latestWrite(e *history.Event, clockOffset time.Duration) time.Time {
	return m.h.Header.Start.Add(e.At - clockOffset + watchSkew + timestampResolution)
}

// afterByAnyClock reports whether one timestamp is after another, whichever clocks of nodes and control plane they come from.
func (m *model) afterByAnyClock(a, b time.Time) bool { return a.After(b.Add(m.h.Header.ClockSkew)) }

// mayHaveMissed reports whether the controller may still have missed at an act what had happened by then (the rule of the cache lag).
func (m *model) mayHaveMissed(cause, act *history.Event) bool { return m.withinLag(cause.At, act.At) }

// withinLag reports whether an act came no later than the lag after its cause.
func (m *model) withinLag(cause, act time.Duration) bool { return act-cause <= m.h.Header.Lag }

// lagBefore is the moment from which on the controller's cache at an act may date.
func (m *model) lagBefore(act *history.Event) time.Duration { return max(0, act.At-m.h.Header.Lag) }

// lagAfter is the moment until which the controller's cache may date from an act.
func (m *model) lagAfter(act *history.Event) time.Duration { return act.At + m.h.Header.Lag }

// mayBeDeleted reports whether deletion of the set may have been requested before an act on another object.
func (s *setLife) mayBeDeleted(act *history.Event) bool {
	return s.deleting != nil && before(s.deleting, act) != no
}

// cache is what the controller's cache may have held of a set at an act: the versions specs[oldest] to specs[newest].
type cache struct {
	m              *model
	s              *setLife
	act            *history.Event
	newest, oldest int
	// recent is the oldest version that was current within the lag; those before it were merely never shown to be replaced.
	recent int
}

// cacheAt returns what the controller's cache may have held of the set at an act (the rule of candidate specs).
func (m *model) cacheAt(s *setLife, act *history.Event) cache {
	maybe := sort.Search(len(s.specs), func(i int) bool { return before(s.specs[i], act) == no })
	c := cache{m: m, s: s, act: act, newest: min(max(maybe, 1), len(s.specs)) - 1}
	c.recent = max(c.newest, 0)
	shown := act.At
	if act.Resource != history.Sets {
		shown = surelyBy(shown) // a status that a later sync wrote may have arrived before the act
	}
	v := s.latest(shown)
	// A sync writes the status when it has acted: what acts after that knows at least what it observed.
	observed := func(spec *history.Event) bool { return v != nil && spec.Generation <= v.Set.Status.ObservedGeneration }
	for c.recent > 0 && m.mayHaveMissed(s.specs[c.recent], act) && !observed(s.specs[c.recent]) {
		c.recent--
	}
	c.oldest = c.recent
	for v != nil && c.oldest > 0 && s.specs[c.oldest-1].Generation >= v.Set.Status.ObservedGeneration {
		c.oldest--
	}
	return c
}

// specs returns the candidate versions, oldest first; never empty when any version of the set was recorded.
func (c cache) specs() []*history.Event { return c.s.specs[c.oldest : c.newest+1] }

// anySpec reports whether one of the candidate versions is as f says.
func (c cache) anySpec(f func(*history.Event) bool) bool { return slices.ContainsFunc(c.specs(), f) }

// everySpec reports whether each of the candidate versions is as f says.
func (c cache) everySpec(f func(*history.Event) bool) bool {
	return !c.anySpec(func(v *history.Event) bool { return !f(v) })
}

// deciding leaves only the versions in which an ordinal is wanted, or is not: a sync goes by one version in all it does, so that only these can have
// created, or removed, the ordinal's pod. It leaves all where there is none.
func (c cache) deciding(ordinal int, wanted bool) cache {
	fits := func(v *history.Event) bool { return inRange(v, ordinal) == wanted }
	if !c.anySpec(fits) {
		return c
	}
	for !fits(c.s.specs[c.oldest]) {
		c.oldest++
	}
	for !fits(c.s.specs[c.newest]) {
		c.newest--
	}
	c.recent = min(max(c.recent, c.oldest), c.newest)
	return c
}

// leastMinReady returns the shortest minReadySeconds that the controller may have gone by.
func (c cache) leastMinReady() time.Duration {
	least := minReady(c.s.specs[c.newest])
	for _, v := range c.specs() {
		least = min(least, minReady(v))
	}
	return least
}

// statusReflected reports whether between a loss and an act the set's status counted fewer pods than before the loss: then its
// controller knew.
func (s *setLife) statusReflected(lost, act *history.Event) bool {
	n := s.versionsUntil(lost.At)
	if n == 0 {
		return false
	}
	before := s.events[n-1].Set.Status
	for _, e := range s.events[n:] {
		if e.At > act.At {
			return false
		}
		now := e.Set.Status
		if now.Ready < before.Ready || now.Available < before.Available || now.Replicas < before.Replicas ||
			now.Current+now.Updated < before.Current+before.Updated {
			return true
		}
	}
	return false
}

// statusCounted reports the same where the status came before the loss, as two watches are out of step: it counted no more Ready pods than there were with
// the loss, and all of them had been Ready for longer than the cache's lag, or a status had counted them since, whose cache held no pod that was lost before.
func (m *model) statusCounted(p *podLife, lost, act *history.Event) bool {
	var earlier, since time.Duration // when the last of earlier pods was lost, and the last of these became Ready
	from, others := lost.At-watchSkew, int32(0)
	for _, o := range p.set.pods {
		for _, r := range o.ready {
			switch {
			case r.from.At > act.At:
			case r.to != nil && r.to.At < from-m.h.Header.Lag:
				earlier = max(earlier, deliveredBy(r.to.At))
			case r.to == lost:
				since = max(since, r.from.At)
			case r.to == nil, r.to.Seq >= act.Seq:
				others, since = others+1, max(since, r.from.At)
			default:
				return false
			}
		}
	}
	counted := since < from-m.h.Header.Lag
	for _, e := range p.set.events[p.set.versionsUntil(since):] {
		if e.At > lost.At {
			break
		}
		counted = counted || e.Set.Status.Ready > others && !m.withinLag(earlier, e.At)
		if counted && e.At > from && e.Set.Status.Ready <= others {
			return true
		}
	}
	return false
}

// currentRevisions returns the values of status.currentRevision that the controller may have read, "" among them where it may have read none.
func (c cache) currentRevisions() []string {
	var out []string
	for i := c.s.versionsUntil(c.act.At+watchSkew) - 1; i >= 0; i-- {
		name := c.s.events[i].Set.Status.CurrentRevision
		if len(out) == 0 || out[len(out)-1] != name {
			out = append(out, name)
		}
		if !c.m.mayHaveMissed(c.s.events[i], c.act) {
			break
		}
	}
	return out
}

// knownAvailable reports whether a status had counted every pod of the set as available before an act, one among them that was Ready
// from the given version on. It must have come so late after that version that it cannot tell of a time before, and so long before the
// act that it cannot have been written after it; view is the version that the act is judged under.
func (c cache) knownAvailable(from, view *history.Event) bool {
	for _, v := range slices.Backward(c.s.events[:c.s.versionsUntil(c.act.At-watchSkew)]) {
		if c.m.withinLag(from.At, v.At) {
			return false
		}
		if st := v.Set.Status; st.Available == v.Set.Replicas && st.Available == st.Replicas && v.Set.MinReadySeconds == view.Set.MinReadySeconds {
			return true
		}
	}
	return false
}

// updatePending reports whether a pod of that revision still has to get the template of that version of the set; unknown where no status
// has named a revision of the template.
func (t *templates) updatePending(revision string, spec int) certainty {
	id, known := t.templateByRevision[revision]
	switch {
	case known && id == t.templateOf[spec]:
		return no
	case known || t.revisionOf[t.templateOf[spec]] != "":
		return yes
	}
	return unknown
}

// updatePending reports whether an update was pending for a pod in the controller's view at its deletion. It was if the candidate specs
// differ in their templates or a status around the deletion named another update revision than the pod's; it may have been if only a later
// status does, or none has observed the spec: the controller deletes before it writes the status.
func (m *model) updatePending(s *setLife, p *podLife) certainty {
	c := m.cacheAt(s, p.deleting)
	if c.anySpec(func(v *history.Event) bool { return !v.Set.SameTemplate(s.specs[c.newest].Set) }) {
		return yes
	}
	at, label := p.deleting.At, p.deleting.Labels[appsv1.ControllerRevisionHashLabelKey]
	known := s.versionsUntil(deliveredBy(at))
	for _, v := range s.events[max(s.versionsUntil(m.visibleFrom(at))-1, 0):known] {
		if r := v.Set.Status.UpdateRevision; r != "" && r != label { // a set that no controller has synced yet has none
			return yes
		}
	}
	for _, v := range s.events[known:] {
		if v.Set.Status.UpdateRevision != label {
			return unknown
		}
		if v.Set.Status.ObservedGeneration >= v.Generation {
			return no
		}
	}
	if s.events[len(s.events)-1].Set.Status.ObservedGeneration < s.specAt(deliveredBy(at)).Generation {
		return unknown
	}
	return no
}

// updateNamed reports whether a status named another update revision than the pod's, until the lag after its deletion: such a deletion is
// not counted as a scale down, even if the update was requested only after it.
func (m *model) updateNamed(s *setLife, p *podLife) bool {
	from := max(s.versionsUntil(m.visibleFrom(p.deleting.At))-1, 0)
	to := max(s.versionsUntil(m.lagAfter(p.deleting)), from)
	return slices.ContainsFunc(s.events[from:to], func(v *history.Event) bool {
		return v.Set.Status.UpdateRevision != "" && v.Set.Status.UpdateRevision != p.revision
	})
}

// syncBegun returns the earliest write of a service's slices, in their order, that may be of the same sync of the endpoint slice controller as one of them.
// It looks at the pods once, and then writes the slices of a large service one after another, each once.
func syncBegun(written []*history.Event, e *history.Event) *history.Event {
	at := sort.Search(len(written), func(i int) bool { return written[i].Seq >= e.Seq })
	begun, seen := e, map[types.UID]bool{e.UID: true}
	for _, before := range slices.Backward(written[:at]) {
		if seen[before.UID] || begun.At-before.At > longestSliceWrite {
			break
		}
		seen[before.UID], begun = true, before
	}
	return begun
}

// settledBefore returns up to when all watches have delivered what they will, at a moment of the recording: what excuses an act may come by another one.
func settledBefore(now time.Duration) time.Duration { return now - 2*watchSkew }
