package judge_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge/simulator"
)

// TestNothingHidesBehindTheLag judges mutated histories with the widest lag that judges accept: what is found no more is found by another
// check, left open, or counted as excused.
func TestNothingHidesBehindTheLag(t *testing.T) {
	places, tries := 4, uint64(2000)
	if raceEnabled || testing.Short() {
		places = 1
	}
	for id, mutate := range mutations() {
		t.Run(string(id), func(t *testing.T) {
			t.Parallel()
			hidden, found := 0, 0
			for seed := uint64(0); seed < tries && found < places; seed++ {
				h := newMutableHistory(simulator.History(seed), rand.New(rand.NewPCG(seed, 1)))
				if !mutate(h) {
					continue
				}
				found++
				as := simulator.History(seed)
				as.Header.Lag, h.Header.Lag = judge.MaxLag, judge.MaxLag
				if said(h.sorted()) <= said(as) {
					hidden++
				}
			}
			if found == 0 {
				t.Errorf("expected a place for the mutation in %d histories, found none", tries)
			}
			if hidden > 0 {
				t.Errorf("%d mutated histories are judged in silence, expected a finding or an excuse that the histories as they were do not have", hidden)
			}
		})
	}
}

// said counts what the judges say of a history, beside what was exercised.
func said(h *history.History) int {
	n := 0
	for _, r := range judge.History(h) {
		n += len(r.Violations) + len(r.Inconclusive) + r.Excused.Total()
	}
	return n
}

func TestExcusesAreCounted(t *testing.T) {
	for _, c := range []struct {
		name  string
		id    contract.ID
		why   judge.Excuse
		build func(*historytest.Builder)
	}{
		{"readiness lost just before", contract.OrderingScaleUp, judge.CacheLag, func(b *historytest.Builder) {
			b.Running("web", 2)
			b.Scale("web", 3)
			b.Unready("web-0")
			b.Pod("web-2")
		}},
		{"in order before the change of start", contract.OrderingScaleUp, judge.OlderSpec, func(b *historytest.Builder) {
			b.Set("web", historytest.Replicas(1), historytest.Start(2))
			b.CreateReady("web-2")
			b.Wait(5 * time.Second)
			b.Scale("web", 2)
			b.Update("web", func(s *history.Set) { s.Start = 1 })
			b.Update("web", func(s *history.Set) { s.Replicas = 3 })
			b.Pod("web-3")
		}},
		{"out of order for a scale down, in order for an update", contract.OrderingScaleDown, judge.OtherCause, func(b *historytest.Builder) {
			b.Running("web", 4)
			b.NewTemplate("web", 2)
			b.Roll("web", 3)
			b.Scale("web", 1)
			b.DeletePod("web-2")
		}},
		{"ended by the pod garbage collector", contract.IdentityAtMostOne, judge.Forced, func(b *historytest.Builder) {
			b.Running("web", 1)
			b.Disrupt("web-0", "DeletionByPodGC")
			b.Remove(history.Pods, "web-0")
			b.CreateReady("web-0")
		}},
		{"a claim that an earlier policy gave to the set", contract.StorageDeleteKeeps, judge.NotDue, func(b *historytest.Builder) {
			b.Running("web", 1, historytest.Claims("data"), historytest.WhenDeletedDelete)
			b.SetController("data-web-0", "StatefulSet", "web", b.Get(history.Sets, "web").UID)
			b.Update("web", func(s *history.Set) { s.WhenDeleted = retainPolicy })
			b.Status("web")
			b.Wait(5 * time.Second)
			b.Operation(history.VerbDelete, history.Sets, "web")
			b.DeleteSet("web")
			b.DeletePod("web-0")
			b.DeleteClaim("data-web-0")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := historytest.New()
			c.build(b)
			all := judge.History(b.History())
			i := slices.IndexFunc(all, func(r judge.Result) bool { return r.Guarantee == c.id })
			if got := all[i].Excused[c.why]; got != 1 || len(all[i].Violations) > 0 {
				t.Errorf("%s: expected one case excused by %q and no violation, found %v and %v", c.id, c.why, all[i].Excused, all[i].Violations)
			}
		})
	}
}
