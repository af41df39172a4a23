package judge

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// This file decides what specs expect of single objects. A spec records an expectation with the guarantee that it is for, so the judges here
// belong to no guarantee and JudgedGuarantees does not list them: in a history without expectations they have nothing to decide.

// expectationVerdict is what one expectation came to, before gaps of the recording and changes by other clients are considered.
type expectationVerdict struct {
	outcome history.Outcome // Passed, Failed or Inconclusive
	text    string          // for anything but a pass
	set     *setLife        // the set that is accused, if one is known
	events  []*history.Event
	ofField bool // it may be due to a field that admission set
}

// admitted says that an accusation may be due to a field of the pod that admission set.
func (v expectationVerdict) admitted() expectationVerdict {
	v.ofField = true
	return v
}

func held() expectationVerdict { return expectationVerdict{outcome: history.Passed} }

func undecided(e *history.Event, text string, args ...any) expectationVerdict {
	return expectationVerdict{outcome: history.Inconclusive, text: fmt.Sprintf(text, args...), events: []*history.Event{e}}
}

func notMet(set *setLife, events []*history.Event, text string, args ...any) expectationVerdict {
	return expectationVerdict{outcome: history.Failed, text: fmt.Sprintf(text, args...), set: set, events: events}
}

// addExpectations adds what came of the spec's expectations. It counts like a check of the spec.
func (res *results) addExpectations(all []history.Expectation) {
	for i := range all {
		res.addExpectation(&all[i])
	}
}

func (res *results) addExpectation(x *history.Expectation) {
	m, r := res.m, res.of(x.Guarantee)
	events := m.expectedObject(x)
	if len(events) == 0 {
		r.Inconclusive = append(r.Inconclusive, Finding{
			Guarantee: x.Guarantee, At: x.At, Seqs: []int{x.Seq},
			Text: fmt.Sprintf("%s: expected the %s %s of UID %s to be recorded", x.Text, x.Resource, x.Name, x.UID),
		})
		return
	}
	v := m.judgeExpectation(x, events)
	c := evidence{set: v.set, text: v.text, since: events[0].At, until: x.At, events: v.events, anyAuthor: true, admitted: v.ofField}
	switch v.outcome {
	case history.Passed:
		// A container's exit is in the recording, whatever else is missing from it.
		if g := m.gap(x.Resource, c.since, c.until); g != nil && x.Kind != history.ExpectContainerExit {
			c.text = fmt.Sprintf("%s: the history of %s has a gap from %s to %s (%s) that may hold the opposite",
				x.Text, g.Resource, history.Clock(g.From), history.Clock(g.To), g.Reason)
			c.events = events[len(events)-1:]
			res.inconclusive(x.Guarantee, c)
			return
		}
		res.exercised(x.Guarantee)
	case history.Failed:
		if e := m.externalChangeBy(x.At, m.setOfExpectation(x)); e != nil {
			c.text += butChangedByOthers(e)
			c.events = append(slices.Clone(c.events), e)
			res.inconclusive(x.Guarantee, c)
			return
		}
		res.broken(x.Guarantee, c)
	default:
		res.inconclusive(x.Guarantee, c)
	}
}

// setOfExpectation returns the name of the set that an expectation is about, "" where it is not known.
func (m *model) setOfExpectation(x *history.Expectation) string {
	if p := m.byPod[x.UID]; p != nil && p.set != nil {
		return p.set.name
	}
	return ""
}

// expectedObject returns the events that an expectation speaks of.
func (m *model) expectedObject(x *history.Expectation) []*history.Event {
	var out []*history.Event
	for _, e := range m.h.Events {
		if e.Resource == x.Resource && e.UID == x.UID && e.Seq >= x.Since && e.Seq < x.Seq {
			out = append(out, e)
		}
	}
	return out
}

// judgeExpectation decides an expectation from the events that it speaks of, of which there is one at least.
func (m *model) judgeExpectation(x *history.Expectation, events []*history.Event) expectationVerdict {
	if x.Kind == history.ExpectKept {
		return m.kept(x, events)
	}
	pod := m.byPod[x.UID]
	if pod == nil || x.Resource != history.Pods {
		return undecided(events[0], "%s: %q can be expected of pods only, not of %s", x.Text, x.Kind, x.Resource)
	}
	switch x.Kind {
	case history.ExpectContainerExit:
		return m.containerExit(x, pod, events)
	case history.ExpectNeverFailed:
		return m.neverFailed(x, pod, events)
	case history.ExpectLeftAlone:
		return m.leftAlone(x, pod, events)
	}
	return undecided(events[0], "%s: these judges do not know expectations of the kind %q", x.Text, x.Kind)
}

