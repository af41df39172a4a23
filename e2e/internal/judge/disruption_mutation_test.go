package judge_test

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func disruptionMutations() map[contract.ID]mutation {
	order := orderingMutations()
	return map[contract.ID]mutation{
		contract.DisruptionNodeLost:          unplug,
		contract.DisruptionControllerRestart: after(history.VerbRestart, "kube-controller-manager", order[contract.OrderingScaleUp]),
		contract.DisruptionAPIServerRestart:  after(history.VerbRestart, "kube-apiserver", order[contract.OrderingScaleDown]),
		contract.DisruptionNodeReturns:       after(history.VerbStartNode, "node", order[contract.OrderingHeals]),
	}
}

// after has a disruption come before everything else, and then breaks a rule of order.
func after(act history.Verb, name string, rule mutation) mutation {
	return func(t *tape) bool {
		if !rule(t) {
			return false
		}
		t.note(history.Operation{Verb: act, Name: name, Text: "disrupt " + name})
		return true
	}
}

// unplug loses the node of a pod that goes while the node does not answer.
func unplug(t *tape) bool {
	const before = 3 * time.Second // longer than what a kubelet may have said just before
	for _, pod := range t.shuffled(history.Pods) {
		gone := pod.gone()
		if gone == nil || gone.Change != history.Deleted || t.setOf(pod) == nil || t.asked(pod) || gone.At < before {
			continue
		}
		at := gone.At - before
		if v := pod.at(at); v == nil || v.Terminating() || v.Pod.Phase != corev1.PodRunning || v.Pod.Node == "" {
			continue
		}
		t.note(history.Operation{At: at, Verb: history.VerbStopNode, Name: gone.Pod.Node, Text: "lose the node"})
		return true
	}
	return false
}
