package judge_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge/simulator"
)

// joined returns what a recording shows of a history that begins with that many of its events in the past: the objects that were there are listed. One
// that begins with nothing had nothing to record for a minute.
func joined(h *history.History, past int) *history.History {
	out := &history.History{Header: h.Header}
	state := history.NewState()
	for _, e := range h.Events[:past] {
		state.Apply(e)
	}
	add := func(e *history.Event, change history.Change, at time.Duration) {
		is := *e
		is.Change, is.Seq, is.At = change, len(out.Events)+1, at
		out.Events = append(out.Events, &is)
	}
	for i, r := range history.Resources() {
		for _, e := range state.List(r) {
			add(e, history.Listed, time.Duration(i)*time.Millisecond) // one resource after another
		}
	}
	begin := -time.Minute
	if past > 0 {
		begin = h.Events[past-1].At - 10*time.Millisecond
	}
	out.Header.Start = h.Header.Start.Add(begin)
	for _, e := range h.Events[past:] {
		add(e, e.Change, e.At-begin)
	}
	out.End = &history.End{Seq: len(out.Events) + 1, At: h.Duration() - begin, Complete: h.End == nil || h.End.Complete}
	return out
}

// TestUnstimulatedLegalHistoriesAccuseNobody: whatever its users and other clients do, and whenever a recording begins, a correct cluster breaks nothing
// in the eyes of those who do not know what was done.
func TestUnstimulatedLegalHistoriesAccuseNobody(t *testing.T) {
	t.Parallel()
	exercised := 0
	for seed := range seeds() / 20 {
		rng := rand.New(rand.NewPCG(seed, 0x0b))
		for kind, h := range map[string]*history.History{"with a user": simulator.History(seed), "with outsiders": simulator.HistoryWithOutsiders(seed)} {
			h = joined(h, rng.IntN(len(h.Events)))
			if rng.IntN(2) == 0 {
				h.Header.Lag, h.Header.ClockSkew = judge.MaxLag, judge.MaxClockSkew
			}
			for _, r := range judge.Unstimulated(h) {
				exercised += r.Exercised
				for _, f := range r.Violations {
					t.Errorf("seed %d %s: %s: expected nothing broken, found: %s", seed, kind, r.Guarantee, f.Text)
				}
			}
		}
	}
	if exercised == 0 {
		t.Error("expected guarantees to be exercised")
	}
}

// TestUnstimulatedMutationsAreCaught: every guarantee that is judged without a test can be found broken without one.
func TestUnstimulatedMutationsAreCaught(t *testing.T) {
	notJudged := judge.NotJudged()
	byPolicies := []contract.ID{contract.IdentityLabels, contract.IdentityTemplate, contract.IdentityOverrides, contract.StorageClaimLabels}
	// The creation of a pod without an owner is nobody's for sure.
	mutate := mutations()
	delete(mutate, contract.IdentityOwnership)
	for _, id := range slices.Sorted(maps.Keys(mutate)) {
		t.Run(string(id), func(t *testing.T) {
			t.Parallel()
			caught, open, places := 0, 0, 0
			for seed := uint64(0); seed < 10_000 && places < 8 && caught == 0; seed++ {
				h := newMutableHistory(simulator.History(seed), rand.New(rand.NewPCG(seed, 1)))
				if !mutate[id](h) {
					continue
				}
				places++
				for _, r := range judge.Unstimulated(joined(h.sorted(), 0)) {
					if r.Guarantee == id {
						caught, open = caught+len(r.Violations), open+len(r.Inconclusive)
					}
				}
			}
			switch {
			case slices.Contains(notJudged, id):
				if caught+open > 0 {
					t.Error("expected no verdict on what is about tests")
				}
			case slices.Contains(byPolicies, id):
				if caught > 0 || open == 0 {
					t.Errorf("expected what a policy may have done to be open, found %d broken and %d open", caught, open)
				}
			case caught == 0:
				t.Errorf("broken in %d histories, and never found", places)
			}
		})
	}
}

// TestRecordedHistoriesWithoutOperations: those of real clusters accuse nobody, and what is broken in fixtures is found, when nobody knows what was done.
func TestRecordedHistoriesWithoutOperations(t *testing.T) {
	for _, path := range savedHistories(t) {
		h, err := history.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		var broken []string
		for _, r := range judge.Unstimulated(joined(h, 0)) {
			for _, f := range r.Violations {
				broken = append(broken, fmt.Sprintf("%s: %s", r.Guarantee, f.Text))
			}
		}
		bad := strings.Contains(path, "/bad/") || strings.Contains(path, "order-ignored")
		if bad != (len(broken) > 0) {
			t.Errorf("%s: expected something broken: %t, found %q", filepath.Base(path), bad, broken)
		}
	}
}

