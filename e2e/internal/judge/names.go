package judge

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// checkNames: at rest a set's pods are called <set>-<ordinal>, and the ordinals run from the start without a gap. Pods with other ordinals are
// never created.
func checkNames(m *model, res *results) {
	m.outOfRange(res)
	overdue := m.actDeadlineWhenObserved()
	for _, s := range m.sets {
		if len(s.events) == 0 {
			continue
		}
		r := podSet{s: s, ready: map[*podLife]bool{}, fresh: true}
		var last time.Duration
		events, steps := s.events, s.steps
		for len(events)+len(steps) > 0 {
			var e *history.Event
			var st *podStep
			if len(steps) == 0 || (len(events) > 0 && events[0].Seq < steps[0].event.Seq) {
				e, events = events[0], events[1:]
			} else {
				st, steps = &steps[0], steps[1:]
				e = st.event
			}
			if st == nil && r.set != nil && onlyTouched(r.set, e) {
				r.set = e
				continue
			}
			res.atRest(&r, last, e.At, overdue)
			last = e.At
			if st == nil {
				r.set = e
				r.fresh = true
				continue
			}
			r.take(*st)
		}
		if m.complete() {
			res.atRest(&r, last, m.h.Duration(), overdue)
		}
	}
}

// outOfRange reports pods that a set's controller created though no version of the set that it may have known has their ordinal in range.
func (m *model) outOfRange(res *results) {
	for _, a := range m.actions {
		for _, c := range a.creations {
			known := m.cacheAt(a.set, c.event)
			outside := func(v *history.Event) bool { return !inRange(v, c.pod.ordinal) }
			if m.createdByTest(history.Pods, c.pod.name) || len(a.set.specs) == 0 || !known.everySpec(outside) {
				continue
			}
			id, v := contract.IdentityName, a.set.specAt(c.event.At)
			if v.Set.Start > 0 {
				id = contract.IdentityStartOrdinal
			}
			res.broken(id, evidence{
				set: a.set, since: m.lagBefore(c.event), events: []*history.Event{v, c.event},
				text: fmt.Sprintf("%s was created at %s, and the ordinals of the set run from %d to %d (%s)",
					c.pod.name, c.event.Ref(), v.Set.Start, v.Set.Start+v.Set.Replicas-1, v.Aside()),
			})
		}
	}
}

// podSet is which pods a set has, as its history is read.
type podSet struct {
	s        *setLife
	set      *history.Event    // its newest version
	ready    map[*podLife]bool // the pods, and whether each is Ready
	readyNow int
	fresh    bool // something changed since the last look
}

func (r *podSet) take(st podStep) {
	r.fresh = true
	ready, member := r.ready[st.pod]
	if ready {
		r.readyNow--
	}
	switch st.what {
	case podReleased, podGone:
		delete(r.ready, st.pod)
		return
	case podListed, podCreated:
		member = true
	case podReady:
		ready = true
	case podLost:
		ready = false
	}
	if !member {
		return
	}
	if r.ready[st.pod] = ready; ready {
		r.readyNow++
	}
}

// settled reports whether the set says that it has all the pods it wants, as many as it really has, all Ready.
func (r *podSet) settled() bool {
	if r.set == nil || r.set.Terminating() || r.set.Gone() {
		return false
	}
	want, st := r.set.Set.Replicas, r.set.Set.Status
	return want > 0 && st.ObservedGeneration >= r.set.Generation && st.Replicas == want && st.Ready == want &&
		len(r.ready) == int(want) && r.readyNow == int(want)
}