// containerExit decides whether a deleted pod had the whole grace period of its template, and whether its container exited by itself with
// the expected code. x.Text says which code that is.
func (m *model) containerExit(x *history.Expectation, pod *podLife, events []*history.Event) expectationVerdict {
	var deletion, ended *history.Event
	for _, e := range events {
		if deletion == nil && e.DeletionGrace != nil && e.DeletionTimestamp != nil && e.Pod.Grace != nil {
			deletion = e
		}
		if c := e.Pod.Main(); c != nil && c.State == history.ContainerTerminated {
			ended = e
		}
	}
	if deletion == nil {
		return undecided(events[len(events)-1], "expected the deletion of the pod of uid %s to be recorded", x.UID)
	}
	grace, granted := *deletion.Pod.Grace, *deletion.DeletionGrace
	seen := []*history.Event{deletion}
	switch {
	case deletion.Pod.Is(corev1.DisruptionTarget):
		return undecided(deletion, "%s was evicted or preempted at %s, with a grace period that is not the set's to choose", deletion.Name, deletion.Ref())
	case grace < x.GraceSeconds:
		return notMet(pod.set, seen, "deletion of %s: expected the template's grace period of %d s in the pod, found %d s", deletion.Name, x.GraceSeconds, grace).admitted()
	case granted < grace && m.deletedByTest(pod.uid, pod.first(), deletion):
		return undecided(deletion, "deletion of %s: the test itself deleted it, at %s with a grace period of %d s", deletion.Name, deletion.Ref(), granted)
	case granted < grace && !m.reported[pod]:
		return undecided(deletion, "deletion of %s: expected the pod's own grace period of %d s, found %d s at %s, but no Event of the StatefulSet controller names the pod as deleted%s",
			deletion.Name, grace, granted, deletion.Ref(), anyClient("pods"))
	case granted < grace:
		return notMet(pod.set, seen, "deletion of %s: expected the pod's own grace period of %d s, found %d s at %s: look for who deletes pods with another one",
			deletion.Name, grace, granted, deletion.Ref())
	case x.ExitCode == killed:
		return m.killedInTime(x, pod, deletion, ended)
	case ended == nil:
		return undecided(deletion, "%s was gone before its kubelet reported how its container ended", deletion.Name)
	}
	c := ended.Pod.Main()
	took := longestToEnd(deletion, ended)
	what := fmt.Sprintf("end of %s, %v after its deletion, of a grace period of %d s", deletion.Name, took, grace)
	switch {
	case c.ExitCode == x.ExitCode:
		return held()
	case took >= m.leastElapsed(time.Duration(grace)*time.Second):
		return undecided(ended, "%s: it ended with exit code %d, but only when all of its grace period was over, so its node %s was too slow to tell",
			what, c.ExitCode, ended.Pod.Node)
	}
	if c.ExitCode >= signalled && (pod.set == nil || !slices.ContainsFunc(pod.set.pods, func(p *podLife) bool { return p != pod && m.killedEarly(p) })) {
		return undecided(ended, "%s: a signal ended it (exit code %d) and no other container of the set: anybody on its node %s may have sent that, or the kernel for want of memory",
			what, c.ExitCode, ended.Pod.Node)
	}
	return notMet(pod.set, []*history.Event{deletion, ended}, "%s: expected %s, found %d (%s) at %s: see the container runtime and the kubelet of node %s",
		what, x.Text, c.ExitCode, c.Reason, ended.Ref(), ended.Pod.Node)
}

// longestToEnd returns how long a container took at most to end after the deletion of its pod. The times in the two are of two clocks, of which one may be
// off, and what shows the end may be late.
func longestToEnd(deletion, ended *history.Event) time.Duration {
	return max(endedAfter(deletion, ended), ended.At-deletion.At)
}

// endedAfter returns how long after the deletion of its pod a container ended by its timestamp, which is of the node's clock.
func endedAfter(deletion, ended *history.Event) time.Duration {
	return ended.Pod.Main().Finished.Sub(deletion.DeletionTimestamp.Add(-time.Duration(*deletion.DeletionGrace) * time.Second))
}

