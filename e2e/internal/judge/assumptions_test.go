package judge_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge/simulator"
)

// TestSimulatorKeepsTheAssumptions: what the simulator makes keeps what the judges assume (see doc.go), so that their verdicts on it are
// evidence. That its caches stay within the lag is tested beside it.
func TestSimulatorKeepsTheAssumptions(t *testing.T) {
	for seed := range uint64(300) {
		h := simulator.History(seed)
		assumeOrderWithinWatches(t, seed, h)
		assumeWatchSkew(t, seed, h, judge.SettleTime(h)-h.Header.Lag)
		assumeOperationsFirst(t, seed, h)
		if t.Failed() {
			return
		}
	}
}

func assumeOrderWithinWatches(t *testing.T, seed uint64, h *history.History) {
	t.Helper()
	newest := map[history.Resource]*history.Event{}
	for _, e := range h.Events {
		if last := newest[e.Resource]; last != nil && e.RV() <= last.RV() {
			t.Errorf("seed %d: the watch of %s shows %s after %s", seed, e.Resource, e.Ref(), last.Ref())
		}
		newest[e.Resource] = e
	}
}

func assumeWatchSkew(t *testing.T, seed uint64, h *history.History, most time.Duration) {
	t.Helper()
	// Clusters may keep Event objects in a store of their own, whose versions cannot be compared with others.
	events := slices.DeleteFunc(slices.Clone(h.Events), func(e *history.Event) bool { return e.Resource == history.Events })
	slices.SortFunc(events, func(a, b *history.Event) int { return cmp.Or(cmp.Compare(a.RV(), b.RV()), cmp.Compare(a.At, b.At)) })
	var latest *history.Event
	for _, e := range events {
		if latest != nil && e.At < latest.At-most {
			t.Errorf("seed %d: %s of %s arrived more than %v before %s of %s, which happened earlier", seed, e.Ref(), e.Name, most, latest.Ref(), latest.Name)
		}
		if latest == nil || e.At > latest.At {
			latest = e
		}
	}
}

func assumeOperationsFirst(t *testing.T, seed uint64, h *history.History) {
	t.Helper()
	deleting := map[types.UID]*history.Event{}
	for _, e := range h.Events {
		if deleting[e.UID] == nil && (e.Terminating() || e.Gone()) {
			deleting[e.UID] = e
		}
	}
	operated := map[types.UID]bool{}
	for _, o := range h.Operations {
		if e := deleting[o.UID]; o.UID != "" && !operated[o.UID] && e != nil && e.Seq < o.Seq {
			t.Errorf("seed %d: the operation %q (%d) is recorded after its effect (%d)", seed, o.Text, o.Seq, e.Seq)
		}
		operated[o.UID] = true
	}
}

// TestRecordingsThatBreakAnAssumption: they accuse nobody.
func TestRecordingsThatBreakAnAssumption(t *testing.T) {
	s := historytest.New()
	s.Set("web", historytest.Replicas(2))
	s.Pod("web-0")
	pod := s.Pod("web-1")
	s.Begin(history.Operation{Verb: history.VerbCreate, Resource: history.Pods, Name: "web-1"})(
		history.Accepted, &history.Result{UID: pod.UID, ResourceVersion: pod.ResourceVersion})
	found := false
	for _, r := range judge.History(s.History()) {
		for _, f := range r.Violations {
			t.Errorf("%s: expected no violation, found: %s", f.Guarantee, f.Text)
		}
		for _, f := range r.Inconclusive {
			found = found || strings.Contains(f.Text, "was recorded after its effect")
		}
	}
	if !found {
		t.Error("expected an inconclusive finding that says which assumption is broken, found none")
	}
}

// A controller whose own writes show that its view is older than the bound of its lag is accused of nothing that it did by that view.
func TestAControllerWhoseViewIsOldIsNotAccusedByIt(t *testing.T) {
	for name, c := range map[string]struct {
		response time.Duration
		broken   bool
	}{"quick": {0, true}, "within the lag": {time.Second, true}, "beyond the lag": {5 * time.Second, false}} {
		b := historytest.New()
		b.Set("web", historytest.Replicas(3))
		b.CreateReady("web-0")
		b.Pod("web-1")
		b.Pod("web-2")
		b.Wait(c.response)
		b.Status("web")
		b.Ready("web-1")
		for _, r := range judge.History(b.History()) {
			if r.Guarantee != contract.OrderingCreate {
				continue
			}
			says := len(r.Inconclusive) == 1 && strings.Contains(r.Inconclusive[0].Text, "LIMITS=controller-lag=")
			if (len(r.Violations) > 0) != c.broken || says == c.broken {
				t.Errorf("%s: expected broken %t, found %+v", name, c.broken, r)
			}
		}
	}
}

// TestResponses: each generation counts from its first event to the first status that has observed it or a later one.
func TestResponses(t *testing.T) {
	set := func(at time.Duration, generation, observed int64, change history.Change) *history.Event {
		return &history.Event{
			At: at, Resource: history.Sets, Change: change, Meta: history.Meta{Name: "web", UID: "uid-web", Generation: generation},
			Set: &history.Set{Status: history.Status{ObservedGeneration: observed}},
		}
	}
	h := &history.History{Events: []*history.Event{
		set(0, 3, 2, history.Listed), // when it was changed nobody saw
		set(1*time.Second, 4, 3, history.Modified),
		set(3*time.Second, 5, 3, history.Modified),
		set(4*time.Second, 5, 4, history.Modified),
		set(9*time.Second, 5, 5, history.Modified),
		set(10*time.Second, 6, 5, history.Modified), // never observed
	}}
	if got, want := judge.Responses(h), []time.Duration{3 * time.Second, 6 * time.Second}; !slices.Equal(got, want) {
		t.Errorf("expected %v, found %v", want, got)
	}
}
