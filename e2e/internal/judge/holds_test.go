package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/guarantee"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge/story"
)

func TestReactionsThatAHoldIsHeldUpAgainst(t *testing.T) {
	tales(t, []tale{
		{
			name: "a controller that is slower after a halt than before", exercised: ids(guarantee.OrderingCreateHalts),
			tell: func(s *story.Story) {
				s.Set("web", story.Replicas(3))
				s.Up("web-0")
				s.Pod("web-1")
				s.Wait(3 * time.Second)
				s.Ready("web-1")
				s.Wait(time.Second)
				s.Up("web-2")
			},
		},
		{
			name: "a controller that was as slow before a halt", idle: ids(guarantee.OrderingCreateHalts),
			tell: func(s *story.Story) {
				s.Set("web", story.Replicas(3))
				s.Wait(time.Second)
				s.Up("web-0")
				s.Pod("web-1")
				s.Wait(3 * time.Second)
				s.Ready("web-1")
				s.Up("web-2")
			},
		},
	})
}