// killedEarly reports whether a signal ended the container of a deleted pod before its grace period was over.
func (m *model) killedEarly(p *podLife) bool {
	if p.deleting == nil || p.deleting.DeletionGrace == nil {
		return false
	}
	grace := time.Duration(*p.deleting.DeletionGrace) * time.Second
	return slices.ContainsFunc(p.events, func(e *history.Event) bool {
		c := e.Pod.Main()
		return e.Seq > p.deleting.Seq && c != nil && c.State == history.ContainerTerminated && c.ExitCode >= signalled &&
			longestToEnd(p.deleting, e) < m.leastElapsed(grace)
	})
}

// neverFailed decides whether a pod whose container ended by itself with the expected code was restarted and not failed: a set's template
// allows no restart policy but Always.
func (m *model) neverFailed(x *history.Expectation, pod *podLife, events []*history.Event) expectationVerdict {
	var failed, disrupted *history.Event
	for _, e := range events {
		ended := func(c history.Container) bool {
			return c.State == history.ContainerTerminated && c.ExitCode == x.ExitCode
		}
		switch {
		case !e.Pod.Finished() || !slices.ContainsFunc(e.Pod.Containers, ended):
		case e.Pod.Is(corev1.DisruptionTarget):
			disrupted = e
		default:
			failed = e
		}
	}
	switch {
	case failed == nil && disrupted == nil:
		return held()
	case failed == nil:
		return undecided(disrupted, "container of %s, ended with exit code %d: the pod was evicted or preempted at %s, so that nobody can tell whether it would have been restarted",
			pod.name, x.ExitCode, disrupted.Ref())
	}
	what := fmt.Sprintf("container of %s, ended with exit code %d: expected it to be restarted in its pod, found the pod %s at %s", pod.name, x.ExitCode, failed.Pod.Phase, failed.Ref())
	// Nothing is restarted in a pod that is terminating.
	if d := pod.deleting; d != nil && d.Seq < pod.finished.Seq && m.whoDeleted(pod) != byController {
		return undecided(failed, "%s, after its deletion at %s, which nothing shows to be the set's", what, d.Ref())
	}
	return notMet(pod.set, []*history.Event{failed}, "%s", what).admitted()
}

// leftAlone decides whether a pod of another controller stayed, under that controller.
func (m *model) leftAlone(x *history.Expectation, pod *podLife, events []*history.Event) expectationVerdict {
	was, now := events[0], events[len(events)-1]
	owner := now.Controller()
	seen := []*history.Event{was, now}
	switch {
	case now.Pod.Is(corev1.DisruptionTarget):
		return undecided(now, "pod %s was evicted or preempted at %s, so that nobody can tell what the set would have done", now.Name, now.Ref())
	case (now.Gone() || now.Terminating()) && m.whoDeleted(pod) != byController:
		return undecided(pod.deleting, "%s: it was deleted at %s, and not by the set, for all that the recording shows: %s", x.Text, pod.deleting.Ref(), m.deletedBy(pod))
	case now.Gone() || now.Terminating():
		return notMet(m.setSelecting(pod), seen, "%s: expected it to stay, found it deleted at %s: see the API server's audit log for who did it", x.Text, now.Ref())
	case now.ControllerUID() == was.ControllerUID():
		return held()
	case owner != nil && owner.Kind != "StatefulSet":
		return undecided(now, "%s: its controller became %s %s at %s, which is not a set's doing", x.Text, owner.Kind, owner.Name, now.Ref())
	}
	accused := m.bySet[now.ControllerUID()]
	if accused == nil {
		accused = m.setSelecting(pod)
	}
	return notMet(accused, seen, "%s: expected the controller to stay the one of UID %q, found %q at %s", x.Text, was.ControllerUID(), now.ControllerUID(), now.Ref())
}

// kept decides whether an object is still there, with the controller that is expected, and a claim with its volume.
func (m *model) kept(x *history.Expectation, events []*history.Event) expectationVerdict {
	was, now := events[0], events[len(events)-1]
	deleted := slices.IndexFunc(events, func(e *history.Event) bool { return e.Terminating() || e.Gone() })
	switch {
	case deleted >= 0:
		return m.notKept(x, events[:deleted], events[deleted])
	case was.Claim != nil && was.Claim.Volume != "" && now.Claim.Volume != was.Claim.Volume:
		return notMet(m.setOfClaim(was), []*history.Event{was, now}, "%s: expected the volume %q, found %q at %s", x.Text, was.Claim.Volume, now.Claim.Volume, now.Ref())
	case x.Controller != nil && now.ControllerUID() != *x.Controller:
		return notMet(m.bySet[*x.Controller], []*history.Event{was, now}, "%s: expected the controller of UID %q, found %q at %s", x.Text, *x.Controller, now.ControllerUID(), now.Ref())
	}
	return held()
}

