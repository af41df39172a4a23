package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// TestGapsOfSets: a finding about a pod is inconclusive where a gap may hide a change of its set that explains it.
func TestGapsOfSets(t *testing.T) {
	inGap := func(b *historytest.Builder, f func()) {
		from := b.Now()
		f()
		b.Gap(history.Sets, from)
	}
	runCases(t, []testCase{
		{
			name: "minReadySeconds may have been lowered", inconclusive: ids(contract.OrderingMinReady), build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(2), historytest.MinReady(30))
				b.CreateReady("web-0")
				inGap(b, func() { b.Wait(5 * time.Second); b.CreateReady("web-1") })
			},
		},
		{
			name: "replicas may have been lowered", inconclusive: ids(contract.OrderingScaleDown), build: func(b *historytest.Builder) {
				b.Running("web", 4)
				b.Scale("web", 2)
				b.Wait(5 * time.Second)
				inGap(b, func() { b.Terminate("web-2") })
			},
		},
	})
}
