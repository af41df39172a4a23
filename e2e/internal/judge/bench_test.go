package judge_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// workload is what happens over and over to one set of so many pods.
type workload struct {
	name string
	run  func(s *historytest.Builder, pods int, until func() bool)
}

func workloads() []workload {
	return []workload{
		{"restarts", func(s *historytest.Builder, pods int, until func() bool) {
			s.Running("web", pods)
			for n := 0; !until(); n++ {
				pod := fmt.Sprintf("web-%d", n%pods)
				s.DeleteByTest(pod)
				s.FinishDeletion(pod)
				s.CreateReady(pod)
				s.Status("web")
			}
		}},
		{"rollouts", func(s *historytest.Builder, pods int, until func() bool) {
			s.Running("web", pods)
			for n := 2; !until(); n++ {
				s.Revision("web", n, int64(n))
				s.NewTemplate("web", n)
				for k := pods - 1; k >= 0 && !until(); k-- {
					s.Roll("web", k)
				}
				s.Remove(history.Revisions, fmt.Sprintf("web-%d", n))
			}
		}},
		{"scaling", func(s *historytest.Builder, pods int, until func() bool) {
			s.Running("web", 1)
			for !until() {
				s.Scale("web", int32(pods))
				for n := 1; n < pods && !until(); n++ {
					s.CreateReady(fmt.Sprintf("web-%d", n))
					s.Status("web")
				}
				s.Scale("web", 1)
				for n := pods - 1; n > 0 && !until(); n-- {
					s.DeletePod(fmt.Sprintf("web-%d", n))
					s.Status("web")
				}
			}
		}},
		{"Parallel", func(s *historytest.Builder, pods int, until func() bool) {
			s.Set("web", historytest.Parallel, historytest.Replicas(int32(pods)))
			for !until() {
				for n := range pods {
					s.Pod(fmt.Sprintf("web-%d", n))
				}
				s.Status("web")
				for n := range pods {
					s.Ready(fmt.Sprintf("web-%d", n))
				}
				s.Status("web")
				for n := range pods {
					s.DeleteByTest(fmt.Sprintf("web-%d", n))
				}
				for n := range pods {
					s.FinishDeletion(fmt.Sprintf("web-%d", n))
				}
			}
		}},
		// A controller that waits for nothing, whose every creation is held against all predecessors.
		{"out of order", func(s *historytest.Builder, pods int, until func() bool) {
			s.Set("web", historytest.Replicas(int32(pods)))
			for !until() {
				for n := range pods {
					s.Pod(fmt.Sprintf("web-%d", n))
				}
				for n := range pods {
					s.DeletePod(fmt.Sprintf("web-%d", n))
				}
			}
		}},
	}
}

// recorded returns a history of that workload with at least so many events.
func recorded(w workload, pods, events int) *history.History {
	s := historytest.New()
	w.run(s, pods, func() bool { return len(s.Events()) >= events })
	return s.History()
}

// BenchmarkJudge measures how long the judges take for the largest set that anyone will judge. It is to stay below 2 s for 100,000 events,
// and ten times that of 10,000, but for the findings of a controller that breaks a rule with every act.
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

// TestJudgingIsLinear guards coarsely, by what is allocated and not by the clock, that ten times the events cost ten times the work.
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
