package judge

import (
	"fmt"
	"sort"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func lifecycleChecks() []check {
	return []check{
		{ids: []contract.ID{contract.LifecycleFailed}, run: lostPodsReplaced(failed, contract.LifecycleFailed)},
		{ids: []contract.ID{contract.LifecycleSucceeded}, run: checkSucceeded},
		{ids: []contract.ID{contract.LifecycleEvicted}, run: lostPodsReplaced(evicted, contract.LifecycleEvicted)},
		{ids: []contract.ID{contract.LifecycleDisruptionTarget}, run: checkDisruptionTarget},
		{ids: []contract.ID{contract.LifecycleEvictedGraceful}, run: checkEvictedGraceful},
		{ids: []contract.ID{contract.LifecycleCrashInPlace}, run: checkCrashes},
		{ids: []contract.ID{contract.LifecycleAdoption}, run: checkAdoption},
		{ids: []contract.ID{contract.LifecycleRelease}, run: checkRelease},
	}
}

// checkSucceeded: since 1.29 a Succeeded pod is replaced too.
func checkSucceeded(m *model, res *results) {
	if m.atLeast("1.29", true) {
		lostPodsReplaced(succeeded, contract.LifecycleSucceeded)(m, res)
	}
}

// checkCrashes: the kubelet restarts a crashed container; the controller does not replace the pod.
func checkCrashes(m *model, res *results) {
	const id = contract.LifecycleCrashInPlace
	for _, p := range m.pods {
		if p.set == nil {
			continue
		}
		for range p.restarted {
			res.exercised(id)
		}
		crash := p.crash
		if crash == nil || !m.recent(p, crash) || !m.unattributed(p.set, p) {
			continue
		}
		res.broken(id, evidence{
			set: p.set, since: crash.At, events: []*history.Event{crash, p.deleting},
			text: fmt.Sprintf("%s was deleted by its controller at %s after a container had crashed (%s), expected a restart in the same pod",
				p.name, p.deleting.Ref(), crash.Aside()),
		})
	}
}

// recent reports whether the pod, when it was deleted, had not been Ready again since the crash or the crash was within the settle time.
func (m *model) recent(p *podLife, crash *history.Event) bool {
	if p.deleting == nil {
		return false
	}
	up := p.readyBefore(p.deleting.Seq)
	return up == nil || up.from.Seq < crash.Seq || !m.mustHaveSeen(crash.At, p.deleting.At)
}

// attributed reports whether a check of this family, or of identity, already reports the deletion, for which the set had no reason.
func (m *model) attributed(p *podLife) bool {
	t := p.ownerAt(p.deleting.Seq)
	if t.set == nil || !m.unattributed(t.set, p) {
		return false
	}
	if crash := p.crash; crash != nil && m.recent(p, crash) {
		return true
	}
	if t.set.selects() {
		if t.from != p.first() && promptly(t.from, p.deleting) && p.ownerAt(t.from.Seq-1).uid == "" && m.adoptable(t.set, p.at(t.from.Seq-1)) {
			return true
		}
		if since := t.set.unselected(p); since != nil && since.Seq < p.deleting.Seq {
			return true
		}
	}
	return m.disjoint(p)
}

// checkAdoption: an orphan that matches is adopted, not replaced.
func checkAdoption(m *model, res *results) {
	named := map[string][]*setLife{}
	for _, s := range m.sets {
		if s.selects() {
			named[s.name] = append(named[s.name], s)
		}
	}
	overdue := m.actDeadline()
	for _, p := range m.pods {
		for i, t := range p.owners {
			if t.uid != "" {
				continue
			}
			o := orphanPeriod{pod: p, from: t.from}
			if i > 0 {
				o.former = p.owners[i-1].set
			}
			if i+1 < len(p.owners) {
				o.next = &p.owners[i+1]
			}
			for _, s := range named[parentOf(p.name)] {
				res.checkOrphan(s, o, overdue)
			}
		}
	}
}

// orphanPeriod is an interval in which a pod has no controller.
type orphanPeriod struct {
	pod  *podLife
	from *history.Event
	next *ownership // nil if it stays an orphan
	// former is the set that had it before, nil if there was none.
	former *setLife
}

// checkOrphan checks what a set did with an orphan that has the name of one of its pods.
func (res *results) checkOrphan(s *setLife, o orphanPeriod, overdue time.Duration) {
	const id = contract.LifecycleAdoption
	m, p := res.m, o.pod
	found := func(last *history.Event, until time.Duration, text string) evidence {
		return evidence{
			set: s, since: o.from.At, until: until, events: []*history.Event{o.from, last},
			text: fmt.Sprintf("%s, without a controller since %s and fit for the set %s, %s", p.name, o.from.Ref(), s.name, text),
		}
	}
	switch {
	case o.next != nil && o.next.set == s:
		if !m.adoptable(s, p.at(o.next.from.Seq-1)) {
			return
		}
		if d := p.deleting; d != nil && promptly(o.next.from, d) && m.unattributed(s, p) {
			res.broken(id, found(d, d.At, fmt.Sprintf("was adopted at %s and deleted at %s", o.next.from.Ref(), d.Ref())))
			return
		}
		res.exercised(id)
	case o.next != nil:
	case p.deleting != nil:
		d := p.deleting
		if d.Seq <= o.from.Seq || d.Change == history.Listed || d.Change == history.Missing || !m.maybeByController(p) || s.mayBeDeleted(d) {
			return
		}
		before := p.at(d.Seq - 1)
		switch {
		case before == nil || s.events[0].At >= d.At || !m.adoptable(s, before):
		case o.former != nil && o.former != s && o.former.unwanted(p) && m.mayHaveMissed(o.from, d):
			res.excuse(id, CacheLag) // it may have been deleted for the former set, of which it still was a pod in the informer cache
		default:
			res.broken(id, found(d, d.At, fmt.Sprintf("was deleted at %s instead of adopted", d.Ref())))
		}
	case m.complete() && s.deleting == nil && p.finished == nil:
		last, v := p.events[len(p.events)-1], s.events[len(s.events)-1]
		since := max(last.At, s.specs[len(s.specs)-1].At)
		if waited := m.h.Duration() - since; waited > overdue && v.Set.Status.ObservedGeneration >= v.Generation && m.adoptable(s, last) {
			res.notDone(id, found(last, m.h.Duration(), fmt.Sprintf("was not adopted to the end of the recording, for %.1f s", waited.Seconds())), since+overdue)
		}
	}
}

// unwanted reports whether a set, in the end, had a pod out of range or at a former revision, so that its controller was to delete it. A template that no
// status has observed makes the pod's revision a former one, too.
func (s *setLife) unwanted(p *podLife) bool {
	last := s.events[len(s.events)-1]
	observed := s.generation(last.Set.Status.ObservedGeneration)
	return !inRange(last, p.ordinal) || p.revision != last.Set.Status.UpdateRevision ||
		observed >= 0 && !last.Set.SameTemplate(s.specs[observed].Set)
}

// adoptable reports whether the orphan matches the set in every version that may be in the informer cache.
func (m *model) adoptable(s *setLife, pod *history.Event) bool {
	if pod == nil || pod.Terminating() || pod.Pod.Finished() || !s.matches(pod) || fmt.Sprintf("%s-%d", s.name, history.Ordinal(pod.Name)) != pod.Name {
		return false
	}
	return s.wanted(history.Ordinal(pod.Name), m.visibleFrom(pod.At), deliveredBy(pod.At)) && m.newestOnly(s, pod)
}

// newestOnly reports whether the pod's revision was the update revision of the set in every version that may be in the informer cache, or in the first later
// one that has an update revision where none of them has.
func (m *model) newestOnly(s *setLife, pod *history.Event) bool {
	of, named := pod.Labels[appsv1.ControllerRevisionHashLabelKey], false
	from, to := max(s.versionsUntil(m.visibleFrom(pod.At))-1, 0), max(s.versionsUntil(deliveredBy(pod.At)), 1)
	for i, v := range s.events[from:] {
		if from+i >= to && named {
			break
		}
		// A template that no status has observed makes the pod's revision a former one, too.
		if observed := s.generation(v.Set.Status.ObservedGeneration); observed >= 0 && !v.Set.SameTemplate(s.specs[observed].Set) {
			return false
		}
		if r := v.Set.Status.UpdateRevision; r != "" {
			if named = true; r != of {
				return false
			}
		}
	}
	return named
}

// checkRelease: a pod that its set no longer selects is released, and replaced once its name is free.
func checkRelease(m *model, res *results) {
	const id = contract.LifecycleRelease
	overdue := m.actDeadline()
	for _, l := range m.lostPods {
		if l.reason == released && l.unselected() {
			res.checkReplacement(id, l, overdue)
		}
	}
	for _, p := range m.pods {
		if len(p.owners) == 0 {
			continue
		}
		if s := p.owner(); s != nil && s.selects() {
			if since := s.unselected(p); since != nil {
				res.notRecreated(s, p, since, overdue)
			}
		}
	}
}

// unselected returns the first event since which the set, the pod's last controller, did not select it to its end; nil if it did. Whoever was its
// controller before has released it.
func (s *setLife) unselected(p *podLife) (since *history.Event) {
	t := p.owners[len(p.owners)-1]
	if t.set != s {
		return nil
	}
	from, to := p.index(t.from.Seq), len(p.events)
	if !p.relabelled {
		to = from + 1 // all versions have the same labels
	}
	for k, e := range p.events[from:to] {
		if k > 0 && sameLabels(p.events[from+k-1], e) {
			continue
		}
		if s.matches(e) {
			since = nil
		} else if since == nil {
			since = e
		}
	}
	return since
}

// unselected reports whether the pod was released because its labels had changed.
func (l *lostPod) unselected() bool { return l.set.selects() && !l.set.matches(l.at) }

// index returns the position of the first of the pod's events from that point of the history on.
func (p *podLife) index(seq int) int {
	return sort.Search(len(p.events), func(i int) bool { return p.events[i].Seq >= seq })
}

// notRecreated checks a pod that its set no longer selected and did not release.
func (res *results) notRecreated(s *setLife, p *podLife, from *history.Event, overdue time.Duration) {
	const id = contract.LifecycleRelease
	m := res.m
	act := p.deleting
	var text string
	switch {
	case act == nil:
		waited := m.h.Duration() - from.At
		if !m.complete() || s.deleting != nil || waited <= overdue {
			return
		}
		text = fmt.Sprintf("was not released to the end of the recording, for %.1f s", waited.Seconds())
	case act.Seq <= from.Seq || act.Change == history.Missing || act.Change == history.Listed || !m.maybeByController(p) || s.mayBeDeleted(act):
		return
	case m.mayHaveMissed(from, act) && !m.unattributed(s, p):
		res.excuse(id, CacheLag)
		return
	default:
		text = fmt.Sprintf("was deleted at %s instead of released", act.Ref())
	}
	c := evidence{
		set: s, since: from.At, events: []*history.Event{from, act},
		text: fmt.Sprintf("%s, whose labels the set %s no longer selected from %s on, %s", p.name, s.name, from.Ref(), text),
	}
	if act != nil {
		c.until = act.At
		if m.unattributed(s, p) {
			res.broken(id, c)
			return
		}
		res.decidedSince(id, c, s.scaledBelow(p, act))
		return
	}
	c.until = m.h.Duration()
	res.notDone(id, c, from.At+overdue)
}

// scaledBelow returns the version of the set since which a pod was out of range at an act, nil if it was in range.
func (s *setLife) scaledBelow(p *podLife, act *history.Event) *history.Event {
	var since *history.Event
	for _, v := range s.specs {
		switch {
		case v.At > act.At:
			return since
		case inRange(v, p.ordinal):
			since = nil
		case since == nil:
			since = v
		}
	}
	return since
}
