package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestReactionsThatHaltsAreComparedWith(t *testing.T) {
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
			name: "a pod that had to wait for the one below it to be adopted", exercised: ids(contract.OrderingCreateHalts),
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(3))
				b.CreateReady("web-0")
				b.Orphan("web-0")
				b.Wait(3 * time.Second)
				b.Adopt("web-0", "web")
				b.Pod("web-1")
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
