package judge

import (
	"fmt"
	"math"
	"slices"
	"sort"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func statusChecks() []check {
	return []check{
		{
			ids: []contract.ID{
				contract.StatusCounts, contract.StatusAvailable, contract.StatusRevisions, contract.StatusOnDeleteRevisions, contract.StatusProgressing,
				contract.UpdateHistoryLimit,
			},
			run: checkStatus,
		},
		{ids: []contract.ID{contract.StatusObservedGeneration}, run: checkObservedGeneration},
	}
}

// checkStatus: the status agrees with the pods. Counts and revisions are compared where neither changed for longer than the lag, in one
// pass over all events; whether the two revisions became equal too early is checked at every version of the set.
func checkStatus(m *model, res *results) {
	m.atRest(res)
	kept := m.revisionsBySet()
	for _, r := range m.rollouts {
		m.equalRevisions(res, r, kept)
		m.progressEnds(res, r)
		m.progressingSince(res, r.set)
	}
}

// revisionsRow returns the guarantee that says when current and update revision of a set are equal, "" if none does. With a partition it says only
// when they are not.
func (m *model) revisionsRow(set *history.Set) contract.ID {
	switch {
	case set.Replicas == 0:
		return ""
	case set.Strategy == appsv1.RollingUpdateStatefulSetStrategyType:
		return contract.StatusRevisions
	case set.Strategy == appsv1.OnDeleteStatefulSetStrategyType && m.atLeast("1.37", false):
		return contract.StatusOnDeleteRevisions
	case set.Strategy == appsv1.RecreateStatefulSetStrategyType:
		return contract.StatusProgressing
	}
	return ""
}

// equalRevisions: current and update revision differ until every pod is updated and Ready.
func (m *model) equalRevisions(res *results, r *rollout, kept keptRevisions) {
	revisions := kept[r.set.uid]
	differed := "" // the update revision, since a status that showed both revisions
	for i, e := range r.set.events {
		st := e.Set.Status
		if r.set.deleting != nil && e.Seq >= r.set.deleting.Seq {
			return
		}
		id := m.revisionsRow(e.Set)
		if id == "" {
			differed = ""
			continue
		}
		if st.CurrentRevision != st.UpdateRevision {
			m.movedElsewhere(res, id, r, i)
			if st.ObservedGeneration >= e.Generation {
				differed = st.UpdateRevision
			}
			continue
		}
		if i == 0 {
			continue
		}
		// A revert makes the update revision the current one again, which completes no rollout.
		was := r.set.events[i-1].Set.Status.CurrentRevision
		if was == "" || was == st.CurrentRevision {
			differed = ""
			continue
		}
		// A revision that was only just created, perhaps again, may not be in the informer cache yet.
		if slices.ContainsFunc(revisions, func(l *revisionLife) bool {
			made := l.events[0]
			return l.name == was && made.Change == history.Added && before(e, made) != yes && m.mayHaveMissed(made, e)
		}) {
			res.excuse(id, CacheLag)
			differed = ""
			continue
		}
		what := fmt.Sprintf("status.currentRevision of %s became the update revision %s", r.set.name, st.UpdateRevision)
		m.completed(res, id, r, i, st.UpdateRevision, what, differed == st.UpdateRevision, kept.mayLack(r.set.uid, was, e))
		differed = ""
	}
}

// movedElsewhere judges a version of the set whose status names a current revision that no status named so before, and which is not the update revision: it
// can have become that only once all pods had it. One that was named before may come back by a status that was made from a stale cache.
func (m *model) movedElsewhere(res *results, id contract.ID, r *rollout, version int) {
	e := r.set.events[version]
	now := e.Set.Status.CurrentRevision
	before := r.set.events[:version]
	if now == "" || version == 0 || before[version-1].Set.Status.CurrentRevision == "" ||
		slices.ContainsFunc(before, func(v *history.Event) bool { return v.Set.Status.CurrentRevision == now }) {
		return
	}
	m.completed(res, id, r, version, now, fmt.Sprintf("status.currentRevision of %s became %s, which is not the update revision,", r.set.name, now), false, false)
}

// completed judges a version of the set whose status says that the rollout to a revision is complete; shows says that the one before said that it was not,
// lost that the controller may have found no current revision, and took the update revision for it.
func (m *model) completed(res *results, id contract.ID, r *rollout, version int, revision, what string, shows, lost bool) {
	e := r.set.events[version]
	switch p, why, excuse := m.unfinished(r, e, revision); {
	case excuse != "":
		res.excuse(id, excuse)
	case why != "" && lost:
		res.excuse(id, OtherCause)
	case why != "":
		c := evidence{set: r.set, since: m.lagBefore(e), until: deliveredBy(e.At), also: []history.Resource{history.Pods}, written: statusField}
		if p != nil {
			c.events = append(c.events, p.first())
		}
		c.events = append(c.events, r.set.events[version-1], e)
		c.text = fmt.Sprintf("%s at %s although %s", what, e.Ref(), why)
		res.broken(id, c)
	case shows:
		res.exercised(id)
	}
}

// unfinished returns a pod that had not become Ready at a revision when the status completed the rollout, and the reason, if
// there is one under every version of the set that may be in the informer cache. The excuse is why one there was accuses nobody, "" if there
// was none.
func (m *model) unfinished(r *rollout, e *history.Event, revision string) (found *podLife, why string, excuse Excuse) {
	views := m.cacheAt(r.set, e)
	for i := views.newest; i >= views.oldest; i-- {
		v := r.set.specs[i].Set
		bad := false
		for n := int(v.Start); n < int(v.Start)+int(v.Replicas) && !bad; n++ {
			p, w, lagging := m.updatedBy(r.set, n, e, revision)
			if lagging {
				excuse = CacheLag
			}
			if bad = w != ""; bad {
				found, why = p, w
			}
		}
		switch {
		case bad && m.podsOutOfRange(r.set, v, e):
			return nil, "", OtherCause // the status counts pods out of range too and may complete a rollout early
		case !bad && i < views.newest:
			return nil, "", OlderSpec
		case !bad:
			return nil, "", excuse
		}
	}
	return found, why, ""
}

// podsOutOfRange reports whether the set had, or the informer cache may have had, pods out of the range of that version when the status was
// written.
func (m *model) podsOutOfRange(s *setLife, v *history.Set, status *history.Event) bool {
	for _, outside := range []ordinals{s.ordinals.in(math.MinInt, int(v.Start)), s.ordinals.from(int(v.Start + v.Replicas))} {
		for _, n := range outside {
			if p := s.life(n, status.Seq); p != nil && (p.gone == nil || p.gone.At > m.visibleFrom(status.At)) {
				return true
			}
		}
	}
	return false
}

// updatedBy returns the pod of that ordinal and why it did not count as Ready at a revision at a status, or "". Pods and sets come from
// two watches, so an older resourceVersion counts as well as an earlier arrival. lagging says that it did so only in a stale informer cache.
func (m *model) updatedBy(s *setLife, n int, status *history.Event, revision string) (pod *podLife, shortfall string, lagging bool) {
	seen := func(e *history.Event) bool {
		return before(e, status) != no
	}
	p := s.life(n, status.Seq)
	// Several may have come and gone between what two watches had delivered.
	for next := s.after(n, status.Seq); next != nil && seen(next.first()); next = s.after(n, next.first().Seq) {
		if p == nil || s.shortfall(next, revision, seen) == "" {
			p = next
		}
	}
	if p == nil {
		return nil, fmt.Sprintf("%s-%d did not exist", s.name, n), false
	}
	why := s.shortfall(p, revision, seen)
	if why == "" {
		return p, "", false
	}
	for was := s.life(n, p.first().Seq-1); was != nil && was.gone != nil && m.mayHaveMissed(was.gone, status); was = s.life(n, was.first().Seq-1) {
		if s.shortfall(was, revision, seen) == "" {
			return was, "", true // it may still have been in the informer cache
		}
	}
	return p, why, false
}

// shortfall returns why the pod does not count as Ready at a revision, as far as it was seen, or "".
func (s *setLife) shortfall(p *podLife, revision string, seen func(*history.Event) bool) string {
	if p.revision != revision {
		return fmt.Sprintf("%s had revision %s (rv %s)", p.name, p.revision, p.first().ResourceVersion)
	}
	if first := firstReady(p); first == nil || !seen(first) {
		return fmt.Sprintf("%s was not Ready (created at %s)", p.name, p.first().Ref())
	}
	return ""
}

// after returns the first pod of that ordinal that appeared after the sequence number, or nil.
func (s *setLife) after(n, seq int) *podLife {
	lives := s.byOrdinal[n]
	i := sort.Search(len(lives), func(i int) bool { return lives[i].first().Seq > seq })
	if i == len(lives) {
		return nil
	}
	return lives[i]
}

// checkObservedGeneration: status.observedGeneration reaches the generation of the last change of the spec, neither before the change nor only
// for a while.
func checkObservedGeneration(m *model, res *results) {
	const id = contract.StatusObservedGeneration
	for _, r := range m.rollouts {
		res.observedGenerations(r.set)
		res.changedWithoutGeneration(r.set)
		for i, v := range r.set.specs {
			if (i > 0 || r.set.created != nil) && r.observed(v.Generation) != nil {
				res.exercised(id)
			}
		}
		if len(r.set.specs) == 0 || r.set.deleting != nil || !m.complete() {
			continue
		}
		last := r.set.specs[len(r.set.specs)-1]
		length, overdue := m.h.Duration()-last.At, m.actDeadline()
		if last.Generation == 0 || r.observed(last.Generation) != nil || length <= overdue {
			continue
		}
		newest := r.set.events[len(r.set.events)-1]
		res.notDone(id, evidence{
			set: r.set, since: last.At, until: m.h.Duration(), events: []*history.Event{last, newest}, written: statusField,
			text: fmt.Sprintf("%s has had generation %d since %s, and to the end of the recording, %.1f s later, its status had observed %d only", r.set.name,
				last.Generation, last.Ref(), length.Seconds(), newest.Set.Status.ObservedGeneration),
		}, last.At+overdue)
	}
}

// observedGenerations reports where a status says that it observed a generation that there was not yet, or less than it said before.
func (res *results) observedGenerations(s *setLife) {
	ahead := false // the status said, when it was written, that a generation was observed which there was not yet
	for i, e := range s.events {
		now, before := e.Set.Status.ObservedGeneration, s.events[max(i-1, 0)]
		was, wasAhead := before.Set.Status.ObservedGeneration, ahead
		if i == 0 || now != was {
			ahead = now > e.Generation
		}
		c := evidence{set: s, since: e.At, events: []*history.Event{e}, written: statusField}
		switch {
		case now > e.Generation && (i == 0 || now != was):
			c.text = fmt.Sprintf("the status of %s says at %s that generation %d was observed, and the set has generation %d only", s.name, e.Ref(), now, e.Generation)
		case now < was && wasAhead:
			continue
		case now < was:
			c.since, c.events = before.At, []*history.Event{before, e}
			c.text = fmt.Sprintf("the status of %s, which had observed generation %d, says at %s that only %d was", s.name, was, e.Ref(), now)
		default:
			continue
		}
		res.broken(contract.StatusObservedGeneration, c)
	}
}
