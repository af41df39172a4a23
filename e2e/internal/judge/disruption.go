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

// disruptionChecks must be the last: they use the findings of the ordering checks.
func disruptionChecks() []check {
	return []check{
		{ids: []contract.ID{contract.DisruptionNodeLost}, run: checkNodeLost},
		{ids: []contract.ID{
			contract.DisruptionControllerRestart, contract.DisruptionAPIServerRestart, contract.DisruptionNodeReturns,
		}, run: checkAcrossDisruption},
	}
}

// nodeOutage is an interval in which a node did not answer.
type nodeOutage struct {
	node string
	lost history.Operation
	// until is when its pods may be replaced: the node was started or fenced, or the history ends.
	untilSeq int
	until    time.Duration
}

func (m *model) nodeOutages() []nodeOutage {
	var out []nodeOutage
	for i, op := range m.h.Operations {
		if op.Verb != history.VerbStopNode {
			continue
		}
		o := nodeOutage{node: op.Name, lost: op, untilSeq: math.MaxInt, until: m.h.Duration()}
		for _, later := range m.h.Operations[i+1:] {
			if later.Name == op.Name && (later.Verb == history.VerbStartNode || later.Verb == history.VerbFenceNode) {
				o.untilSeq, o.until = later.Seq, later.At
				break
			}
		}
		out = append(out, o)
	}
	return out
}

// checkNodeLost: while a node does not answer, none of its pods is removed unless the test force-deletes it.
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
					res.excuse(id, OtherCause) // its kubelet may have confirmed that before the node was lost
					continue
				}
				res.broken(id, evidence{
					// Nodes are stopped only in clusters that the suite makes for itself.
					set: p.set, since: o.lost.At, events: []*history.Event{at, p.gone}, anyAuthor: true,
					text: fmt.Sprintf("%s (UID %s) was removed at %s while it may still have run: its node %s had stopped answering at %s, was neither "+
						"back nor declared gone, and the spec had not deleted the pod by force%s; look for who else does",
						p.name, p.uid, p.gone.Ref(), o.node, history.Clock(o.lost.At), m.successor(p)),
				})
			case p.deleting != nil && p.deleting.Seq < o.untilSeq:
				// That the pod was not removed counts only if that lasted longer than the controller's reaction.
				if end-p.deleting.At >= leastHold(m.reactionUntil(o.lost.At)) {
					res.exercised(id)
					res.note(id, "%s stayed for %.1f s after its deletion was requested", p.name, (end - p.deleting.At).Seconds())
				}
			}
		}
	}
}

// successor describes the replacement of a removed pod.
func (m *model) successor(p *podLife) string {
	for _, other := range m.podsNamed[p.name] {
		if other.nr > p.nr && other.created != nil {
			return fmt.Sprintf(", and a second %s (UID %s) was created at %s", other.name, other.uid, other.created.Ref())
		}
	}
	return ""
}

// orderingGuarantees lists the ordering guarantees that hold across disruptions.
func orderingGuarantees() []contract.ID {
	return []contract.ID{
		contract.OrderingCreate, contract.OrderingCreateHalts, contract.OrderingScaleUp, contract.OrderingScaleDown, contract.OrderingScaleDownHalts,
		contract.OrderingHeals, contract.OrderingChangeOfMind, contract.TerminationReverse,
		contract.UpdateOrder, contract.UpdateOneAtATime, contract.UpdateHalts,
	}
}

// disruptionGuarantee returns the guarantee about the time after that operation, or "".
func disruptionGuarantee(op history.Operation) contract.ID {
	switch {
	case op.Verb == history.VerbStartNode:
		return contract.DisruptionNodeReturns
	case op.Verb == history.VerbRestart && op.Name == "kube-controller-manager":
		return contract.DisruptionControllerRestart
	case op.Verb == history.VerbRestart && op.Name == "kube-apiserver":
		return contract.DisruptionAPIServerRestart
	}
	return ""
}

// checkAcrossDisruption: an ordering violation after a disruption also breaks the guarantee about that disruption. A set that was not settled
// at the disruption, went on after it and is settled at the end exercises it.
func checkAcrossDisruption(m *model, res *results) {
	for i, op := range m.h.Operations {
		id := disruptionGuarantee(op)
		if id == "" {
			continue
		}
		until := m.h.Duration()
		for _, later := range m.h.Operations[i+1:] {
			if disruptionGuarantee(later) == id {
				until = later.At
				break
			}
		}
		within := func(f Finding) bool { return f.At >= op.At && f.At <= until }
		r := res.of(id)
		for _, rule := range orderingGuarantees() {
			r.Violations = fromOtherChecks(r.Violations, id, op, res.of(rule).Violations, within)
			r.Inconclusive = fromOtherChecks(r.Inconclusive, id, op, res.of(rule).Inconclusive, within)
		}
		for _, s := range m.sets {
			if len(s.events) > 0 && s.events[0].At < op.At && !s.settled(op.Seq, op.At) && s.settled(math.MaxInt, m.h.Duration()) && m.actedAfter(s, op.At) {
				res.exercised(id)
			}
		}
	}
}

// actedAfter reports whether after a moment the set's controller did something that an order is promised for.
func (m *model) actedAfter(s *setLife, at time.Duration) bool {
	return slices.ContainsFunc(m.actions[s.nr].creations, func(c creation) bool { return c.event.At > at && !c.first }) ||
		slices.ContainsFunc(m.actions[s.nr].removals, func(r removal) bool { return r.event.At > at && r.outOfRange }) ||
		slices.ContainsFunc(m.rollouts[s.nr].acts, func(a rolloutAction) bool { return a.event.At > at && a.kind == rolling })
}

// fromOtherChecks appends to out the findings within a disruption. An act that breaks several rules is reported once.
func fromOtherChecks(out []Finding, id contract.ID, op history.Operation, findings []Finding, within func(Finding) bool) []Finding {
	for _, f := range findings {
		same := func(other Finding) bool { return other.Set == f.Set && other.At == f.At }
		if !within(f) || slices.ContainsFunc(out, same) {
			continue
		}
		f.Text = fmt.Sprintf("after %q at %s, %s: %s", op.Text, history.Clock(op.At), f.Guarantee, f.Text)
		f.Guarantee = id
		out = append(out, f)
	}
	return out
}

// settled reports whether at that sequence number the set had exactly the replicas of its spec, each Ready and at the update revision.
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
		if v.Set.Strategy == appsv1.RollingUpdateStatefulSetStrategyType && p.ordinal >= reached(v) && p.revision != v.Set.Status.UpdateRevision {
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