// atRest judges the names of a set's pods in a stretch in which nothing happened to them.
func (res *results) atRest(r *podSet, from, to, overdue time.Duration) {
	if !res.m.mustHaveSeen(from, to) || !r.fresh || !r.settled() {
		return
	}
	start, want := int(r.set.Set.Start), int(r.set.Set.Replicas)
	found := map[int]*podLife{}
	var wrong []string
	first := -1
	for p := range r.ready {
		if found[p.ordinal] != nil || p.name != fmt.Sprintf("%s-%d", r.s.name, p.ordinal) {
			wrong = append(wrong, p.name)
			continue
		}
		found[p.ordinal] = p
		if first < 0 || p.ordinal < first {
			first = p.ordinal
		}
	}
	var missing []string
	for n := start; n < start+want; n++ {
		if found[n] == nil {
			missing = append(missing, fmt.Sprintf("%s-%d", r.s.name, n))
		}
	}
	if len(missing)+len(wrong) == 0 {
		r.fresh = false
		res.exercised(contract.IdentityName)
		if start > 0 {
			res.exercised(contract.IdentityStartOrdinal)
		}
		return
	}
	if to-from <= overdue || res.m.creationBlocked(r.s, missing, from) {
		return
	}
	r.fresh = false
	id := contract.IdentityName
	if start > 0 && first != start && len(wrong) == 0 {
		id = contract.IdentityStartOrdinal
	}
	res.notDone(id, evidence{
		set: r.s, since: from, until: to, also: []history.Resource{history.Pods}, events: []*history.Event{r.set},
		text: fmt.Sprintf("%s was at rest from %s for %.1f s with %d pods, all Ready, but without %s; it had %s",
			r.s.name, history.Clock(from), (to - from).Seconds(), want, strings.Join(missing, ", "), strings.Join(r.names(), ", ")),
	}, from+overdue)
}

// creationBlocked reports whether the controller could not make one of the pods: its name was taken, or a claim was in the way.
func (m *model) creationBlocked(s *setLife, pods []string, at time.Duration) bool {
	for _, name := range pods {
		for _, p := range m.podsNamed[name] {
			if by(p.first(), at) != no && by(p.gone, at) != yes {
				return true
			}
		}
		for _, t := range s.claimTemplates() {
			c := m.claim(t+"-"+name, deliveredBy(at))
			if c != nil && (c.deleting != nil || ownerNamed(c.at(at), "Pod", name) != "") {
				return true
			}
		}
	}
	return false
}

// firstBlockedOrdinal returns the lowest ordinal before a given one that something kept its set from making at that moment, or from going on with: a claim
// was on its way out, or still that of a former pod, or a pod of the name was not the set's. It returns the given one where there is none. A Parallel set
// makes its pods in batches, the lowest ordinals first, and what cannot be made in one keeps the next from being tried.
func (m *model) firstBlockedOrdinal(s *setLife, before int, at time.Duration) int {
	start := int(s.specAt(at).Set.Start)
	blocked := before
	for _, p := range m.strays {
		if start <= p.ordinal && p.ordinal < blocked && s.names(p) && p.straysAt(s, at) {
			blocked = p.ordinal
		}
	}
	if len(s.claimTemplates()) == 0 {
		return blocked
	}
	for _, n := range s.ordinals.in(start, blocked) {
		if m.claimInWay(s, n, at) {
			return n
		}
	}
	if blocked > start && m.claimInWay(s, blocked-1, at) {
		return blocked - 1
	}
	return blocked
}

// claimInWay reports whether a claim kept a set from making the pod of that ordinal at a moment, or from going on with it.
func (m *model) claimInWay(s *setLife, n int, at time.Duration) bool {
	name := fmt.Sprintf("%s-%d", s.name, n)
	for _, t := range s.claimTemplates() {
		c := m.claim(t+"-"+name, deliveredBy(at))
		switch {
		case c == nil || by(c.gone, at) == yes:
		case by(c.deleting, at) != no, s.lifeAt(n, at) == nil && ownerNamed(c.at(at), "Pod", name) != "":
			return true
		}
	}
	return false
}

// names reports whether a pod has the name of one of the set's, whoever controls it.
func (s *setLife) names(p *podLife) bool { return p.ordinal >= 0 && parentOf(p.name) == s.name }

// straysAt reports whether the pod may have been there at a moment without being controlled by that set.
func (p *podLife) straysAt(s *setLife, at time.Duration) bool {
	if p.first().At > deliveredBy(at) || by(p.gone, at) == yes {
		return false
	}
	for i, o := range p.owners {
		if o.set != s && o.from.At <= deliveredBy(at) && (i+1 == len(p.owners) || p.owners[i+1].from.At >= surelyBy(at)) {
			return true
		}
	}
	return false
}

// names lists the pods by name.
func (r *podSet) names() []string {
	names := make([]string, 0, len(r.ready))
	for p := range r.ready {
		names = append(names, p.name)
	}
	slices.Sort(names)
	return names
}
