package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// TestGapsOfSets: what a pod shows accuses nobody where a change of its set may be missing that explains it.
func TestGapsOfSets(t *testing.T) {
	inGap := func(s *historytest.Builder, f func()) {
		from := s.Now()
		f()
		s.Gap(history.Sets, from)
	}
	tales(t, []tale{
		{
			name: "minReadySeconds may have been lowered", doubted: ids(contract.OrderingMinReady), tell: func(s *historytest.Builder) {
				s.Set("web", historytest.Replicas(2), historytest.MinReady(30))
				s.CreateReady("web-0")
				inGap(s, func() { s.Wait(5 * time.Second); s.CreateReady("web-1") })
			},
		},
		{
			name: "replicas may have been lowered", doubted: ids(contract.OrderingScaleDown), tell: func(s *historytest.Builder) {
				s.Running("web", 4)
				s.Scale("web", 2)
				s.Wait(5 * time.Second)
				inGap(s, func() { s.Terminate("web-2") })
			},
		},
	})
}