// notKept decides on an object that was deleted although it was expected to stay, given what it was before.
func (m *model) notKept(x *history.Expectation, versions []*history.Event, deletion *history.Event) expectationVerdict {
	was := deletion
	if len(versions) > 0 {
		was = versions[0]
	}
	pod, set := m.byPod[x.UID], m.setOfClaim(was)
	if pod != nil {
		set = pod.set
	}
	late := m.ownedLate(versions, deletion)
	switch {
	case pod == nil && m.deletedByTest(x.UID, was, deletion):
		return undecided(deletion, "%s: the test deleted it, at %s", x.Text, deletion.Ref())
	case late != nil:
		return undecided(deletion, "%s: found it deleted at %s, but its controller may not have known yet that the set was being deleted when it made that the owner, at %s",
			x.Text, deletion.Ref(), late.Ref())
	case m.collected(deletion):
	case pod == nil:
		return undecided(deletion, "%s: it was deleted at %s, and had no owner that was gone, with which the garbage collector deletes it%s",
			x.Text, deletion.Ref(), anyClient("claims"))
	case x.Guarantee == contract.DisruptionTaint && evictedForTaint(pod):
		return notMet(set, []*history.Event{was, pod.disruptionTarget, deletion}, "%s: found it evicted at %s because of a taint that it tolerates, or that its node no longer had: see the node's taints and the controller that evicts for them",
			x.Text, deletion.Ref())
	case m.whoDeleted(pod) != byController:
		return undecided(deletion, "%s: it was deleted at %s, and not by the set, for all that the recording shows: %s", x.Text, deletion.Ref(), m.deletedBy(pod))
	}
	return notMet(set, []*history.Event{was, deletion}, "%s: expected it to stay, found it deleted at %s: see its ownerReferences %v and the API server's audit log for who did it",
		x.Text, deletion.Ref(), ownerNames(deletion))
}

// ownedLate returns the first of the versions of a deleted object from which on it had an owner that had been deleted before, a set whose controller's
// informer cache may not have shown that; nil if there is none.
func (m *model) ownedLate(versions []*history.Event, deletion *history.Event) *history.Event {
	for _, o := range deletion.Owners {
		s := m.bySet[o.UID]
		for i := 1; i < len(versions) && s != nil && s.deleting != nil; i++ {
			if e := versions[i]; ownedBy(e, s) && !ownedBy(versions[i-1], s) && before(s.deleting, e) != no && m.mayHaveMissed(s.deleting, e) {
				return e
			}
		}
	}
	return nil
}

// evictedForTaint reports whether the control plane marked a pod as evicted because of a taint of its node before it was deleted.
func evictedForTaint(p *podLife) bool {
	e := p.disruptionTarget
	return e != nil && p.deleting != nil && e.Seq <= p.deleting.Seq && e.Pod.Condition(corev1.DisruptionTarget).Reason == "DeletionByTaintManager"
}

// setOfClaim returns the newest set that a claim may be for at an event of it, nil where there is none or the event is of no claim.
func (m *model) setOfClaim(e *history.Event) *setLife {
	if e.Claim == nil {
		return nil
	}
	s, _ := m.claimant(e.Name, e.At)
	return s
}

// ownerNames lists the object's ownerReferences.
func ownerNames(e *history.Event) []string {
	var out []string
	for _, o := range e.Owners {
		out = append(out, o.Kind+" "+o.Name)
	}
	return out
}

// deletedBy says who deleted a pod that its controller did not delete.
func (m *model) deletedBy(p *podLife) string {
	switch m.whoDeleted(p) {
	case byTest:
		return "the test deleted it"
	case byClient:
		return "a client evicted it, or asked for another grace period than its own"
	case byControlPlane:
		return "the control plane gave it up"
	case byAnybody:
		return "no Event of the StatefulSet controller names it as deleted" + anyClient("pods")
	}
	return fmt.Sprintf("it had finished (%s), and the pod garbage collector may have removed it", p.deleting.Pod.Phase)
}

// setSelecting returns a set whose selector the pod matches, one that the test did not create before one that it did, nil if there is none.
func (m *model) setSelecting(p *podLife) *setLife {
	var found *setLife
	for _, s := range m.sets {
		if s.selects() && s.matches(p.first()) {
			if m.notCreatedByTest(s) {
				return s
			}
			found = s
		}
	}
	return found
}
