package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// A slow controller that writes a status in steps, or counts what it has just done itself, leaves counts that no state of the pods had for as long as
// it takes until its next status.
func TestStatusOfSlowControllers(t *testing.T) {
	inSteps := func(slow, wrong time.Duration) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 2)
			b.Wait(5 * time.Second)
			b.Update("web", func(s *history.Set) { s.RevisionHistoryLimit = new(int32(3)) })
			b.Wait(slow)
			b.Status("web")
			b.Wait(5 * time.Second)
			b.DeleteByTest("web-1")
			miscount(b, func(st *history.Status) { st.Available, st.Current, st.Updated = 0, 1, 2 })
			b.Wait(wrong)
			b.Status("web")
		}
	}
	broken := ids(contract.StatusCounts)
	runLiveCases(t, []testCase{
		{name: "for as long as it takes", build: inSteps(3*time.Second, 2700*time.Millisecond)},
		{name: "for longer than it takes", broken: broken, build: inSteps(3*time.Second, 4*time.Second)},
		{name: "where it is fast", broken: broken, build: inSteps(0, 2700*time.Millisecond)},
		{name: "after it was away", broken: broken, build: inSteps(20*time.Second, 2700*time.Millisecond)},
	})
}
