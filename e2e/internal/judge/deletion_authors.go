package judge

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// This file decides who deleted a pod or claim, as a part of attribution.go.
//
// The watches do not show who sends a request. What shows that the StatefulSet controller deleted a pod is its own report, an Event object of
// the reason SuccessfulDelete that names the pod. It writes one after each deletion, but client-go's event recorder drops what exceeds a
// burst of 25 for one set (one more every 5 minutes), and what the API server does not take: a report that is missing shows nothing.
// The controller deletes no claims. The garbage collector does, and only those whose owners are all gone, or being deleted in the foreground.

// whoDeleted returns who requested the pod's deletion. What sets the condition DisruptionTarget deletes the pod in the same call: a condition that is
// older than the lag tells of another attempt, and does not refute the controller's report.
func (m *model) whoDeleted(p *podLife) actor {
	switch d := p.deleting; {
	case d == nil:
		return unknownActor
	case m.deletedByTest(p.uid, p.first(), d):
		return byTest
	case m.reported[p] && !p.otherGrace() && m.disruptedBefore(p):
		return byController
	case p.evicted(d.Seq):
		return byClient
	case p.disruptionTarget != nil && p.disruptionTarget.Seq <= d.Seq:
		return byControlPlane
	case p.finished != nil && p.finished.Seq <= d.Seq:
		return unknownActor // the controller replaces it, and the pod garbage collector removes it when there are many
	case m.reported[p] && (!p.otherGrace() || m.shortened > 1):
		return byController
	case p.otherGrace():
		return byClient
	}
	return byAnybody
}

// disruptedBefore reports whether the pod had got the condition DisruptionTarget so long before its deletion that this came of something else, and had
// not finished, for which the controller deletes it.
func (m *model) disruptedBefore(p *podLife) bool {
	return p.disruptionTarget != nil && m.mustHaveSeen(p.disruptionTarget.At, p.deleting.At) && (p.finished == nil || p.finished.Seq > p.deleting.Seq)
}

// maybeByController reports whether the pod's deletion may be the act of the StatefulSet controller.
func (m *model) maybeByController(p *podLife) bool {
	who := m.whoDeleted(p)
	return who == byController || who == byAnybody
}

// otherGrace reports whether the pod's deletion was requested with another grace period than the pod's own, for which the StatefulSet
// controller never asks. The API server makes it 0 itself for a pod that is not scheduled, be it that the scheduler binds it at the same moment, or has
// finished, and removes a pod with 0 at once.
func (p *podLife) otherGrace() bool {
	d := p.deleting
	if d.Pod.Node == "" || d.Pod.Finished() || d.Pod.Grace == nil || p.boundJustBefore(d) {
		return false
	}
	if d.Gone() {
		return d.Change == history.Deleted && *d.Pod.Grace > 0
	}
	return d.Change != history.Listed && d.DeletionGrace != nil && *d.DeletionGrace != *d.Pod.Grace
}

// boundJustBefore reports whether the pod had got its node so shortly before its deletion that nothing of it had started.
func (p *podLife) boundJustBefore(d *history.Event) bool {
	bound := p.scheduled()
	return orZero(d.DeletionGrace) == 0 && len(d.Pod.Containers) == 0 && len(d.Pod.IPs) == 0 && bound.Change != history.Listed && promptly(bound, d)
}

// matchReports finds the pods whose deletion the StatefulSet controller reports.
func (m *model) matchReports() {
	m.reported = map[*podLife]bool{}
	m.reports = map[string][]*history.Event{}
	for _, e := range m.h.Events {
		if e.Change != history.Added && e.Change != history.Modified {
			continue // nobody saw when it was written
		}
		if name := e.DeletionReport(); name != "" {
			m.reports[name] = append(m.reports[name], e)
		}
	}
	for name, all := range m.reports {
		m.matchReportsOf(m.podsNamed[name], all)
	}
	// Once, another client may have forced the deletion of a pod that the controller was about to delete.
	for p := range m.reported {
		if m.reported[p] && p.otherGrace() {
			m.shortened++
		}
	}
}

// matchReportsOf does so for the pods of one name, oldest first. A report names no UID: it is that of the last deletion before it, unless it
// may be the late one of the deletion before that. The controller sometimes reports a deletion twice.
func (m *model) matchReportsOf(pods []*podLife, reports []*history.Event) {
	var previous *podLife
	for i, p := range pods {
		if p.deleting == nil {
			continue
		}
		until := m.nextDeletion(pods[i+1:])
		for ; len(reports) > 0 && reports[0].At <= until; reports = reports[1:] {
			r := reports[0]
			m.reported[p] = m.reported[p] || (m.mayReport(r, p) && (previous == nil || !m.mayReport(r, previous)))
		}
		previous = nil
		if who := m.whoDeleted(p); who != byTest && who != byClient {
			previous = p
		}
	}
}

