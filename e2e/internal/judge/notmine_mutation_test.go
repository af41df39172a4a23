package judge_test

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func notMineMutations() map[contract.ID]mutation {
	return map[contract.ID]mutation{
		contract.IdentityNotMine: takePodOfOtherController,
	}
}

// takePodOfOtherController moves the ownerReference of a pod from another controller to a set.
func takePodOfOtherController(h *mutableHistory) bool {
	for _, p := range h.shuffled(history.Pods) {
		c := p.first().Controller()
		if c == nil || c.Kind == "StatefulSet" || len(p.versions) < 3 || p.versions[1].Gone() || p.versions[1].At == p.versions[0].At {
			continue
		}
		for _, set := range h.shuffled(history.Sets) {
			yes := true
			p.change(p.versions[1].At, func(e *history.Event) {
				e.Owners = []metav1.OwnerReference{{Kind: "StatefulSet", Name: set.name, UID: set.uid, Controller: &yes}}
			})
			return true
		}
	}
	return false
}
