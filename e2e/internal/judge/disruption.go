package judge

import (
	"fmt"
	"math"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// disruptionChecks must be the last: what they say of a disruption rests on what the judges of order found.
func disruptionChecks() []check {
	return []check{
		{ids: []contract.ID{contract.DisruptionNodeLost}, run: checkNodeLost},
		{ids: []contract.ID{
			contract.DisruptionControllerRestart, contract.DisruptionAPIServerRestart, contract.DisruptionNodeReturns,
		}, run: checkAcrossDisruption},
	}
}

// nodeOutage is a stretch in which a node did not answer.
type nodeOutage struct {
	node string
	lost history.Operation
	// until is when its pods may be replaced again: the node came back or was declared gone, or the history ends.
	untilSeq int
	until    time.Duration
}

func (m *model) nodeOutages() []nodeOutage {
	var out []nodeOutage
	for i, mark := range m.h.Operations {
		if mark.Verb != history.VerbStopNode {
			continue
		}
		o := nodeOutage{node: mark.Name, lost: mark, untilSeq: math.MaxInt, until: m.h.Duration()}
		for _, later := range m.h.Operations[i+1:] {
			if later.Name == mark.Name && (later.Verb == history.VerbStartNode || later.Verb == history.VerbFenceNode) {
				o.untilSeq, o.until = later.Seq, later.At
				break
			}
		}
		out = append(out, o)
	}
	return out
}

// checkNodeLost: while a node does not answer, none of its pods is removed unless the spec does so by force.
func checkNodeLost(m *model, res *results) {
	const id = contract.DisruptionNodeLost
	for _, o := range m.nodeOutages() {
		for _, p := range m.pods {
			at := p.at(o.lost.Seq)
			if at == nil || p.set == nil || at.Gone() || at.Terminating() || at.Pod.Node != o.node || at.Pod.Phase != corev1.PodRunning {
				continue
			}
			end := o.until
			forced, ours := m.lastDeletionByTest(p.uid)
			ours = ours && forced.Seq > o.lost.Seq && forced.Seq < o.untilSeq
			if ours {
				end = forced.At
			}
			switch {
			case p.gone != nil && p.gone.Seq < o.untilSeq && !(ours && forced.Seq < p.gone.Seq):
				if m.withinLag(o.lost.At, p.gone.At) {
					continue // its kubelet may have confirmed that before the node was lost
				}
				res.broken(id, evidence{
					set: p.set, since: o.lost.At, events: []*history.Event{at, p.gone},
					text: fmt.Sprintf("%s (UID %s) was removed at %s while it may still have run: its node %s had stopped answering at %s, was neither "+
						"back nor declared gone, and the spec had not deleted the pod by force%s; look for who else does",
						p.name, p.uid, p.gone.Ref(), o.node, history.Clock(o.lost.At), m.successor(p)),
				})
			case p.deleting != nil && p.deleting.Seq < o.untilSeq:
				// Something wanted it gone; that it stayed shows nothing unless it stayed for long.
				if end-p.deleting.At >= leastHold(m.reactionUntil(o.lost.At)) {
					res.exercised(id)
					res.note(id, "%s stayed for %.1f s after its deletion was requested", p.name, (end - p.deleting.At).Seconds())
				}
			}
		}
	}
}

// successor names the pod that took the name of one that is gone.
func (m *model) successor(p *podLife) string {
	for _, other := range m.podsNamed[p.name] {
		if other.nr > p.nr && other.created != nil {
			return fmt.Sprintf(", and a second %s (UID %s) was created at %s", other.name, other.uid, other.created.Ref())
		}
	}
	return ""
}

// order lists the rules of order that no disruption may break.
func order() []contract.ID {
	return []contract.ID{
		contract.OrderingCreate, contract.OrderingCreateHalts, contract.OrderingScaleUp, contract.OrderingScaleDown, contract.OrderingScaleDownHalts,
		contract.OrderingHeals, contract.OrderingChangeOfMind, contract.TerminationReverse,
		contract.UpdateOrder, contract.UpdateOneAtATime, contract.UpdateHalts,
	}
}

// disruptionGuarantee returns the guarantee that speaks of what follows a mark, "" if none does.
func disruptionGuarantee(mark history.Operation) contract.ID {
	switch {
	case mark.Verb == history.VerbStartNode:
		return contract.DisruptionNodeReturns
	case mark.Verb == history.VerbRestart && mark.Name == "kube-controller-manager":
		return contract.DisruptionControllerRestart
	case mark.Verb == history.VerbRestart && mark.Name == "kube-apiserver":
		return contract.DisruptionAPIServerRestart
	}
	return ""
}

// checkAcrossDisruption: what breaks a rule of order after a disruption breaks the guarantee that speaks of that disruption; a set that the
// disruption met at work, and that is at rest at the end, upholds it.
func checkAcrossDisruption(m *model, res *results) {
	for i, mark := range m.h.Operations {
		id := disruptionGuarantee(mark)
		if id == "" {
			continue
		}
		until := m.h.Duration()
		for _, later := range m.h.Operations[i+1:] {
			if disruptionGuarantee(later) == id {
				until = later.At // what comes then is the later one's
				break
			}
		}
		within := func(f Finding) bool { return f.At >= mark.At && f.At <= until }
		r := res.of(id)
		for _, rule := range order() {
			r.Violations = fromOtherChecks(r.Violations, id, mark, res.of(rule).Violations, within)
			r.Inconclusive = fromOtherChecks(r.Inconclusive, id, mark, res.of(rule).Inconclusive, within)
		}
		for _, s := range m.sets {
			if len(s.events) > 0 && s.events[0].At < mark.At && !s.settled(mark.Seq, mark.At) && s.settled(math.MaxInt, m.h.Duration()) {
				res.exercised(id)
			}
		}
	}
}

// fromOtherChecks adds findings to those of a disruption that came before them. One act may break several rules and is told once.
func fromOtherChecks(told []Finding, id contract.ID, mark history.Operation, findings []Finding, within func(Finding) bool) []Finding {
	for _, f := range findings {
		same := func(other Finding) bool { return other.Set == f.Set && other.At == f.At }
		if !within(f) || slices.ContainsFunc(told, same) {
			continue
		}
		f.Text = fmt.Sprintf("after %q at %s, %s: %s", mark.Text, history.Clock(mark.At), f.Guarantee, f.Text)
		f.Guarantee = id
		told = append(told, f)
	}
	return told
}

// settled reports whether at that point of the history the set had exactly the pods it asks for, each Ready and of the version that it
// asks for.
func (s *setLife) settled(seq int, at time.Duration) bool {
	v := s.latest(at)
	if v == nil || v.Set.Status.ObservedGeneration < v.Generation {
		return false
	}
	for n := int(v.Set.Start); n < int(v.Set.Start+v.Set.Replicas); n++ {
		p := s.life(n, seq)
		if p == nil || p.gone != nil && p.gone.Seq <= seq {
			return false
		}
		ready := p.readyBefore(seq)
		if ready == nil || ready.to != nil && ready.to.Seq <= seq {
			return false
		}
		if v.Set.Strategy == appsv1.RollingUpdateStatefulSetStrategyType && p.ordinal >= int(v.Set.Partition) && p.revision != v.Set.Status.UpdateRevision {
			return false
		}
	}
	for _, p := range s.pods {
		if p.first().Seq <= seq && (p.gone == nil || p.gone.Seq > seq) && !inRange(v, p.ordinal) {
			return false
		}
	}
	return true
}
