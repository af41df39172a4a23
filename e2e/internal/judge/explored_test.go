package judge_test

import (
	"slices"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/explore"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge/simulator"
)

// TestExploredHistoriesHaveNoFindings does to the simulated cluster what package explore does to real ones: the sets come to rest in the end, and no
// judge accuses anybody. That nothing shows that the controller was at work while something was due is said now and then where it acted on an old cache, and
// nothing had it look again.
func TestExploredHistoriesHaveNoFindings(t *testing.T) {
	t.Parallel()
	const printed = 20
	found, undecided, events, refused, acts, done := 0, 0, 0, 0, 0, map[explore.Kind]int{}
	episodes := seeds() / 4
	for seed := range episodes {
		h, episode := simulator.Explored(seed)
		events += len(h.Events)
		for _, s := range episode.Steps {
			acts++
			if s.Failed != "" {
				refused++
			} else {
				done[s.Act.Kind]++
			}
		}
		if episode.Unsettled != "" {
			t.Errorf("seed %d: not settled in the end: %s", seed, episode.Unsettled)
		}
		for _, r := range judge.History(h) {
			undecided += len(r.Inconclusive)
			for _, f := range r.Violations {
				if found++; found <= printed {
					t.Errorf("seed %d: %s: expected no finding, found: %s", seed, r.Guarantee, f.Text)
				}
			}
		}
	}
	for _, k := range explore.Kinds() {
		disruptive := slices.Contains([]explore.Kind{explore.KillComponent, explore.CordonNode, explore.UncordonNode, explore.StopNode, explore.StartNode}, k)
		if (done[k] == 0) != disruptive {
			t.Errorf("the act %s was done %d times; whether it disrupts nodes or the control plane, which never fail here: %t", k, done[k], disruptive)
		}
	}
	if most := int(episodes/500) + 1; undecided > most {
		t.Errorf("expected at most %d undecided findings, found %d", most, undecided)
	}
	t.Logf("%d events, %d acts, %d of them refused, %d findings, %d undecided", events, acts, refused, found, undecided)
}
