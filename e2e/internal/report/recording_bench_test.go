package report_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"syscall"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/recording"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
)

// upgraded is a history of a namespace with so many sets of ten pods, each with a claim: they are there, and then every pod is evicted once and comes back,
// as when each node is drained for an upgrade.
func upgraded(sets int) *history.History {
	b := historytest.New().Pace(5 * time.Millisecond)
	const pods = 10
	name := func(n int) string { return fmt.Sprintf("set-%03d", n) }
	for n := range sets {
		b.Running(name(n), pods, historytest.Claims("data"))
	}
	for _, e := range b.Events() {
		e.Change = history.Listed
	}
	for p := range pods {
		for n := range sets {
			pod := fmt.Sprintf("%s-%d", name(n), p)
			b.Disrupt(pod, "EvictionByEvictionAPI")
			b.ByOthers(func() { b.DeletePod(pod) })
			b.Status(name(n))
			b.CreateReady(pod)
			b.Status(name(n))
		}
	}
	h := b.History()
	// As a recorder lists them: the newest versions alone.
	last := map[string]int{}
	for _, e := range h.Events {
		if e.Change == history.Listed {
			last[string(e.UID)] = e.Seq
		}
	}
	var events []*history.Event
	for _, e := range h.Events {
		if e.Change != history.Listed || last[string(e.UID)] == e.Seq {
			events = append(events, e)
		}
	}
	h.Events = events
	h.Header.Unstimulated = true
	return h
}

// cost is what a recording took.
type cost struct {
	wall, processor time.Duration
	// allocated and peak are bytes: all that were allocated, and how many the heap had at the most beyond what it had before.
	allocated, peak uint64
}

// digest makes a recording of a history, with its page, and returns what that cost.
func digest(tb testing.TB, h *history.History) cost {
	tb.Helper()
	dir := tb.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "histories"), 0o755); err != nil {
		tb.Fatal(err)
	}
	const file = "histories/test-1.jsonl.gz"
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	peak := watchHeap(tb)
	processor, begin := processorTime(tb), time.Now()
	if err := h.Save(filepath.Join(dir, file)); err != nil {
		tb.Fatal(err)
	}
	r := recording.New([]string{"test"}, "")
	r.Add(h, file, recording.Span{}, func(map[string]string) bool { return true })
	if err := report.SaveRecording(dir, r); err != nil {
		tb.Fatal(err)
	}
	c := cost{wall: time.Since(begin), processor: processorTime(tb) - processor}
	runtime.ReadMemStats(&after)
	c.allocated = after.TotalAlloc - before.TotalAlloc
	c.peak = peak() - before.HeapAlloc
	if len(r.Outages) == 0 || len(r.Acts) == 0 || len(r.Figures) == 0 {
		tb.Fatalf("expected outages, acts and figures, found %d, %d and %d", len(r.Outages), len(r.Acts), len(r.Figures))
	}
	return c
}

// watchHeap begins to look at the size of the heap, and returns a function that ends it and returns the most that was seen.
func watchHeap(tb testing.TB) func() uint64 {
	tb.Helper()
	done, most := make(chan struct{}), make(chan uint64)
	go func() {
		heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		var peak uint64
		for {
			metrics.Read(heap)
			peak = max(peak, heap[0].Value.Uint64())
			select {
			case <-done:
				most <- peak
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return func() uint64 {
		close(done)
		return <-most
	}
}

// processorTime is how long the process has used a processor: what other processes do meanwhile does not count.
func processorTime(tb testing.TB) time.Duration {
	tb.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// TestRecordingGrowsAsItsSets: four times as many sets take about four times as much, and not sixteen times.
func TestRecordingGrowsAsItsSets(t *testing.T) {
	least := func(sets int) cost {
		h := upgraded(sets)
		out := digest(t, h)
		again := digest(t, h)
		out.processor, out.allocated = min(out.processor, again.processor), min(out.allocated, again.allocated)
		return out
	}
	one, four := least(50), least(200)
	const most, slower = 5, 8 // processors of a busy machine have other work in their caches
	if ratio := float64(four.allocated) / float64(one.allocated); ratio > most {
		t.Errorf("expected four times as many sets to allocate about four times as much, found %.1f times (%d and %d bytes)", ratio, one.allocated, four.allocated)
	}
	if ratio := float64(four.processor) / float64(one.processor); ratio > slower {
		t.Errorf("expected four times as many sets to take about four times as long, found %.1f times (%v and %v)", ratio, one.processor, four.processor)
	}
}

// BenchmarkRecording digests the upgrade of a cluster with many sets: what it takes is to grow as their number does.
func BenchmarkRecording(b *testing.B) {
	for _, sets := range []int{50, 100, 200, 400} {
		b.Run(fmt.Sprintf("sets=%d", sets), func(b *testing.B) {
			h := upgraded(sets)
			for b.Loop() {
				c := digest(b, h)
				b.ReportMetric(float64(len(h.Events)), "events")
				b.ReportMetric(c.processor.Seconds(), "cpu-s")
				b.ReportMetric(float64(c.allocated)/1e6, "MB-allocated")
				b.ReportMetric(float64(c.peak)/1e6, "MB-peak")
			}
		})
	}
}
