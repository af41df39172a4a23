package judge_test

import (
	"slices"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/explore"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge/simulator"
)

// TestExploredHistoriesHaveNoFindings does to the simulated cluster what package explore does to real ones: the sets come to rest in the end, and no
// judge finds anything.
func TestExploredHistoriesHaveNoFindings(t *testing.T) {
	t.Parallel()
	const printed = 20
	found, events, refused, acts, done := 0, 0, 0, 0, map[explore.Kind]int{}
	for seed := range seeds() / 4 {
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
			for _, f := range slices.Concat(r.Violations, r.Inconclusive) {
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
	t.Logf("%d events, %d acts, %d of them refused, %d findings", events, acts, refused, found)
}