// nextDeletion returns until when a report is surely not that of the first deletion among these pods, later ones of one name.
func (m *model) nextDeletion(later []*podLife) time.Duration {
	if i := slices.IndexFunc(later, func(p *podLife) bool { return p.deleting != nil }); i >= 0 {
		return surelyBy(later[i].deleting.At)
	}
	return m.h.Duration() + watchSkew
}

// mayReport reports whether a report may be that of the pod's deletion, by the order of the two and by the times that the controller and the
// API server gave them.
func (m *model) mayReport(r *history.Event, p *podLife) bool {
	d := p.deleting
	if r.At < surelyBy(d.At) {
		return false
	}
	requested, known := deletionRequested(d)
	if !known {
		requested = m.h.Header.Start.Add(d.At)
	}
	return m.reportedAt(r, requested)
}

// reportedAt reports whether the controller may have written a report about what happened at that time, by another clock.
func (m *model) reportedAt(r *history.Event, when time.Time) bool {
	tolerance := m.h.Header.ClockSkew + timestampResolution
	apart := r.Report.Last.Sub(when)
	return r.Report.Last.IsZero() || (apart >= -tolerance && apart <= m.h.Header.Lag+tolerance)
}

// endedByController reports whether the StatefulSet controller reports that it deleted the pod once more, when it was terminating and was
// removed, by a report that is neither of its first deletion nor of the next pod of that name.
func (m *model) endedByController(p *podLife) bool {
	named := m.podsNamed[p.name]
	until := m.nextDeletion(named[slices.Index(named, p)+1:])
	return slices.ContainsFunc(m.reports[p.name], func(r *history.Event) bool {
		return r.At >= surelyBy(p.gone.At) && r.At <= until && m.reportedAt(r, m.h.Header.Start.Add(p.gone.At)) && !m.mayReport(r, p)
	})
}

// collected reports whether the garbage collector had a reason for the deletion of a claim or pod: it had owners, and all of them were gone, or
// being deleted in the foreground.
func (m *model) collected(deletion *history.Event) bool {
	for _, o := range deletion.Owners {
		var versions []*history.Event
		if s := m.bySet[o.UID]; s != nil {
			versions = s.events
		} else if p := m.byPod[o.UID]; p != nil {
			versions = p.events
		}
		if len(versions) == 0 {
			continue // it was gone before the recording
		}
		i := slices.IndexFunc(versions, func(e *history.Event) bool {
			return e.Gone() || (e.Terminating() && slices.Contains(e.Finalizers, metav1.FinalizerDeleteDependents))
		})
		if i < 0 || before(versions[i], deletion) == no {
			return false
		}
	}
	return len(deletion.Owners) > 0
}

// withoutAuthor says of the first of some acts that it is a deletion, or the creation of a claim, which the history does not show to be the accused's, "" if
// none is.
func (m *model) withoutAuthor(acts []*history.Event) string {
	for _, e := range acts {
		if e == nil {
			continue
		}
		p, c := m.byPod[e.UID], m.byClaim[e.UID]
		switch {
		case p != nil && (p.deleting == e && m.maybeOthers(p) || p.gone == e && p.deleting != e && !m.endedByController(p)):
			return "; but no Event of the StatefulSet controller names " + e.Name + " as deleted then" + anyClient("delete pods")
		case c != nil && c.deleting == e && !m.collected(e):
			return "; but " + e.Name + " had no owner that was gone, with which the garbage collector deletes it" + anyClient("delete claims")
		case c != nil && c.created == e:
			if s, pod := m.claimant(c.name, surelyBy(e.At)); !m.madeByController(s, c) {
				return "; but no Event of the StatefulSet controller names " + e.Name + " as created then, nor did it create " + pod + " at once" + anyClient("create claims")
			}
		}
	}
	return ""
}

// maybeOthers reports whether a client other than the controller may have requested the pod's deletion.
func (m *model) maybeOthers(p *podLife) bool {
	switch m.whoDeleted(p) {
	case byAnybody, byClient, byTest:
		return true
	}
	return false
}

// anyClient says who may have done something to objects, and what shows who did.
func anyClient(does string) string {
	return fmt.Sprintf(", and any client that may %s can have: the API server's audit log shows which did", does)
}
