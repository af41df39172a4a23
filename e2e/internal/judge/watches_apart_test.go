package judge_test

import (
	"cmp"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// newRecordings holds histories that each were undecided once, as recorded or with their watches apart.
const newRecordings = "testdata/recorded"

// TestWatchesApart judges recorded histories of a correct cluster again as if each watch had lagged by a time of its own: nobody is accused, nothing becomes
// doubtful, and each spec still exercises what it is about, else it would now and then end undecided on a busy machine.
func TestWatchesApart(t *testing.T) {
	// Where operations come half a second later, reactions seem to take as long, for which a spec would hold longer than most of these did.
	short := []time.Duration{20 * time.Millisecond, 100 * time.Millisecond}
	watchesApart(t, "../report/testdata/conformant/histories", short)
	watchesApart(t, newRecordings, append(short, 500*time.Millisecond, 500*time.Millisecond, 500*time.Millisecond))
}

// watchesApart judges the histories of a folder with watches that are up to each of those times apart.
func watchesApart(t *testing.T, folder string, apart []time.Duration) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.jsonl.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("expected histories in %s, found %v, %v", folder, files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			h := loaded(t, file)
			was := map[contract.ID]judge.Result{}
			for _, r := range judge.History(h) {
				was[r.Guarantee] = r
			}
			for _, id := range h.Header.Proves {
				if was[id].Exercised == 0 && folder == newRecordings {
					t.Errorf("as recorded: %s is not exercised", id)
				}
			}
			for seed, most := range apart {
				h := loaded(t, file)
				spreadWatches(h, most, rand.New(rand.NewPCG(1, uint64(seed))))
				for _, r := range judge.History(h) {
					if len(r.Violations) > len(was[r.Guarantee].Violations) {
						t.Errorf("%s apart: %s is found broken: %s", most, r.Guarantee, r.Violations[0].Text)
					}
					if len(r.Inconclusive) > len(was[r.Guarantee].Inconclusive) {
						t.Errorf("%s apart: %s is doubtful: %s", most, r.Guarantee, r.Inconclusive[0].Text)
					}
					if r.Exercised == 0 && was[r.Guarantee].Exercised > 0 && slices.Contains(h.Header.Proves, r.Guarantee) {
						t.Errorf("%s apart: %s is not exercised any more", most, r.Guarantee)
					}
				}
			}
		})
	}
}

func loaded(t *testing.T, file string) *history.History {
	t.Helper()
	h, err := history.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// spreadWatches delays the events of each resource by a time of its own up to the longest, drawn anew for every tenth of them. What the spec did it did
// only after it had seen what it waited for, so that each of its operations, and all that follows, comes later by the longest time.
func spreadWatches(h *history.History, longest time.Duration, chance *rand.Rand) {
	type record struct {
		at    *time.Duration
		seq   *int
		order int // the place before
	}
	var records []record
	add := func(at *time.Duration, seq *int) { records = append(records, record{at, seq, *seq}) }
	var called []int
	for i := range h.Operations {
		o := &h.Operations[i]
		called = append(called, o.Seq)
		add(&o.At, &o.Seq)
		if o.ReturnSeq != 0 {
			add(&o.ReturnAt, &o.ReturnSeq)
		}
	}
	for _, e := range h.Events {
		add(&e.At, &e.Seq)
	}
	for i := range h.Expectations {
		add(&h.Expectations[i].At, &h.Expectations[i].Seq)
	}
	for i := range h.Checks {
		add(&h.Checks[i].At, &h.Checks[i].Seq)
	}
	slices.Sort(called)
	for _, r := range records {
		before, _ := slices.BinarySearch(called, r.order+1)
		*r.at += time.Duration(before) * longest
	}
	delay, last, seen := map[history.Resource]time.Duration{}, map[history.Resource]time.Duration{}, map[history.Resource]int{}
	for _, e := range h.Events {
		const kept = 10
		if seen[e.Resource]%kept == 0 {
			delay[e.Resource] = time.Duration(chance.Int64N(int64(longest)))
		}
		seen[e.Resource]++
		e.At = max(e.At+delay[e.Resource], last[e.Resource])
		last[e.Resource] = e.At
	}
	for i := range h.Expectations {
		h.Expectations[i].At += longest
	}
	for i := range h.Checks {
		h.Checks[i].At += longest
	}
	slices.SortFunc(records, func(a, b record) int { return cmp.Or(cmp.Compare(*a.at, *b.at), cmp.Compare(a.order, b.order)) })
	place := map[int]int{}
	for i, r := range records {
		place[r.order] = i + 1
		*r.seq = i + 1
	}
	for i := range h.Expectations {
		h.Expectations[i].Since = place[h.Expectations[i].Since]
	}
	slices.SortFunc(h.Events, func(a, b *history.Event) int { return a.Seq - b.Seq })
	h.End.At += time.Duration(len(called)+1) * longest
	h.End.Seq = len(records) + 1
}
