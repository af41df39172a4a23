package recording_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge/simulator"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/recording"
)

// cut returns what two recorders have of a history of which the second begins at that moment and the first ends so much later.
func cut(h *history.History, begin, overlap time.Duration) (first, second *history.History, border time.Time) {
	first, second = &history.History{Header: h.Header}, &history.History{Header: h.Header}
	state := history.NewState()
	past := 0
	for _, e := range h.Events {
		if e.At <= begin {
			state.Apply(e)
			past++
		}
		if e.At <= begin+overlap {
			first.Events = append(first.Events, e)
		}
	}
	second.Header.Start = h.Header.Start.Add(begin)
	add := func(e *history.Event, change history.Change, at time.Duration) {
		is := *e
		is.Change, is.At, is.Seq = change, at, len(second.Events)+1
		second.Events = append(second.Events, &is)
	}
	for _, r := range history.Resources() {
		for _, e := range state.List(r) {
			add(e, history.Listed, 0)
		}
	}
	for _, e := range h.Events[past:] {
		add(e, e.Change, e.At-begin)
	}
	first.Close(begin + overlap)
	second.Close(h.Duration() - begin)
	return first, second, second.Header.Start.Add(time.Microsecond)
}

// inTwo records a history in two.
func inTwo(h *history.History, at, overlap time.Duration) *recording.Recording {
	first, second, border := cut(h, at, overlap)
	r := recording.New([]string{"shop"}, "")
	r.Add(first, "1", recording.Span{Until: border}, all)
	r.Add(second, "2", recording.Span{From: border}, all)
	return r
}

// TestAnOutageAcrossTwoHistoriesIsOne: a pod that is down while one history ends and the next begins was down once, from its loss on.
func TestAnOutageAcrossTwoHistoriesIsOne(t *testing.T) {
	b := historytest.New()
	b.Running("web", 3)
	listed(b)
	b.Wait(time.Minute)
	b.Unready("web-1")
	b.Wait(20 * time.Second)
	b.Status("web")
	at := b.Now()
	b.Wait(20 * time.Second)
	b.Ready("web-1")
	b.Wait(time.Minute)
	b.Status("web")
	h := asRecorded(b.History())
	r := inTwo(h, at, 5*time.Second)
	if len(r.Outages) != 1 || r.Outages[0].Since || r.Outages[0].Lasts || r.Outages[0].Took().Round(time.Second) != 40*time.Second {
		t.Errorf("expected one outage of 40 s, found %+v", r.OutageTotals())
	}
	if len(r.Histories) != 2 {
		t.Errorf("expected two histories, found %+v", r.Histories)
	}
}

// TestRecordedInTwo: wherever a history of a correct cluster is continued in another, each act counts once, nobody is accused, and no pod is down longer
// than in the whole but for those that were on their way up.
func TestRecordedInTwo(t *testing.T) {
	for seed := range uint64(20) {
		h := simulator.HistoryWithOutsiders(seed)
		whole := recording.New([]string{"shop"}, "")
		whole.Add(h, "f", recording.Span{}, all)
		for _, overlap := range []time.Duration{0, time.Second} {
			r := inTwo(h, h.Duration()*time.Duration(seed)/20, overlap)
			if len(r.Broken) > 0 {
				t.Errorf("seed %d: expected nothing broken, found %+v", seed, r.Broken)
			}
			if n, want := ofPods(r), ofPods(whole); n != want {
				t.Errorf("seed %d, overlap %v: expected each of %d acts once, found %d", seed, overlap, want, n)
			}
			for _, o := range r.Outages {
				if o.To.Before(o.From) {
					t.Errorf("seed %d: an outage that cannot be: %+v", seed, o)
				}
			}
		}
	}
}

// ofPods counts the acts that are not about claims: a set that had gone before is not known to have had a claim.
func ofPods(r *recording.Recording) (n int) {
	for _, a := range r.Acts {
		if !strings.Contains(a.What, "claim") {
			n++
		}
	}
	return n
}

// TestPreviewChangesNothing: what is asked for while a history is not finished is told, and the recording stays as it is.
func TestPreviewChangesNothing(t *testing.T) {
	b := historytest.New()
	b.Running("web", 3)
	listed(b)
	b.Wait(time.Minute)
	b.Unready("web-1")
	b.Wait(10 * time.Second)
	b.Status("web")
	first := asRecorded(b.History())
	until := first.Header.Start.Add(first.Duration())
	r := recording.New([]string{"shop"}, "")
	r.Add(first, "1", recording.Span{Until: until}, all)
	second := *first
	second.Events = nil
	for _, e := range first.Events {
		is := *e
		is.Change, is.At = history.Listed, 0
		second.Events = append(second.Events, &is)
	}
	second.Header.Start, second.End = until, nil
	for range 2 {
		if got := downs(r.Preview(&second, time.Minute, recording.Span{From: until}, all)); len(got) != 1 || !strings.HasPrefix(got[0], "web web-1 1× 70 s lasts") {
			t.Errorf("expected one outage that goes on, found %q", got)
		}
	}
	if got := downs(r); len(got) != 1 || !strings.HasPrefix(got[0], "web web-1 1× 10 s lasts") || len(r.Histories) != 1 {
		t.Errorf("expected the recording as it was, found %q and %+v", got, r.Histories)
	}
}
