package judge

import (
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// contribution is what one pod adds to the counts of its set.
type contribution struct {
	walk     *statusWalker
	revision string
	ready    bool
	staying  bool
}

// statusWalker keeps, while the events of a history are read in order, the counts that one set's status is compared with.
type statusWalker struct {
	m       *model
	results *results
	r       *rollout
	s       *setLife
	counts
	present       countsByRevision          // pods by revision, all of them
	kept          map[string]*history.Event // revisions of the set
	trimmed       *history.Event            // the removal of a revision of which it is not known yet whether it kept the history to its limit
	version       *history.Event            // the set's newest
	last          *history.Event            // the last change of the status, the pods or the revisions
	readyAt       time.Duration             // when a pod last became Ready
	recentlyReady []recentlyReady
	lossTimes     []time.Duration // when pods were removed or became unready, within the lag
	past          previousCounts
	state         int // the number of the pods' present state
	// pending holds findings until the next event of a pod shows that the watch of pods was not late.
	pending []pendingFinding
	judged  bool   // the interval since the last change has been checked
	unequal string // the update revision for which differing revisions were already found
	stopped string // the update revision for which a wrong condition Progressing was already found
}

type pendingFinding struct {
	id contract.ID
	evidence
	// dueBy is, where the finding is about something that did not happen, when it should have.
	dueBy time.Duration
}

// atRest compares the status of every set with its pods wherever neither changed for longer than the lag.
func (m *model) atRest(res *results) {
	walkers := make([]statusWalker, len(m.sets))
	for i, s := range m.sets {
		walkers[i] = statusWalker{m: m, results: res, r: m.rollouts[i], s: s, kept: map[string]*history.Event{}, present: countsByRevision{}, counts: counts{at: countsByRevision{}}}
	}
	contributions := make([]contribution, len(m.pods))
	clockOffset, known := m.clockOffset()
	for _, e := range m.h.Events {
		switch e.Resource {
		case history.Pods:
			p := m.byPod[e.UID]
			was := contributions[p.nr]
			now := m.contributionOf(p, e, walkers)
			if was.walk != nil {
				was.walk.finishPending(e, was != now)
			}
			if was == now {
				continue
			}
			if was.walk != nil {
				was.walk.addContribution(e, was, -1)
				if was.ready && now.walk != was.walk {
					was.walk.readyLost(e.At)
				}
			}
			if now.walk != nil {
				if now.walk != was.walk {
					now.walk.finishPending(e, true)
				}
				now.walk.addContribution(e, now, 1)
				now.walk.readinessChanged(e, was, now)
			}
			contributions[p.nr] = now
		case history.Sets:
			w := &walkers[m.bySet[e.UID].nr]
			if w.version != nil && onlyTouched(w.version, e) {
				w.version = e
				continue
			}
			w.checkUnchanged(e.At, false)
			if known {
				w.available(e, clockOffset)
			}
			w.version = e
			w.forgetObserved()
			w.changed(e)
		case history.Revisions:
			if c := e.Controller(); c != nil && m.bySet[c.UID] != nil {
				walkers[m.bySet[c.UID].nr].revisionChanged(e)
			}
		}
	}
	if m.complete() {
		for i := range walkers {
			walkers[i].checkUnchanged(m.h.Duration(), true)
			walkers[i].flush()
		}
	}
}

// contributionOf returns what the pod adds to the counts of its set from that event on.
func (m *model) contributionOf(p *podLife, e *history.Event, walks []statusWalker) contribution {
	t := p.ownerAt(e.Seq)
	if !t.nameFits || e.Gone() {
		return contribution{}
	}
	revision := p.revision
	if p.relabelled {
		revision = e.Labels[appsv1.ControllerRevisionHashLabelKey]
	}
	return contribution{walk: &walks[t.set.nr], revision: revision, ready: e.Pod.RunningAndReady(), staying: !e.Terminating()}
}

// addContribution adds a pod's contribution n times, which is 1 or -1.
func (w *statusWalker) addContribution(e *history.Event, s contribution, n int32) {
	if w.last == nil || w.last.Seq != e.Seq {
		w.past.add(w.counts, w.state)
		w.state++
	}
	w.replicas += n
	w.present.add(s.revision, n)
	if s.ready {
		w.ready += n
	}
	if s.staying {
		w.at.add(s.revision, n)
	}
	w.changed(e)
}

// readinessChanged records when a pod became Ready or stopped being so.
func (w *statusWalker) readinessChanged(e *history.Event, was, now contribution) {
	switch {
	case now.ready && !(was.ready && was.walk == w):
		w.readyAt = e.At
		earlier := func(r recentlyReady) bool { return r.uid == e.UID }
		w.recentlyReady = append(slices.DeleteFunc(w.recentlyReady, earlier), recentlyReady{uid: e.UID, event: e})
	case was.ready && !now.ready:
		w.readyLost(e.At)
	}
}

func (w *statusWalker) readyLost(at time.Duration) {
	w.lossTimes = append(slices.DeleteFunc(w.lossTimes, func(earlier time.Duration) bool { return !w.m.withinLag(earlier, at) }), at)
}

func (w *statusWalker) revisionChanged(e *history.Event) {
	w.checkUnchanged(e.At, false)
	if e.Gone() {
		delete(w.kept, e.Name)
		if w.s.deleting == nil && !w.m.deletedByTest(e.UID, e, e) {
			w.trimmed = e
		}
	} else {
		w.kept[e.Name] = e
	}
	w.changed(e)
}

func (w *statusWalker) changed(e *history.Event) {
	w.last, w.judged = e, false
	// Which revisions are in use other watches show, which may be behind that of revisions.
	if w.trimmed != nil && w.version != nil && w.m.withinLag(w.trimmed.At, e.At) && w.unusedBeyond() == 0 {
		w.results.exercised(contract.UpdateHistoryLimit)
		w.trimmed = nil
	}
}

// forgetObserved drops the counts older than those that the newest status shows: an informer cache does not return to an older state. Where
// several states had them, the oldest may be the one.
func (w *statusWalker) forgetObserved() {
	exact := w.version.Set.MinReadySeconds == 0
	shown := -1
	if w.agrees(&w.counts, exact) {
		shown = w.state
	}
	for i := range w.past {
		if c := &w.past[i]; w.agrees(&c.counts, exact) && (shown < 0 || c.first < shown) {
			shown = c.first
		}
	}
	w.past = slices.DeleteFunc(w.past, func(c previousCount) bool { return c.last < shown })
}

// finishPending checks the interval that a pod's event ends, if it changes the counts, and decides the pending findings: an event with
// an older resourceVersion than the status shows that the watch of pods was late.
func (w *statusWalker) finishPending(e *history.Event, ends bool) {
	if ends {
		w.checkUnchanged(e.At, false)
	}
	if len(w.pending) == 0 {
		return
	}
	if w.version != nil && lateByVersion(e, w.version) {
		for _, f := range w.pending {
			w.results.excuse(f.id, WatchSkew)
		}
		w.pending = nil
		return
	}
	w.flush()
}

func (w *statusWalker) flush() {
	for _, f := range w.pending {
		if f.dueBy > 0 {
			w.results.notDone(f.id, f.evidence, f.dueBy)
		} else {
			w.results.broken(f.id, f.evidence)
		}
	}
	w.pending = nil
}

// checkUnchanged compares the status with the pods if neither changed for longer than the lag.
func (w *statusWalker) checkUnchanged(to time.Duration, end bool) {
	v := w.version
	switch {
	case v == nil || w.last == nil || w.judged:
		return
	case w.s.deleting != nil && w.s.deleting.At <= to:
		w.whileDeleted(to, end)
		return
	case v.Set.Status.ObservedGeneration != v.Generation:
		return
	}
	length := to - w.last.At
	if w.m.withinLag(w.last.At, to) {
		return
	}
	w.judged = true
	wait := minReady(v)
	// Up to 1.34 the controller syncs again minReadySeconds after its last sync, not when a pod becomes available.
	ofAge := max(w.last.At, w.readyAt) + wait
	aged := !w.m.withinLag(ofAge, to)
	switch {
	case w.agrees(&w.counts, aged):
		w.results.exercised(contract.StatusCounts)
		if aged {
			w.equal(to)
		} else if v.Set.Status.Ready > v.Set.Status.Available {
			w.results.exercised(contract.StatusAvailable) // also where the watch of pods was behind that of sets
		}
	case !w.late() && w.m.mayTake(length):
		w.results.excuse(contract.StatusCounts, NotDue) // it may be written in steps, or count what the controller has just done
	case !w.late():
		w.wrongCounts(to, aged, ofAge, end)
	case end && length > w.m.laggingStatusDeadline():
		w.results.notDone(contract.StatusCounts, w.evidenceUntil(to, fmt.Sprintf("the status of %s (%s) still says %s, %.1f s after the last change (%s), to the end of the recording",
			w.s.name, v.Ref(), strings.Join(w.differences(aged), ", "), length.Seconds(), w.last.Aside())), w.last.At+w.m.laggingStatusDeadline())
	default:
		w.results.excuse(contract.StatusCounts, CacheLag)
	}
	w.limit(to, length, end)
	w.progressing(to)
}

// wrongCounts records that the status has counts that the pods never had. ofAge is when every Ready pod was available, aged says that this was longer
// ago than the lag, and end that it is the recording that ended, not the state of the set.
func (w *statusWalker) wrongCounts(to time.Duration, aged bool, ofAge time.Duration, end bool) {
	text := fmt.Sprintf("the status of %s (%s) says %s, and neither had changed for %.1f s",
		w.s.name, w.version.Ref(), strings.Join(w.differences(aged), ", "), (to - w.last.At).Seconds())
	// The status was right until a pod became available, for which there is no event.
	untilAvailable, dueBy := aged && w.agrees(&w.counts, false), ofAge+w.m.actDeadline()
	if untilAvailable && to <= dueBy {
		w.results.excuse(contract.StatusCounts, NotDue)
	} else {
		w.addPending(contract.StatusCounts, to, text)
		if last := &w.pending[len(w.pending)-1]; untilAvailable {
			last.dueBy, last.since = dueBy, ofAge
			last.until = endOf(to, end)
		}
	}
	if aged {
		w.equal(to) // a count of the wrong revision must not hide it
	}
}

// endOf returns the end of a state: the moment before the event that ended it, or the end of the recording.
func endOf(to time.Duration, end bool) time.Duration {
	if end {
		return to
	}
	return to - 1
}

func (w *statusWalker) addPending(id contract.ID, to time.Duration, text string) {
	w.pending = append(w.pending, pendingFinding{id: id, evidence: w.evidenceUntil(to, text)})
}

func (w *statusWalker) evidenceUntil(to time.Duration, text string) evidence {
	return evidence{
		set: w.s, text: text, since: w.last.At, until: to, also: []history.Resource{history.Pods}, events: []*history.Event{w.last, w.version}, written: statusField,
	}
}

// equal checks that current and update revision are equal where all pods are updated and Ready and the status counts them so.
func (w *statusWalker) equal(to time.Duration) {
	set, st := w.version.Set, w.version.Set.Status
	id := w.m.revisionsRow(set)
	if id == "" || set.Partition > 0 || w.unequal == st.UpdateRevision ||
		st.CurrentRevision == st.UpdateRevision || st.Updated != set.Replicas || st.Ready != set.Replicas || st.Replicas != set.Replicas ||
		w.ready != set.Replicas || w.at[st.UpdateRevision] != set.Replicas {
		return
	}
	w.unequal = st.UpdateRevision
	w.addPending(id, to, fmt.Sprintf("all %d pods of %s are updated and Ready, and so its status says (%s), but for %.1f s its currentRevision stayed %s beside the updateRevision %s",
		set.Replicas, w.s.name, w.version.Ref(), (to-w.last.At).Seconds(), st.CurrentRevision, st.UpdateRevision))
}

// limit checks that no more unused revisions exist than revisionHistoryLimit allows.
func (w *statusWalker) limit(to, length time.Duration, end bool) {
	overdue := w.m.actDeadline()
	if length <= overdue || w.unusedBeyond() == 0 {
		return
	}
	var unused []string
	events := []*history.Event{}
	for name, e := range w.kept {
		if w.unused(name) {
			unused = append(unused, name)
			events = append(events, e)
		}
	}
	slices.Sort(unused)
	slices.SortFunc(events, func(a, b *history.Event) int { return a.Seq - b.Seq })
	w.results.notDone(contract.UpdateHistoryLimit, evidence{
		set: w.s, since: w.last.At, until: endOf(to, end), also: []history.Resource{history.Pods}, events: append(events, w.version),
		text: fmt.Sprintf("%d revisions of %s are kept that nothing uses (%s) where revisionHistoryLimit is %d (%s), and nothing had changed for %.1f s",
			len(unused), w.s.name, strings.Join(unused, ", "), *w.version.Set.RevisionHistoryLimit, w.version.Aside(), length.Seconds()),
	}, w.last.At+overdue)
}

// unused reports whether neither the status nor a pod names the revision.
func (w *statusWalker) unused(revision string) bool {
	st := w.version.Set.Status
	return revision != st.CurrentRevision && revision != st.UpdateRevision && w.present[revision] == 0
}

// unusedBeyond returns the number of unused revisions beyond revisionHistoryLimit.
func (w *statusWalker) unusedBeyond() int {
	limit := w.version.Set.RevisionHistoryLimit
	if limit == nil || *limit < 0 {
		return 0
	}
	n := -int(*limit)
	for name := range w.kept {
		if w.unused(name) {
			n++
		}
	}
	return max(n, 0)
}
