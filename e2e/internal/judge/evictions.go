package judge

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// checkDisruptionTarget: a pod that was evicted carries the condition DisruptionTarget with the API's reason until its end. Where the controller
// requested the pod's deletion too, the condition may come after that.
func checkDisruptionTarget(m *model, res *results) {
	const id = contract.LifecycleDisruptionTarget
	for _, p := range m.pods {
		accepted, evicted := m.evictedByTest(p)
		if !evicted {
			continue
		}
		last := p.events[len(p.events)-1]
		switch c := last.Pod.Condition(corev1.DisruptionTarget); {
		case c != nil && c.Status == corev1.ConditionTrue && c.Reason == evictionReason:
			res.exercised(id)
		case accepted:
			found := "without the condition"
			if c != nil {
				found = fmt.Sprintf("with the condition %s, reason %q", c.Status, c.Reason)
			}
			res.broken(id, evidence{
				set: p.owner(), since: p.deleting.At, events: []*history.Event{p.deleting, last}, anyAuthor: true, // the test evicted it
				text: fmt.Sprintf("%s was evicted at %s, and expected with the condition DisruptionTarget and the reason %s to its end: found %s at %s",
					p.name, p.deleting.Ref(), evictionReason, found, last.Ref()),
			})
		}
	}
}

// checkEvictedGraceful: the deletion of a running pod that was evicted carries the pod's own grace period.
func checkEvictedGraceful(m *model, res *results) {
	const id = contract.LifecycleEvictedGraceful
	for _, p := range m.pods {
		accepted, evicted := m.evictedByTest(p)
		before := p.at(p.deletionSeq() - 1)
		// A pod without a node, or with its containers stopped, goes at once.
		if !evicted || before == nil || before.Pod.Phase != corev1.PodRunning || before.Pod.Grace == nil || p.deleting.Change == history.Missing {
			continue
		}
		want := *before.Pod.Grace
		if got := p.deleting.DeletionGrace; got != nil && *got == want {
			res.exercised(id)
		} else if accepted {
			found := "none"
			if got != nil {
				found = fmt.Sprintf("%d s", *got)
			}
			res.broken(id, evidence{
				set: p.owner(), since: before.At, events: []*history.Event{before, p.deleting}, anyAuthor: true, // the test evicted it
				text: fmt.Sprintf("%s was evicted at %s with a grace period of %s, expected its own of %d s", p.name, p.deleting.Ref(), found, want),
			})
		}
	}
}

// deletionSeq is the place of the request for the pod's deletion in the history, 0 if there is none.
func (p *podLife) deletionSeq() int {
	if p.deleting == nil {
		return 0
	}
	return p.deleting.Seq
}
