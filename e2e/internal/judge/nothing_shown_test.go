package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// TestNothingShown: what a controller that breaks the guarantee would have done just the same does not exercise it.
func TestNothingShown(t *testing.T) {
	deleting := func(b *historytest.Builder, replicas int) {
		b.Running("web", replicas)
		b.Operation(history.VerbDelete, history.Sets, "web")
		b.Change(history.Sets, "web", func(e *history.Event) {
			now := b.Timestamp()
			e.Generation++
			e.DeletionTimestamp, e.Finalizers = &now, []string{"foregroundDeletion"}
		})
	}
	runCases(t, []testCase{
		{
			name: "a set that is removed at once", notExercised: ids(contract.TerminationNoRecreate), build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Operation(history.VerbDelete, history.Sets, "web")
				b.DeleteSet("web")
				b.DeletePod("web-0")
				b.DeletePod("web-1")
				b.Wait(long)
			},
		},
		{
			name: "the recording ends with the deletion of the set", notExercised: ids(contract.TerminationNoRecreate), build: func(b *historytest.Builder) { deleting(b, 2) },
		},
		{
			name: "a set that is being deleted and lacks no pod", notExercised: ids(contract.TerminationNoRecreate), build: func(b *historytest.Builder) {
				deleting(b, 2)
				b.Wait(long)
			},
		},
		{
			name: "a set that is being deleted and lacks a pod", exercised: ids(contract.TerminationNoRecreate), build: func(b *historytest.Builder) {
				deleting(b, 2)
				b.DeletePod("web-1")
				b.Wait(3 * time.Second)
			},
		},
		{
			name: "a set that is being deleted and lacks a pod, before a controller became slow", exercised: ids(contract.TerminationNoRecreate),
			build: func(b *historytest.Builder) {
				b.Running("other", 2)
				deleting(b, 2)
				b.DeletePod("web-1")
				b.Wait(3 * time.Second)
				b.Scale("other", 3)
				b.Wait(8 * time.Second)
				b.CreateReady("other-2")
			},
		},
		{
			name: "a set that is being deleted and lacks a pod, too shortly before a controller was slow", notExercised: ids(contract.TerminationNoRecreate),
			build: func(b *historytest.Builder) {
				b.Running("other", 2)
				b.Scale("other", 3)
				b.Wait(8 * time.Second)
				deleting(b, 2)
				b.DeletePod("web-1")
				b.CreateReady("other-2")
				b.Wait(3 * time.Second)
			},
		},
		{
			name: "pods that are created when all others were Ready for long", notExercised: ids(contract.OrderingScaleUp, contract.OrderingChangeOfMind),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Wait(long)
				b.Scale("web", 3)
				b.CreateReady("web-2")
			},
		},
		{
			name: "minReadySeconds were over when the pod came to be wanted", notExercised: ids(contract.OrderingMinReady), build: func(b *historytest.Builder) {
				b.Set("web", historytest.MinReady(8))
				b.CreateReady("web-0")
				b.Wait(long)
				b.Scale("web", 2)
				b.CreateReady("web-1")
			},
		},
		{
			name: "one pod removed, the only one out of range", notExercised: ids(contract.OrderingScaleDown, contract.TerminationReverse), build: func(b *historytest.Builder) {
				b.Running("web", 3)
				b.Scale("web", 2)
				b.DeletePod("web-2")
			},
		},
		{
			name: "the last pod of a rollout", notExercised: ids(contract.UpdateOrder, contract.UpdateOneAtATime), build: func(b *historytest.Builder) {
				b.Running("web", 2, historytest.Partition(1))
				b.NewTemplate("web", 2)
				b.Roll("web", 1)
				b.Wait(long)
				lower(b, 0)
				b.Roll("web", 0)
			},
		},
		{
			name: "as many pods down as there are", notExercised: ids(contract.UpdateMaxUnavailable), build: func(b *historytest.Builder) {
				b.Running("web", 2, historytest.MaxUnavailable("2"))
				b.NewTemplate("web", 2)
				b.Terminate("web-1")
				b.Terminate("web-0")
			},
		},
		{
			name: "a rollout that ends at its partition with the recording", notExercised: ids(contract.UpdatePhased), build: func(b *historytest.Builder) {
				b.Running("web", 3, historytest.Partition(2))
				b.NewTemplate("web", 2)
				b.Roll("web", 2)
				b.Wait(3 * time.Second)
				lower(b, 1)
				b.Roll("web", 1)
			},
		},
		{
			name: "a Parallel set whose lower pod was Ready until just before", notExercised: ids(contract.OrderingParallel), build: func(b *historytest.Builder) {
				b.Running("web", 2, historytest.Parallel)
				b.Unready("web-0")
				b.Scale("web", 3)
				b.CreateReady("web-2")
			},
		},
	})
}

// TestMinReadyOfAllLowerPods: minReadySeconds is asked of every lower pod, not only of the one before.
func TestMinReadyOfAllLowerPods(t *testing.T) {
	third := func(first, second time.Duration) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Set("web", historytest.Replicas(3), historytest.MinReady(30))
			b.CreateReady("web-0")
			b.Wait(31 * time.Second)
			b.CreateReady("web-1")
			b.Wait(second - first)
			b.Unready("web-0")
			b.Wait(3 * time.Second)
			b.Ready("web-0")
			b.Wait(first)
			b.CreateReady("web-2")
		}
	}
	runCases(t, []testCase{
		{
			name: "the first pod had lost its readiness", broken: ids(contract.OrderingMinReady),
			texts: []string{"web-2 was created at rv", "when web-0 had been Ready for 2s of the 30s that minReadySeconds asks for"}, build: third(2*time.Second, 80*time.Second),
		},
		{name: "both long enough", exercised: ids(contract.OrderingMinReady), build: third(31*time.Second, 80*time.Second)},
		{
			name: "an updated pod that is not the last one to be Ready", broken: ids(contract.UpdateMinReady), texts: []string{"while the updated web-1 had been Ready for 2s of the 8s"},
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(3), historytest.MinReady(8))
				for _, pod := range []string{"web-0", "web-1", "web-2"} {
					b.CreateReady(pod)
					b.Wait(9 * time.Second)
				}
				b.Status("web")
				b.NewTemplate("web", 2)
				b.DeletePod("web-2")
				b.CreateReady("web-2")
				b.Wait(9 * time.Second)
				b.DeletePod("web-1")
				b.Pod("web-1")
				b.Ready("web-1")
				b.Wait(time.Second)
				b.Unready("web-2")
				b.Ready("web-2")
				b.Change(history.Pods, "web-2", func(e *history.Event) {
					// A clock that is ahead: the condition is older than its arrival.
					for i := range e.Pod.Conditions {
						e.Pod.Conditions[i].Transition.Time = e.Pod.Conditions[i].Transition.Add(-9 * time.Second)
					}
				})
				b.Wait(time.Second)
				b.DeletePod("web-0")
			},
		},
	})
}
