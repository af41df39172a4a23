package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestScaleDownMinReady(t *testing.T) {
	const id = contract.OrderingScaleDownMinReady
	running := func(b *historytest.Builder, options ...historytest.Option) {
		b.Set("web", append([]historytest.Option{historytest.Replicas(2)}, options...)...)
		for _, pod := range []string{"web-0", "web-1"} {
			b.CreateReady(pod)
			b.Status("web")
			b.Wait(time.Duration(b.Get(history.Sets, "web").Set.MinReadySeconds) * time.Second)
			b.Status("web")
		}
		b.Wait(20 * time.Second)
	}
	// Both pods were Ready long ago; the first is so again only since just before the scale down.
	scaledDown := func(wait time.Duration, options ...historytest.Option) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			running(b, options...)
			b.Unready("web-0")
			b.Status("web")
			b.Wait(5 * time.Second)
			b.Ready("web-0")
			b.Scale("web", 1)
			b.Wait(wait)
			b.DeletePod("web-1")
		}
	}
	runCases(t, []testCase{
		{name: "after the time", exercised: ids(id), build: scaledDown(9*time.Second, historytest.MinReady(8))},
		{name: "after more than the time, which shows no more than a slow controller", build: scaledDown(30*time.Second, historytest.MinReady(8))},
		{
			name: "at once", broken: ids(id), texts: []string{"web-1 began to terminate for a scale down", "when web-0, which stays, had been Ready for", "of the 8s"},
			build: scaledDown(0, historytest.MinReady(8)),
		},
		{name: "halfway", broken: ids(id), build: scaledDown(4*time.Second, historytest.MinReady(8))},
		{
			// Who removes the pod has seen the scale down, and with it the time.
			name: "at once, by the change that asks for the time", broken: ids(id),
			build: func(b *historytest.Builder) {
				running(b)
				b.Unready("web-0")
				b.Status("web")
				b.Wait(5 * time.Second)
				b.Update("web", func(t *history.Set) { t.MinReadySeconds, t.Replicas = 8, 1 })
				b.Ready("web-0")
				b.DeletePod("web-1")
			},
		},
		{name: "no time is asked for", notExercised: ids(id), build: scaledDown(0)},
		{name: "under Parallel", notExercised: ids(id), build: scaledDown(0, historytest.MinReady(8), historytest.Parallel)},
		{
			name: "those that stay were available long before", notExercised: ids(id),
			build: func(b *historytest.Builder) {
				running(b, historytest.MinReady(8))
				b.Scale("web", 1)
				b.DeletePod("web-1")
			},
		},
		{
			name: "readiness that was lost within the lag", excused: ids(id),
			build: func(b *historytest.Builder) {
				running(b, historytest.MinReady(3))
				b.Unready("web-0")
				b.Ready("web-0")
				b.Scale("web", 1)
				b.DeletePod("web-1")
			},
		},
		{
			name: "by the test", notExercised: ids(id),
			build: func(b *historytest.Builder) {
				running(b, historytest.MinReady(8))
				b.Scale("web", 1)
				b.DeleteByTest("web-1")
			},
		},
	})
}
