package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestReactionsThatHaltsAreComparedWith(t *testing.T) {
	readyAgain := func(b *historytest.Builder, pod string) { b.Unready(pod); b.Ready(pod) }
	halted := func(b *historytest.Builder, pod string, replicas int32) {
		b.Scale("web", replicas)
		b.Pod(pod)
		b.Wait(3 * time.Second)
	}
	runCases(t, []testCase{
		{
			name: "a controller that is slower after a halt than before", exercised: ids(contract.OrderingCreateHalts),
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(3))
				b.CreateReady("web-0")
				b.Pod("web-1")
				b.Wait(3 * time.Second)
				b.Ready("web-1")
				b.Wait(time.Second)
				b.CreateReady("web-2")
			},
		},
		{
			name: "a pod that had to wait for one of its name to be gone, of an earlier set", exercised: ids(contract.OrderingCreateHalts),
			build: func(b *historytest.Builder) {
				b.Set("web")
				b.CreateReady("web-0")
				b.Terminate("web-0")
				b.DeleteSet("web")
				b.Set("web", historytest.Replicas(2))
				b.Wait(3 * time.Second)
				b.FinishDeletion("web-0")
				b.Pod("web-0")
				b.Wait(3 * time.Second)
			},
		},
		{
			name: "a set whose watch is behind the first pod's", exercised: ids(contract.OrderingCreateHalts),
			build: func(b *historytest.Builder) {
				set := b.Set("web", historytest.Replicas(2))
				pod := b.Pod("web-0")
				b.Wait(3 * time.Second)
				set.At = pod.At + time.Second
			},
		},
		{
			name: "a pod above that is Ready again just before a lower one is replaced late", notExercised: ids(contract.OrderingCreateHalts),
			build: func(b *historytest.Builder) {
				b.Running("web", 3)
				b.DeleteByTest("web-0")
				b.FinishDeletion("web-0")
				b.Wait(2 * time.Second)
				readyAgain(b, "web-2")
				b.CreateReady("web-0")
				halted(b, "web-3", 5)
			},
		},
		{
			name: "a pod that is Ready again just before it is removed late", notExercised: ids(contract.OrderingCreateHalts),
			build: func(b *historytest.Builder) {
				b.Running("web", 3)
				b.Scale("web", 2)
				b.Wait(2 * time.Second)
				readyAgain(b, "web-2")
				b.DeletePod("web-2")
				halted(b, "web-2", 4)
			},
		},
		{
			name: "a controller that was as slow before a halt", notExercised: ids(contract.OrderingCreateHalts),
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(3))
				b.Wait(time.Second)
				b.CreateReady("web-0")
				b.Pod("web-1")
				b.Wait(3 * time.Second)
				b.Ready("web-1")
				b.CreateReady("web-2")
			},
		},
	})
}

func TestOrderingHalts(t *testing.T) {
	halted := func(hold time.Duration) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Set("web", historytest.Replicas(3))
			b.CreateReady("web-0")
			b.Pod("web-1")
			b.Wait(hold)
			b.Ready("web-1")
			b.CreateReady("web-2")
		}
	}
	runCases(t, []testCase{
		{name: "a long halt", exercised: ids(contract.OrderingCreateHalts), build: halted(3 * time.Second)},
		{name: "a halt too short to count", notExercised: ids(contract.OrderingCreateHalts), build: halted(300 * time.Millisecond)},
		{
			name: "a controller that stops waiting", broken: ids(contract.OrderingCreate, contract.OrderingCreateHalts), texts: []string{"5.1 s into a halt"},
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(3))
				b.CreateReady("web-0")
				b.Pod("web-1")
				b.Wait(5 * time.Second)
				b.Pod("web-2")
			},
		},
		{
			name: "a scale down that waits for a pod that stays", exercised: ids(contract.OrderingScaleDownHalts), notExercised: ids(contract.OrderingScaleDown),
			build: func(b *historytest.Builder) {
				b.Running("web", 3)
				b.Unready("web-0")
				b.Status("web")
				b.Scale("web", 2)
				b.Wait(4 * time.Second)
				b.Ready("web-0")
				b.DeletePod("web-2")
			},
		},
		{
			name: "a scale down that does not", broken: ids(contract.OrderingScaleDownHalts), texts: []string{"web-2 began to terminate for a scale down", "while the staying web-0 was no longer Ready"},
			build: func(b *historytest.Builder) {
				b.Running("web", 3)
				b.Unready("web-0")
				b.Status("web")
				b.Wait(4 * time.Second)
				b.Scale("web", 2)
				b.DeletePod("web-2")
			},
		},
		{
			name: "two condemned pods that are not Ready", exercised: ids(contract.OrderingScaleDownHalts, contract.OrderingScaleDown),
			build: func(b *historytest.Builder) {
				b.Running("web", 3)
				b.Unready("web-1")
				b.Unready("web-2")
				b.Status("web")
				b.Wait(4 * time.Second)
				b.Scale("web", 1)
				b.Wait(4 * time.Second)
				b.Ready("web-2")
				b.DeletePod("web-2")
				b.DeletePod("web-1")
			},
		},
		{
			name: "a condemned Ready pod goes before one that is not Ready", notExercised: ids(contract.OrderingScaleDownHalts),
			build: func(b *historytest.Builder) {
				b.Running("web", 3)
				b.Unready("web-1")
				b.Status("web")
				b.Wait(4 * time.Second)
				b.Scale("web", 1)
				b.DeletePod("web-2")
				b.DeletePod("web-1")
			},
		},
		{
			name: "of two condemned pods that are not Ready the higher first", broken: ids(contract.OrderingScaleDownHalts),
			texts: []string{"not Ready itself, web-2 began to terminate for a scale down", "while the lower web-1 was no longer Ready"},
			build: func(b *historytest.Builder) {
				b.Running("web", 3)
				b.Unready("web-1")
				b.Unready("web-2")
				b.Status("web")
				b.Wait(4 * time.Second)
				b.Scale("web", 1)
				b.DeletePod("web-2")
			},
		},
		{
			name: "the higher one, whose readiness was lost just before",
			build: func(b *historytest.Builder) {
				b.Running("web", 3)
				b.Unready("web-1")
				b.Status("web")
				b.Wait(4 * time.Second)
				b.Unready("web-2")
				b.Scale("web", 1)
				b.DeletePod("web-2")
				b.DeletePod("web-1")
			},
		},
	})
}
