package judge_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// evicting runs a set of one pod, evicts that with an outcome, and has the pod end.
func evicting(outcome history.OperationOutcome, deletion, end func(*historytest.Builder)) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		b.Running("web", 1)
		b.Wait(5 * time.Second)
		returned := b.Begin(history.Operation{Verb: history.VerbEvict, Resource: history.Pods, Name: "web-0"})
		deletion(b)
		returned(outcome, nil)
		end(b)
		b.CreateReady("web-0")
		b.Status("web")
	}
}

func TestEvictedPodsAreMarked(t *testing.T) {
	const id = contract.LifecycleDisruptionTarget
	marked := func(reason string) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Disrupt("web-0", reason)
			b.Terminate("web-0")
		}
	}
	unmarked := func(b *historytest.Builder) { b.Terminate("web-0") }
	end := func(b *historytest.Builder) { b.FinishDeletion("web-0") }
	runCases(t, []testCase{
		{name: "marked to the end", exercised: ids(id), build: evicting(history.Accepted, marked("EvictionByEvictionAPI"), end)},
		{name: "marked, and the answer is lost", exercised: ids(id), build: evicting(history.Unknown, marked("EvictionByEvictionAPI"), end)},
		{
			name: "marked after the controller deleted it too", exercised: ids(id), build: evicting(history.Accepted, func(b *historytest.Builder) {
				b.Terminate("web-0")
				b.Disrupt("web-0", "EvictionByEvictionAPI")
			}, end),
		},
		{
			name: "not marked", broken: ids(id), notExercised: ids(id), texts: []string{"web-0 was evicted at rv", "found without the condition at rv"},
			build: evicting(history.Accepted, unmarked, end),
		},
		{
			name: "marked with another reason", broken: ids(id), texts: []string{`found with the condition True, reason "DeletionByTaintManager"`},
			build: evicting(history.Accepted, marked("DeletionByTaintManager"), end),
		},
		{
			name: "the mark is removed", broken: ids(id), build: evicting(history.Accepted, marked("EvictionByEvictionAPI"), func(b *historytest.Builder) {
				b.Change(history.Pods, "web-0", func(e *history.Event) { e.Pod.Conditions = nil })
				b.FinishDeletion("web-0")
			}),
		},
		{name: "refused", notExercised: ids(id), build: func(b *historytest.Builder) {
			b.Running("web", 1)
			b.Begin(history.Operation{Verb: history.VerbEvict, Resource: history.Pods, Name: "web-0"})(history.Refused, nil)
			b.Wait(5 * time.Second)
		}},
		{name: "the answer is lost, and nothing shows an eviction", notExercised: ids(id), build: evicting(history.Unknown, unmarked, end)},
		{name: "deleted by the test before", notExercised: ids(id), build: evicting(history.Accepted, func(b *historytest.Builder) { b.DeleteByTest("web-0") }, end)},
		{
			name: "what the pod was at its end is in a gap", inconclusive: ids(id), build: evicting(history.Accepted, unmarked, func(b *historytest.Builder) {
				from := b.Now()
				b.FinishDeletion("web-0")
				b.Gap(history.Pods, from-time.Second)
			}),
		},
	})
}

func TestEvictedPodsHaveTheirGracePeriod(t *testing.T) {
	const id = contract.LifecycleEvictedGraceful
	within := func(seconds int64) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Disrupt("web-0", "EvictionByEvictionAPI")
			b.Terminate("web-0").DeletionGrace = &seconds
		}
	}
	end := func(b *historytest.Builder) { b.FinishDeletion("web-0") }
	runCases(t, []testCase{
		{name: "its own", exercised: ids(id), build: evicting(history.Accepted, within(historytest.Grace), end)},
		{
			name: "a second", broken: ids(id), notExercised: ids(id), texts: []string{"with a grace period of 1 s, expected its own of 30 s"},
			build: evicting(history.Accepted, within(1), end),
		},
		{name: "longer than its own", broken: ids(id), build: evicting(history.Accepted, within(60), end)},
		{
			name: "removed at once", broken: ids(id), texts: []string{"with a grace period of none"}, build: evicting(history.Accepted, func(b *historytest.Builder) {
				b.Disrupt("web-0", "EvictionByEvictionAPI")
				b.Remove(history.Pods, "web-0")
			}, func(*historytest.Builder) {}),
		},
		{name: "the answer is lost", notExercised: ids(id), build: evicting(history.Unknown, within(1), end)},
		{name: "of a pod that does not run yet", notExercised: ids(id), build: func(b *historytest.Builder) {
			b.Set("web")
			b.Pod("web-0")
			returned := b.Begin(history.Operation{Verb: history.VerbEvict, Resource: history.Pods, Name: "web-0"})
			b.Disrupt("web-0", "EvictionByEvictionAPI")
			b.Remove(history.Pods, "web-0")
			returned(history.Accepted, nil)
		}},
		{name: "of a pod that has ended", notExercised: ids(id), build: evicting(history.Accepted, func(b *historytest.Builder) {
			b.Change(history.Pods, "web-0", func(e *history.Event) { e.Pod.Phase = corev1.PodFailed })
			b.Disrupt("web-0", "EvictionByEvictionAPI")
			b.Remove(history.Pods, "web-0")
		}, func(*historytest.Builder) {})},
		{name: "deleted by the test before", notExercised: ids(id), build: evicting(history.Accepted, func(b *historytest.Builder) {
			b.Operation(history.VerbDelete, history.Pods, "web-0")
			within(1)(b)
		}, end)},
	})
}
