package judge

import (
	"fmt"
	"sort"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// lossReason says how a set lost a pod whose ordinal is in range.
type lossReason int

const (
	deleted lossReason = iota
	evicted
	failed
	succeeded
	released
)

// lostPod is one pod that a set lost, or that finished, while its ordinal was in range.
type lostPod struct {
	set    *setLife
	pod    *podLife
	reason lossReason
	at     *history.Event
	// next is the next pod of the ordinal, nil if none came.
	next *podLife
	// unfilledFor is for how long, at the end of a complete recording, nothing had kept the controller from creating a replacement; 0 if
	// there is one.
	unfilledFor time.Duration
	// refused says that creations were refused then.
	refused bool
}

func (m *model) allLostPods() []lostPod {
	var out []lostPod
	for _, s := range m.sets {
		if len(s.events) == 0 {
			continue
		}
		f, complete := m.frontierOf(s)
		for _, p := range s.pods {
			if l, ok := m.lossOf(s, p); ok {
				if l.next == nil && complete {
					l.unfilledFor = m.unfilledFor(s, p.ordinal, f)
					l.refused = m.refused(s, f.since)
				}
				out = append(out, l)
			}
		}
	}
	return out
}

// lossOf returns how the set lost the pod, or false if it did not, or not while the ordinal was in range.
func (m *model) lossOf(s *setLife, p *podLife) (lostPod, bool) {
	l := lostPod{set: s, pod: p}
	switch at := s.releaseOf(p); {
	case at != nil:
		l.at, l.reason = at, released
	case p.finished != nil && (p.deleting == nil || p.finished.Seq < p.deleting.Seq):
		l.at, l.reason = p.finished, failed
		if p.finished.Pod.Phase == corev1.PodSucceeded {
			l.reason = succeeded
		}
	case p.deleting == nil:
		return l, false
	default:
		l.at, l.reason = p.deleting, deleted
		if d, ours := m.lastDeletionByTest(p.uid); (ours && d.Verb == history.VerbEvict) || p.evicted(p.deleting.Seq) {
			l.reason = evicted
		}
	}
	if s.mayBeDeleted(l.at) {
		return l, false
	}
	l.next = s.replacementOf(p)
	until := m.h.Duration()
	if l.next != nil {
		until = l.next.first().At
	}
	return l, s.wanted(p.ordinal, m.visibleFrom(l.at.At), until)
}

// replacementOf returns the next pod of the same ordinal, or nil.
func (s *setLife) replacementOf(p *podLife) *podLife {
	lives := s.byOrdinal[p.ordinal]
	i := sort.Search(len(lives), func(i int) bool { return lives[i].first().Seq > p.first().Seq })
	if i == len(lives) {
		return nil
	}
	return lives[i]
}

// evicted reports whether at that point of the history the pod carried the condition that the Eviction API sets.
func (p *podLife) evicted(seq int) bool {
	if p.disruptionTarget == nil || p.disruptionTarget.Seq > seq {
		return false
	}
	c := p.disruptionTarget.Pod.Condition(corev1.DisruptionTarget)
	return c != nil && c.Reason == evictionReason
}

// removedEarly reports whether a pod may be removed before its containers are seen to have stopped: the pod garbage collector removes pods of
// nodes that are gone, and a kubelet reports no container of a pod that it ended under pressure. Evictions through the API or because of
// a taint, and preemptions, are graceful deletions.
func removedEarly(pod *history.Event) bool {
	c := pod.Pod.Condition(corev1.DisruptionTarget)
	return c != nil && c.Status == corev1.ConditionTrue && (c.Reason == "DeletionByPodGC" || c.Reason == corev1.PodReasonTerminationByKubelet)
}

// evictionReason is the reason of the condition DisruptionTarget that the Eviction API sets.
const evictionReason = "EvictionByEvictionAPI"

// releaseOf returns the event in which the pod lost its ownerReference to the set, or nil if it never did.
func (s *setLife) releaseOf(p *podLife) *history.Event {
	for i, t := range p.owners {
		if i > 0 && p.owners[i-1].set == s && t.set != s {
			return t.from
		}
	}
	return nil
}

// wanted reports whether every version of the set that was current between the two moments has the ordinal in range.
func (s *setLife) wanted(n int, from, to time.Duration) bool {
	return len(s.specs) > 0 && !s.during(from, to, func(v *history.Event) bool { return !inRange(v, n) })
}

// specAt returns the version of the set's spec that was current at that moment, the first one before that.
func (s *setLife) specAt(at time.Duration) *history.Event {
	return s.specs[max(s.specsUntil(at)-1, 0)]
}

// ownerNamed returns the UID of the object's owner of that kind and name, or "".
func ownerNamed(e *history.Event, kind, name string) types.UID {
	for _, o := range e.Owners {
		if o.Kind == kind && o.Name == name {
			return o.UID
		}
	}
	return ""
}

// lostPodsReplaced checks every lost pod of one reason: it must be replaced by a pod with the same identity.
func lostPodsReplaced(why lossReason, id contract.ID) func(*model, *results) {
	return func(m *model, res *results) {
		overdue := m.actDeadline()
		for _, l := range m.lostPods {
			if l.reason == why {
				res.checkReplacement(id, l, overdue)
			}
		}
	}
}

// checkReplacement checks the replacement of one lost pod.
func (res *results) checkReplacement(id contract.ID, l lostPod, overdue time.Duration) {
	how := [...]string{deleted: "deleted", evicted: "evicted", failed: "Failed", succeeded: "Succeeded", released: "released"}[l.reason]
	if l.next == nil {
		if l.unfilledFor > overdue {
			since := res.m.h.Duration() - l.unfilledFor
			res.notDone(id, evidence{
				set: l.set, since: since, until: res.m.h.Duration(), also: []history.Resource{history.Events}, events: []*history.Event{l.at},
				text: fmt.Sprintf("%s (%s at %s) was not replaced to the end of the recording, though nothing had stood in the way of a new pod for %.1f s",
					l.pod.name, how, l.at.Ref(), l.unfilledFor.Seconds()),
			}, since+overdue)
		} else if l.refused {
			res.excuse(id, Refused)
		}
		return
	}
	if l.next.created == nil || l.next.owners[0].set != l.set {
		return
	}
	same := true
	for _, d := range l.differences() {
		same = false
		res.broken(id, evidence{
			set: l.set, since: l.next.created.At, events: []*history.Event{l.at, l.next.created},
			text: fmt.Sprintf("%s (%s at %s) came back at %s with another identity: %s", l.pod.name, how, l.at.Ref(), l.next.created.Ref(), d),
		})
	}
	if same {
		res.exercised(id)
	}
}

// differences lists where the replacement's identity differs from the lost pod's. If another client created the lost pod, or its creation
// is not recorded, only the hostname is compared.
func (l *lostPod) differences() []string {
	was, now := l.pod.first(), l.next.first()
	var out []string
	differ := func(what, was, now string) {
		if was != now {
			out = append(out, fmt.Sprintf("%s %q, expected %q", what, now, was))
		}
	}
	if l.pod.created == nil || l.pod.owners[0].set != l.set {
		differ("hostname", l.next.name, now.Pod.Hostname)
		return out
	}
	differ("hostname", was.Pod.Hostname, now.Pod.Hostname)
	differ("subdomain", was.Pod.Subdomain, now.Pod.Subdomain)
	for _, label := range []string{appsv1.StatefulSetPodNameLabel, appsv1.PodIndexLabel} {
		differ("label "+label, was.Labels[label], now.Labels[label])
	}
	for _, t := range l.set.claimTemplates() {
		differ("for volume "+t+" the claim", was.Pod.Claims[t], now.Pod.Claims[t])
	}
	return out
}
