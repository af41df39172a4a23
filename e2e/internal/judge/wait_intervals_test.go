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
