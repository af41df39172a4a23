package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestReactionsThatAHoldIsHeldUpAgainst(t *testing.T) {
	tales(t, []tale{
		{
			name: "a controller that is slower after a halt than before", exercised: ids(contract.OrderingCreateHalts),
			tell: func(s *historytest.Builder) {
				s.Set("web", historytest.Replicas(3))
				s.CreateReady("web-0")
				s.Pod("web-1")
				s.Wait(3 * time.Second)
				s.Ready("web-1")
				s.Wait(time.Second)
				s.CreateReady("web-2")
			},
		},
		{
			name: "a controller that was as slow before a halt", idle: ids(contract.OrderingCreateHalts),
			tell: func(s *historytest.Builder) {
				s.Set("web", historytest.Replicas(3))
				s.Wait(time.Second)
				s.CreateReady("web-0")
				s.Pod("web-1")
				s.Wait(3 * time.Second)
				s.Ready("web-1")
				s.CreateReady("web-2")
			},
		},
	})
}
