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
		contract.DisruptionNodeLost:          loseNode,
		contract.DisruptionControllerRestart: afterDisruption(history.VerbRestart, "kube-controller-manager", order[contract.OrderingScaleUp]),
		contract.DisruptionAPIServerRestart:  afterDisruption(history.VerbRestart, "kube-apiserver", order[contract.OrderingScaleDown]),
		contract.DisruptionNodeReturns:       afterDisruption(history.VerbStartNode, "node", order[contract.OrderingHeals]),
	}
}

// afterDisruption records a disruption before everything else, and then breaks an ordering rule.
func afterDisruption(verb history.Verb, name string, rule mutation) mutation {
	return func(h *mutableHistory) bool {
		if !rule(h) {
			return false
		}
		h.addOperation(history.Operation{Verb: verb, Name: name, Text: "disrupt " + name})
		return true
	}
}

// loseNode records the loss of the node of a pod that then ends while its node does not answer.
func loseNode(h *mutableHistory) bool {
	const before = 3 * time.Second // longer than a status update that the kubelet sent before it was cut off may take
	for _, pod := range h.shuffled(history.Pods) {
		gone := pod.removal()
		if gone == nil || gone.Change != history.Deleted || h.setOf(pod) == nil || h.deletedByTest(pod) || gone.At < before {
			continue
		}
		at := gone.At - before
		if v := pod.at(at); v == nil || v.Terminating() || v.Pod.Phase != corev1.PodRunning || v.Pod.Node == "" {
			continue
		}
		h.addOperation(history.Operation{At: at, Verb: history.VerbStopNode, Name: gone.Pod.Node, Text: "lose the node"})
		return true
	}
	return false
}
