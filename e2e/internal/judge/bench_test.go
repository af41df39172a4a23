package judge_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// workload is a shape that a long history may take.
type workload struct {
	name string
	tell func(s *historytest.Builder, until func() bool)
}

// workloads lists shapes that grow in different directions: in versions of pods, of sets, in pods of one set, in sets.
func workloads() []workload {
	return []workload{
		{"restarts", func(s *historytest.Builder, until func() bool) {
			s.Running("web", 5, historytest.Claims("data"))
			for n := 0; !until(); n++ {
				pod := fmt.Sprintf("web-%d", n%5)
				s.DeleteByTest(pod)
				s.FinishDeletion(pod)
				s.CreateReady(pod)
				s.Status("web")
			}
		}},
		{"rollouts", func(s *historytest.Builder, until func() bool) {
			s.Running("web", 5)
			for n := 2; !until(); n++ {
				s.Revision("web", n, int64(n))
				s.NewTemplate("web", n)
				s.Roll("web", 4, 3, 2, 1, 0)
				s.Remove(history.Revisions, fmt.Sprintf("web-%d", n))
			}
		}},
		{"scaling", func(s *historytest.Builder, until func() bool) {
			s.Running("web", 1)
			for !until() {
				s.Scale("web", 4)
				for n := 1; n < 4; n++ {
					s.CreateReady(fmt.Sprintf("web-%d", n))
					s.Status("web")
				}
				s.Scale("web", 1)
				for n := 3; n > 0; n-- {
					s.DeletePod(fmt.Sprintf("web-%d", n))
					s.Status("web")
				}
			}
		}},
		{"sets", func(s *historytest.Builder, until func() bool) {
			for n := 0; !until(); n++ {
				name := fmt.Sprintf("set%d", n)
				s.Running(name, 3, historytest.Claims("data"))
				s.Scale(name, 0)
				for k := 2; k >= 0; k-- {
					s.DeletePod(fmt.Sprintf("%s-%d", name, k))
				}
				s.DeleteSet(name)
				for k := range 3 {
					// A story looks through all that lives for every status: what is not needed any more goes.
					s.Remove(history.Claims, fmt.Sprintf("data-%s-%d", name, k))
				}
			}
		}},
		{"one great set", func(s *historytest.Builder, until func() bool) {
			s.Set("web", historytest.Replicas(1<<30))
			for n := 0; !until(); n++ {
				s.CreateReady(fmt.Sprintf("web-%d", n))
			}
		}},
		{"one great Parallel set", func(s *historytest.Builder, until func() bool) {
			s.Set("web", historytest.Replicas(1<<30), historytest.Parallel)
			for n := 0; !until(); n++ {
				s.Pod(fmt.Sprintf("web-%d", n))
			}
		}},
	}
}

// told returns a history of that shape with at least so many events.
func told(w workload, events int) *history.History {
	s := historytest.New()
	w.tell(s, func() bool { return len(s.Events()) >= events })
	return s.History()
}

func BenchmarkJudge(b *testing.B) {
	for _, w := range workloads() {
		for _, n := range []int{1_000, 10_000, 100_000, 1_000_000} {
			if n > 100_000 && testing.Short() {
				continue
			}
			b.Run(fmt.Sprintf("%s/%d", w.name, n), func(b *testing.B) {
				h := told(w, n)
				from := cpu()
				for b.Loop() {
					judge.History(h)
				}
				used := (cpu() - from).Seconds()
				b.ReportMetric(float64(len(h.Events))*float64(b.N)/used, "events/core-s")
				b.ReportMetric(used/float64(b.N), "core-s/op")
			})
		}
	}
}

// BenchmarkHeld measures how much memory an event takes that is kept for judging.
func BenchmarkHeld(b *testing.B) {
	for _, w := range workloads() {
		b.Run(w.name, func(b *testing.B) {
			for b.Loop() {
				b.ReportMetric(waitPeriod(w, 100_000), "bytes/event")
			}
		})
	}
}

func waitPeriod(w workload, events int) float64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	h := told(w, events)
	runtime.GC()
	runtime.ReadMemStats(&after)
	size := float64(after.HeapAlloc-before.HeapAlloc) / float64(len(h.Events))
	runtime.KeepAlive(h)
	return size
}

// TestJudgingIsLinear guards coarsely, by what is allocated and not by the clock, that ten times the events cost ten times the
// work; time is left to the benchmarks.
func TestJudgingIsLinear(t *testing.T) {
	for _, w := range workloads() {
		small, great := told(w, 2_000), told(w, 20_000)
		a := allocated(small) / float64(len(small.Events))
		z := allocated(great) / float64(len(great.Events))
		if z > 2*a {
			t.Errorf("%s: judging allocates %.0f bytes an event at %d events and %.0f at %d", w.name, a, len(small.Events), z, len(great.Events))
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
