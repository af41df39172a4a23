package history_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// busy returns a history of at least that many events: sets of five pods that are restarted over and over.
func busy(events int) *history.History {
	s := historytest.New()
	s.Running("web", 5, historytest.Claims("data"))
	for n := 0; s.Now() < time.Duration(events)*historytest.Tick; n++ {
		pod := []string{"web-0", "web-1", "web-2", "web-3", "web-4"}[n%5]
		s.DeleteByTest(pod)
		s.FinishDeletion(pod)
		s.CreateReady(pod)
		s.Status("web")
	}
	return s.History()
}

func BenchmarkRead(b *testing.B) {
	var file bytes.Buffer
	h := busy(10_000)
	if err := h.Write(&file); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(file.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := history.Read(bytes.NewReader(file.Bytes())); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(h.Events))*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(file.Len())/float64(len(h.Events)), "file-bytes/event")
}
