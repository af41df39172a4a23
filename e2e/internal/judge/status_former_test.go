package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// TestGenerationOfAFormerSet: a status that was computed for a set may be written to the next one of its name.
func TestGenerationOfAFormerSet(t *testing.T) {
	const id = contract.StatusObservedGeneration
	again := func(generations int32, wait time.Duration) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 1)
			for n := range generations - 1 {
				b.Scale("web", n+2)
			}
			b.DeleteSet("web")
			b.Wait(wait)
			b.Set("web", historytest.Replicas(0))
			b.Status("web", func(st *history.Status) { st.ObservedGeneration = 2 })
			b.Status("web", func(st *history.Status) { st.ObservedGeneration = 1 })
			b.Wait(time.Second)
		}
	}
	runLiveCases(t, []testCase{
		{name: "just gone", inconclusive: ids(id), texts: []string{"the set of that name before it had that generation"}, build: again(2, 0)},
		{name: "without that generation", broken: ids(id), build: again(1, 0)},
		{name: "long gone", broken: ids(id), build: again(2, time.Hour)},
	})
}
