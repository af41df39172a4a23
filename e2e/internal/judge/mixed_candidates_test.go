package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// TestScaleDownDuringRollout: a deletion soon after a scale down may be one for an update, under the version before, or one for the scale
// down. It is wrong if it is wrong under both.
func TestScaleDownDuringRollout(t *testing.T) {
	rolling := func(b *historytest.Builder, options ...historytest.Option) {
		b.Running("web", 5, options...)
		b.NewTemplate("web", 2)
	}
	runCases(t, []testCase{
		{
			name: "out of order for both", broken: ids(contract.OrderingScaleDown),
			texts: []string{"web-2 began to terminate at rv", "while the higher web-3 still existed", "while the higher web-4 still existed"},
			build: func(b *historytest.Builder) {
				rolling(b)
				b.Scale("web", 2)
				b.Wait(500 * time.Millisecond)
				b.DeletePod("web-2")
			},
		},
		{
			name: "to be updated next", notExercised: ids(contract.OrderingScaleDown), build: func(b *historytest.Builder) {
				rolling(b)
				b.Roll("web", 4, 3)
				b.Scale("web", 1)
				b.DeletePod("web-2")
			},
		},
		{
			name: "to be removed next", build: func(b *historytest.Builder) {
				rolling(b)
				b.Scale("web", 2)
				b.Wait(500 * time.Millisecond)
				b.DeletePod("web-4")
			},
		},
		{
			name: "to zero out of order for both", broken: ids(contract.OrderingScaleDown, contract.TerminationReverse), build: func(b *historytest.Builder) {
				rolling(b)
				b.Scale("web", 0)
				b.Wait(500 * time.Millisecond)
				b.DeletePod("web-2")
			},
		},
		{
			name: "while a pod that stays is not Ready, and not the next to be updated", broken: ids(contract.OrderingScaleDownHalts, contract.OrderingScaleDown),
			build: func(b *historytest.Builder) {
				rolling(b)
				b.Unready("web-0")
				b.Status("web")
				b.Wait(4 * time.Second)
				b.Scale("web", 3)
				b.Wait(500 * time.Millisecond)
				b.DeletePod("web-3")
			},
		},
		{
			name: "the start ordinal moved, and not the next to be updated", broken: ids(contract.IdentityStartMoves), build: func(b *historytest.Builder) {
				rolling(b)
				b.Update("web", func(t *history.Set) { t.Start = 3 })
				b.Wait(500 * time.Millisecond)
				b.DeletePod("web-1")
			},
		},
		{
			name: "a Parallel set", build: func(b *historytest.Builder) {
				rolling(b, historytest.Parallel)
				b.Scale("web", 2)
				b.Wait(500 * time.Millisecond)
				b.DeletePod("web-2")
			},
		},
		{
			name: "an update that no status shows yet", broken: ids(contract.OrderingScaleDown), build: func(b *historytest.Builder) {
				b.Running("web", 5)
				b.ChangeTemplate("web", 2)
				b.Scale("web", 2)
				b.Wait(500 * time.Millisecond)
				b.DeletePod("web-2")
			},
		},
	})
}
