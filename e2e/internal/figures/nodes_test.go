package figures_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/figures"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// did adds an operation on a node that was carried out at once.
func did(b *historytest.Builder, verb history.Verb, node string) {
	b.Begin(history.Operation{Verb: verb, Resource: history.Nodes, Name: node})(history.Accepted, nil)
}

// stopped has a node with a pod stop, which is noticed after 40 s.
func stopped(b *historytest.Builder, node string) {
	b.Running("web", 1)
	did(b, history.VerbStopNode, node)
	b.Wait(40 * time.Second)
	b.Unready("web-0")
	b.Wait(time.Minute)
}

// again has the pod replaced after 5 s.
func again(b *historytest.Builder) {
	b.Wait(5 * time.Second)
	b.DeletePod("web-0")
	b.CreateReady("web-0")
}

func TestNodes(t *testing.T) {
	fenced := func(node string, then ...history.Verb) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			stopped(b, node)
			did(b, history.VerbFenceNode, "node")
			for _, verb := range then {
				b.Wait(time.Second)
				did(b, verb, "node")
			}
			again(b)
		}
	}
	check(t, []measured{
		{"a node that stops", figures.NodeNoticed, fenced("node"), []float64{40}},
		{"and is given up", figures.NodeRecovered, fenced("node"), []float64{5}},
		{"another node", figures.NodeNoticed, fenced("other"), nil},
		{"another node that is given up", figures.NodeRecovered, fenced("other"), nil},
		{"a node that is started before its pods come back elsewhere", figures.NodeRecovered, fenced("node", history.VerbStartNode), nil},
		{"a node that is started before anybody notices", figures.NodeNoticed, func(b *historytest.Builder) {
			b.Running("web", 1)
			did(b, history.VerbStopNode, "node")
			b.Wait(time.Second)
			did(b, history.VerbStartNode, "node")
			b.Wait(time.Second)
			b.Unready("web-0")
		}, nil},
		{"a pod that is Ready again where it is", figures.NodeRecovered, func(b *historytest.Builder) {
			stopped(b, "node")
			did(b, history.VerbStartNode, "node")
			b.Wait(7 * time.Second)
			b.Ready("web-0")
		}, []float64{7}},
		{"a pod that is replaced before the node is given up", figures.NodeRecovered, func(b *historytest.Builder) {
			stopped(b, "node")
			again(b)
			did(b, history.VerbFenceNode, "node")
		}, nil},
		{"a pod that was not Ready before", figures.NodeNoticed, func(b *historytest.Builder) {
			b.Running("web", 1)
			b.Unready("web-0")
			did(b, history.VerbStopNode, "node")
			b.Wait(time.Second)
			b.Unready("web-0")
		}, nil},
		{"a pod that a readiness gate holds", figures.NodeRecovered, func(b *historytest.Builder) {
			fenced("node")(b)
			for _, e := range b.Events() {
				if e.Pod != nil {
					e.Pod.Template.Parts = "readinessGates[released].conditionType"
				}
			}
		}, nil},
		{"a pod that stays Ready", figures.NodeNoticed, func(b *historytest.Builder) {
			b.Running("web", 1)
			did(b, history.VerbStopNode, "node")
		}, nil},
	})
}

func TestNodesOfRecordings(t *testing.T) {
	seen := func(unstimulated bool, node string) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			ready := func(status corev1.ConditionStatus) *history.Node {
				return &history.Node{Conditions: []history.NodeCondition{{Type: corev1.NodeReady, Status: status}}}
			}
			b.Add(&history.Event{Resource: history.Nodes, Meta: history.Meta{Name: node}, Node: ready(corev1.ConditionTrue)})
			b.Running("web", 1)
			b.Wait(time.Minute)
			b.Unready("web-0") // its watch is ahead of that of nodes
			b.Wait(time.Second)
			b.Change(history.Nodes, node, func(e *history.Event) { e.Node = ready(corev1.ConditionUnknown) })
			b.Wait(time.Minute)
			b.Change(history.Nodes, node, func(e *history.Event) { e.Node = ready(corev1.ConditionFalse) })
			again(b)
			b.Unstimulated(unstimulated)
		}
	}
	check(t, []measured{
		{"a node that is not Ready", figures.NodeLost, seen(true, "node"), []float64{65}},
		{"another", figures.NodeLost, seen(true, "other"), nil},
		{"one that never was Ready", figures.NodeLost, func(b *historytest.Builder) {
			b.Running("web", 1)
			b.Wait(time.Minute)
			b.Add(&history.Event{Resource: history.Nodes, Meta: history.Meta{Name: "node"}, Node: &history.Node{}})
			b.Unready("web-0")
			again(b)
			b.Unstimulated(true)
		}, nil},
		{"one of a spec, which may have kept it so", figures.NodeLost, seen(false, "node"), nil},
	})
}
