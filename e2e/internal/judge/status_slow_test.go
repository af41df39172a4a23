package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestCountsOfASlowController(t *testing.T) {
	runLiveCases(t, []testCase{
		{
			name: "counts of pods that never were together, by a controller whose view lags and that is slow besides", build: slowlyMiscounted(2600 * time.Millisecond),
		},
		{
			name: "the same for longer than both", broken: ids(contract.StatusCounts), texts: []string{"says replicas 3 where the pods show 2"},
			build: slowlyMiscounted(4 * time.Second),
		},
	})
}

// slowlyMiscounted has a controller that takes most of a second for its acts count, for so long, a pod that it has created beside one that was gone before.
func slowlyMiscounted(wrong time.Duration) func(b *historytest.Builder) {
	return func(b *historytest.Builder) {
		b.Set("web", historytest.Replicas(2))
		b.Status("web")
		b.CreateReady("web-0")
		b.Wait(900 * time.Millisecond)
		b.CreateReady("web-1")
		b.Status("web")
		b.DeleteByTest("web-1")
		b.FinishDeletion("web-1")
		b.Pod("web-1")
		miscount(b, func(st *history.Status) { st.Replicas = 3 })
		b.Wait(wrong)
		b.Status("web")
	}
}
