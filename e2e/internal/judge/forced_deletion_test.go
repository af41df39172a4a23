package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// TestForcedDeletionsOfDisruptedPods: of what sets the condition DisruptionTarget, only the pod garbage collector and kubelets end a pod
// before its containers are seen to have stopped.
func TestForcedDeletionsOfDisruptedPods(t *testing.T) {
	// removed lets a pod get the condition for each of the reasons, in turn, and then be removed while its container runs.
	removed := func(reasons ...string) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 1)
			b.Disrupt("web-0", reasons[0])
			b.Terminate("web-0")
			for _, r := range reasons[1:] {
				b.Disrupt("web-0", r)
			}
			b.Wait(5 * time.Second)
			b.Remove(history.Pods, "web-0")
			b.CreateReady("web-0")
		}
	}
	silent, guilty := ids(), ids(contract.IdentityAtMostOne)
	runCases(t, []testCase{
		{name: "evicted", broken: guilty, texts: []string{"web-0 was given to a new pod at rv"}, build: removed("EvictionByEvictionAPI")},
		{name: "preempted", broken: guilty, build: removed("PreemptionByScheduler")},
		{name: "evicted because of a taint", broken: guilty, build: removed("DeletionByTaintManager")},
		{
			name: "evicted, and forced by somebody", inconclusive: guilty, build: func(b *historytest.Builder) { b.ByOthers(func() { removed("EvictionByEvictionAPI")(b) }) },
		},
		{name: "collected", broken: silent, notExercised: guilty, build: removed("DeletionByPodGC")},
		{name: "evicted because of a taint, then collected", broken: silent, notExercised: guilty, build: removed("DeletionByTaintManager", "DeletionByPodGC")},
		{name: "ended by its kubelet", broken: silent, notExercised: guilty, build: removed("TerminationByKubelet")},
		{
			name: "marked as Failed by the pod garbage collector", notExercised: guilty, build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Disrupt("web-0", "DeletionByTaintManager")
				b.Terminate("web-0")
				b.Change(history.Pods, "web-0", func(e *history.Event) { e.Pod.Phase = "Failed" })
				b.Remove(history.Pods, "web-0")
				b.CreateReady("web-0")
			},
		},
		{
			name: "evicted without grace by its client", notExercised: guilty, build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Disrupt("web-0", "EvictionByEvictionAPI")
				b.Remove(history.Pods, "web-0")
				b.CreateReady("web-0")
			},
		},
		{
			name: "evicted and stopped in time", exercised: guilty, build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Disrupt("web-0", "EvictionByEvictionAPI")
				b.Terminate("web-0")
				b.FinishDeletion("web-0")
				b.CreateReady("web-0")
			},
		},
	})
}
