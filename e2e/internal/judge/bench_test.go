package judge_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// workload repeats the same changes of one set of that many pods.
type workload struct {
	name string
	run  func(b *historytest.Builder, pods int, until func() bool)
}

func workloads() []workload {
	return []workload{
		{"restarts", func(b *historytest.Builder, pods int, until func() bool) {
			b.Running("web", pods)
			for n := 0; !until(); n++ {
				pod := fmt.Sprintf("web-%d", n%pods)
				b.DeleteByTest(pod)
				b.FinishDeletion(pod)
				b.CreateReady(pod)
				b.Status("web")
			}
		}},
		{"rollouts", func(b *historytest.Builder, pods int, until func() bool) {
			b.Running("web", pods)
			for n := 2; !until(); n++ {
				b.Revision("web", n, int64(n))
				b.NewTemplate("web", n)
				for k := pods - 1; k >= 0 && !until(); k-- {
					b.Roll("web", k)
				}
				b.Remove(history.Revisions, fmt.Sprintf("web-%d", n))
			}
		}},
		{"scaling", func(b *historytest.Builder, pods int, until func() bool) {
			b.Running("web", 1)
			for !until() {
				b.Scale("web", int32(pods))
				for n := 1; n < pods && !until(); n++ {
					b.CreateReady(fmt.Sprintf("web-%d", n))
					b.Status("web")
				}
				b.Scale("web", 1)
				for n := pods - 1; n > 0 && !until(); n-- {
					b.DeletePod(fmt.Sprintf("web-%d", n))
					b.Status("web")
				}
			}
		}},
		{"Parallel", func(b *historytest.Builder, pods int, until func() bool) {
			b.Set("web", historytest.Parallel, historytest.Replicas(int32(pods)))
			for !until() {
				for n := range pods {
					b.Pod(fmt.Sprintf("web-%d", n))
				}
				b.Status("web")
				for n := range pods {
					b.Ready(fmt.Sprintf("web-%d", n))
				}
				b.Status("web")
				for n := range pods {
					b.DeleteByTest(fmt.Sprintf("web-%d", n))
				}
				for n := range pods {
					b.FinishDeletion(fmt.Sprintf("web-%d", n))
				}
			}
		}},
		// A controller that waits for nothing, whose every creation is held against all predecessors.
		{"out of order", func(b *historytest.Builder, pods int, until func() bool) {
			b.Set("web", historytest.Replicas(int32(pods)))
			for !until() {
				for n := range pods {
					b.Pod(fmt.Sprintf("web-%d", n))
				}
				for n := range pods {
					b.DeletePod(fmt.Sprintf("web-%d", n))
				}
			}
		}},
	}
}

// recorded returns a history of that workload with at least that many events.
func recorded(w workload, pods, events int) *history.History {
	b := historytest.New()
	w.run(b, pods, func() bool { return len(b.Events()) >= events })
	return b.History()
}

// BenchmarkJudge measures the judges on the largest histories: 100,000 events should take less than 2 s and ten times as long as
// 10,000, unless the controller breaks a rule with every act.
func BenchmarkJudge(b *testing.B) {
	for _, w := range workloads() {
		for _, events := range []int{10_000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", w.name, events), func(b *testing.B) {
				h := recorded(w, 1_000, events)
				from := cpu()
				for b.Loop() {
					judge.History(h)
				}
				b.ReportMetric((cpu()-from).Seconds()/float64(b.N), "core-s/op")
			})
		}
	}
}

// TestJudgingIsLinear compares allocations: ten times the events may cost about ten times as many.
func TestJudgingIsLinear(t *testing.T) {
	for _, w := range workloads() {
		small, large := recorded(w, 100, 2_000), recorded(w, 100, 20_000)
		a := allocated(small) / float64(len(small.Events))
		z := allocated(large) / float64(len(large.Events))
		if z > 2*a {
			t.Errorf("%s: judging allocates %.0f bytes an event at %d events and %.0f at %d", w.name, a, len(small.Events), z, len(large.Events))
		}
	}
}

func allocated(h *history.History) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	judge.History(h)
	runtime.ReadMemStats(&after)
	return float64(after.TotalAlloc - before.TotalAlloc)
}
