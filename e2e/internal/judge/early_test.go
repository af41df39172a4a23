package judge_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge/simulator"
)

// recordedUntil is what a recorder has of a history at a moment.
func recordedUntil(h *history.History, now time.Duration) *history.History {
	part := &history.History{Header: h.Header}
	for _, e := range h.Events {
		if e.At <= now {
			part.Events = append(part.Events, e)
		}
	}
	for _, g := range h.Gaps {
		if g.To <= now {
			part.Gaps = append(part.Gaps, g)
		}
	}
	for _, op := range h.Operations {
		if op.At > now {
			continue
		}
		if op.ReturnAt > now {
			op.ReturnSeq, op.ReturnAt, op.Outcome, op.Result, op.Reason = 0, 0, history.Unknown, nil, ""
		}
		part.Operations = append(part.Operations, op)
	}
	for _, x := range h.Expectations {
		if x.At <= now {
			part.Expectations = append(part.Expectations, x)
		}
	}
	for _, c := range h.Checks {
		if c.At <= now {
			part.Checks = append(part.Checks, c)
		}
	}
	return part
}

// TestEarlyAccusesNobody: of a correct cluster nothing is told, whenever it is looked at.
func TestEarlyAccusesNobody(t *testing.T) {
	t.Parallel()
	for seed := range seeds() / 100 {
		for name, h := range map[string]*history.History{"plain": simulator.History(seed), "varied": simulator.VariedHistory(seed)} {
			random, whole := rand.New(rand.NewPCG(seed, 2)), h.Duration()
			for range 10 {
				now := time.Duration(random.Int64N(int64(whole) + 1))
				for _, f := range new(judge.Early).Look(recordedUntil(h, now), now) {
					t.Errorf("%s history of seed %d, at %v of %v: %s: %s", name, seed, now, whole, f.Guarantee, f.Text)
				}
			}
		}
	}
}

// TestEarlyAgrees: what is told while a faulty cluster is recorded stands at the end, and most is told within two seconds.
func TestEarlyAgrees(t *testing.T) {
	t.Parallel()
	const soon = 2 * time.Second
	told, late := 0, []contract.ID{}
	all := mutations()
	for i, id := range slices.Sorted(maps.Keys(all)) {
		h := mutated(all[id], uint64(i))
		if h == nil {
			continue
		}
		results := judge.History(h)
		at := slices.IndexFunc(results, func(r judge.Result) bool { return r.Guarantee == id && len(r.Violations) > 0 })
		if at < 0 {
			t.Errorf("%s: expected the mutation to be caught", id)
			continue
		}
		broken, random := results[at].Violations[0].At, rand.New(rand.NewPCG(uint64(i), 3))
		for _, f := range new(judge.Early).Look(recordedUntil(h, broken), broken) {
			if f.At == broken {
				t.Errorf("%s: expected nothing to be told in the moment in which it arrives: what excuses it may come by another watch", f.Guarantee)
			}
		}
		looks := []time.Duration{broken + soon}
		for range 6 {
			looks = append(looks, time.Duration(random.Int64N(int64(h.Duration())+1)))
		}
		slices.Sort(looks)
		early, inTime := new(judge.Early), false
		for _, now := range looks {
			for _, f := range early.Look(recordedUntil(h, now), now) {
				inTime = inTime || f.Guarantee == id && now <= broken+soon
			}
		}
		if wrong := early.Withdrawn(results); len(wrong) > 0 {
			t.Errorf("%s: %v was told and is not broken at the end", id, wrong)
		}
		if inTime && !slices.Contains(early.Withdrawn(nil), id) {
			t.Errorf("%s: expected it to be withdrawn where nothing is broken at the end", id)
		}
		if inTime {
			told++
		} else {
			late = append(late, id)
		}
	}
	// The rest is shown by what did not happen until the end, or by clients of a database.
	if told < 3*len(late) {
		t.Errorf("expected three of four to be told within %v, found %d; told later: %v", soon, told, late)
	}
}

// mutated is the first simulated history from a seed on that has a place for a mutation, nil if that is rare.
func mutated(mutate mutation, from uint64) *history.History {
	const tries = 200
	for seed := from; seed < from+tries; seed++ {
		m := newMutableHistory(simulator.History(seed), rand.New(rand.NewPCG(seed, 1)))
		if mutate(m) {
			return m.sorted()
		}
	}
	return nil
}
