package recording

import (
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// nodeThen is the node of a pod at the moment of an event of the pod, as far as nodes are recorded.
type nodeThen struct {
	event *history.Event // nil where there is no such node, or nothing is recorded of it
	// recorded says that nodes are, so that one without an event is not there.
	recorded bool
}

// nodeOf returns the node of a pod as it is in the state so far.
func (a *actLister) nodeOf(e *history.Event) nodeThen {
	if e.Pod.Node == "" {
		return nodeThen{}
	}
	return nodeThen{event: a.state.Get(history.Nodes, e.Pod.Node), recorded: a.nodes}
}

// cordoned says that the node was, with a semicolon before it, "" where it was not or that is not recorded.
func (n nodeThen) cordoned() string {
	if n.event == nil || !n.event.Node.Unschedulable {
		return ""
	}
	return "; node " + n.event.Name + " was cordoned"
}

// evicting says which taints of the node take pods away, and since when it was NotReady.
func (n nodeThen) evicting() []string {
	if n.event == nil {
		return nil
	}
	var out []string
	for _, t := range n.event.Node.Taints {
		if t.Effect == corev1.TaintEffectNoExecute {
			out = append(out, taintText(t))
		}
	}
	if r := n.event.Node.Condition(corev1.NodeReady); r != nil && r.Status != corev1.ConditionTrue {
		text := notReady
		if !r.Transition.IsZero() {
			text += " since " + clock(r.Transition.Time)
		}
		out = append(out, text)
	}
	return out
}

// lost says why the pod garbage collector removes the pods of the node, "" where nothing tells.
func (n nodeThen) lost() string {
	switch {
	case n.event == nil && n.recorded:
		return "gone"
	case n.event == nil:
		return ""
	}
	for _, t := range n.event.Node.Taints {
		if t.Key == corev1.TaintNodeOutOfService {
			return "out of service"
		}
	}
	return ""
}

// pressures returns the conditions of the node for which a kubelet ends pods.
func (n nodeThen) pressures() []string {
	if n.event == nil {
		return nil
	}
	var out []string
	for _, c := range n.event.Node.Conditions {
		if c.Status == corev1.ConditionTrue && strings.HasSuffix(string(c.Type), "Pressure") {
			out = append(out, string(c.Type))
		}
	}
	return out
}

// nodeReport is an Event object that says of a pod that it is not Ready since its node is not: at is when it was recorded, by its reporter.
type nodeReport struct {
	at time.Duration
	by string
}

// nodeNotReady is the reason of the Event with which the node lifecycle controller says that it made the pods of a node NotReady.
const nodeNotReady = "NodeNotReady"

// nodeNotReadyBy returns who reported, at the time of an event of a pod, that the pod is not Ready since its node is not, "" where nobody did.
func (a *actLister) nodeNotReadyBy(pod types.UID, at time.Duration) string {
	for _, s := range a.nodeReports[pod] {
		if (s.at - at).Abs() <= watchSkew {
			return s.by
		}
	}
	return ""
}
