package judge_test

import (
	"slices"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestUndoneRollout(t *testing.T) {
	runLiveCases(t, []testCase{
		{
			name: "created and deleted once more in a rollout", build: undone(false, time.Second),
		},
		{
			name: "created and deleted again and again in a rollout", broken: ids(contract.UpdateComplete),
			texts: []string{"the rollout of web did not go on: 5 times in a row web-0 was created of the former revision web-1"}, build: undone(false, slices.Repeat([]time.Duration{time.Second}, 5)...),
		},
		{
			name: "created and deleted again and again within the lag", build: undone(false, slices.Repeat([]time.Duration{20 * time.Millisecond}, 4)...),
		},
		{
			name:  "deleted after long, and created and deleted again and again within the lag",
			build: undone(false, 5*time.Second, 20*time.Millisecond, 20*time.Millisecond, 20*time.Millisecond),
		},
		{
			name: "created and deleted again and again by somebody", inconclusive: ids(contract.UpdateComplete), build: undone(true, slices.Repeat([]time.Duration{time.Second}, 5)...),
		},
	})
}

// undone has a pod of a Parallel set created at the former revision and deleted after each of those times, by the controller or by somebody else.
func undone(byOthers bool, lives ...time.Duration) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		b.Running("web", 2, historytest.Parallel, func(s *history.Set) { s.NoRollingUpdate = true })
		b.NewTemplate("web", 2)
		b.Status("web")
		b.DeleteByTest("web-0")
		b.FinishDeletion("web-0")
		for _, life := range lives {
			b.PodAt("web-0", 1)
			b.Wait(life)
			remove := func() { b.DeletePod("web-0") }
			if byOthers {
				b.ByOthers(remove)
			} else {
				remove()
			}
			b.Status("web")
		}
		b.CreateReady("web-0")
	}
}