// TestWhatABackupRestored: pods with a set's labels and without its reference are put there by others.
func TestWhatABackupRestored(t *testing.T) {
	b := historytest.New()
	b.Set("web", historytest.Replicas(1))
	b.Wait(time.Minute)
	b.CreateReady("web-0")
	for _, e := range b.Events() {
		if e.Resource == history.Pods {
			e.Owners = nil
		}
	}
	b.Wait(time.Minute)
	broken := func(results []judge.Result) (n int) {
		for _, r := range results {
			if r.Guarantee == contract.IdentityOwnership {
				n += len(r.Violations)
			}
		}
		return n
	}
	if n := broken(judge.History(b.History())); n != 1 {
		t.Fatalf("expected a test's own set to be at fault once, found %d", n)
	}
	if n := broken(judge.Unstimulated(b.History())); n != 0 {
		t.Errorf("expected nobody to be accused, found %d", n)
	}
}

// TestTheFirstSecondsAccuseNobody: what the controller knew before the recording is not known.
func TestTheFirstSecondsAccuseNobody(t *testing.T) {
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{0, 0}, {time.Minute, 1}} {
		b := historytest.New()
		b.Set("web", historytest.Replicas(2))
		past := len(b.Events())
		b.Wait(c.after)
		b.Pod("web-0")
		b.Pod("web-1") // web-0 is not Ready
		b.Wait(10 * time.Second)
		b.Ready("web-0")
		for _, e := range b.Events()[:past] {
			e.Change = history.Listed
		}
		b.Wait(time.Minute)
		n := 0
		for _, r := range judge.Unstimulated(b.History()) {
			if r.Guarantee == contract.OrderingCreate {
				n += len(r.Violations)
			}
		}
		if n != c.want {
			t.Errorf("%v after the beginning: expected %d accusations, found %d", c.after, c.want, n)
		}
	}
}

// TestAScaleOfASetThatWasAtRestIsTheFirst: the pods are listed before their set, and the set had settled all the same.
func TestAScaleOfASetThatWasAtRestIsTheFirst(t *testing.T) {
	for ready, want := range map[bool]int{true: 0, false: 1} {
		b := historytest.New()
		b.Running("web", 2)
		if !ready {
			b.Unready("web-1")
		}
		b.Status("web")
		h := b.History()
		past := len(h.Events)
		b.Wait(time.Minute)
		if !ready {
			b.Scale("web", 3)
			b.Ready("web-1")
		}
		b.Scale("web", 4)
		b.Pod("web-2")
		b.Wait(time.Second)
		b.Pod("web-3") // web-2 is not Ready
		b.Wait(10 * time.Second)
		b.Ready("web-2")
		b.Ready("web-3")
		n := 0
		for _, r := range judge.Unstimulated(joined(b.History(), past)) {
			if r.Guarantee == contract.OrderingChangeOfMind {
				n += len(r.Violations)
			}
		}
		if n != want {
			t.Errorf("at rest: %t: expected %d violations of what holds while replicas change again and again, found %d", ready, want, n)
		}
	}
}

// TestAFinalizerThatSomebodyTookAway: people take away the finalizer of a claim whose deletion hangs. No watch shows who did, or that it was there.
func TestAFinalizerThatSomebodyTookAway(t *testing.T) {
	b := historytest.New()
	b.Running("web", 1, historytest.Claims("data"), historytest.WhenDeletedDelete)
	b.SetController("data-web-0", "StatefulSet", "web", b.Get(history.Sets, "web").UID)
	b.Wait(time.Minute)
	b.DeleteSet("web")
	b.Terminate("web-0")
	b.Change(history.Claims, "data-web-0", func(e *history.Event) { e.DeletionTimestamp = new(b.Timestamp()) })
	b.Wait(time.Minute)
	b.Remove(history.Claims, "data-web-0")
	b.Wait(time.Minute)
	b.FinishDeletion("web-0")
	for _, r := range judge.Unstimulated(joined(b.History(), 0)) {
		for _, f := range r.Violations {
			t.Errorf("%s: expected nothing broken, found: %s", r.Guarantee, f.Text)
		}
	}
}
