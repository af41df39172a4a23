package judge_test

import (
	"flag"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge/simulator"
)

//nolint:gochecknoglobals // A flag of the test.
var variationSeeds = flag.Uint64("variation-seeds", 0, "how many histories are judged for each variation of a correct cluster, instead of a hundredth of all")

// TestLegalVariations: whatever a correct cluster does otherwise than the simulated one, it breaks nothing.
func TestLegalVariations(t *testing.T) {
	t.Parallel()
	seeds := max(*variationSeeds, seeds()/100)
	for _, v := range simulator.Variations() {
		t.Run(strings.ReplaceAll(v.Name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			judgeLegal(t, seeds, v.MayStayOpen, func(seed uint64) *history.History { return simulator.HistoryWith(seed, v) })
		})
	}
}

// TestLegalCombinations is the same for several variations at a time, and what their histories show is not excused altogether: of each guarantee
// that the histories without variations exercise often they exercise a quarter as much.
func TestLegalCombinations(t *testing.T) {
	t.Parallel()
	const often = 100
	seeds := max(*variationSeeds, seeds()/10)
	varied := judgeLegal(t, seeds, false, simulator.VariedHistory)
	plain := judgeLegal(t, seeds, false, simulator.History)
	for id, n := range plain {
		if n >= often && varied[id] < n/4 {
			t.Errorf("%s: exercised %d times, expected a quarter of %d", id, varied[id], n)
		}
	}
}

// judgeLegal judges the histories of correct clusters and returns how often they exercise each guarantee.
func judgeLegal(t *testing.T, seeds uint64, mayStayOpen bool, legal func(uint64) *history.History) map[contract.ID]int {
	t.Helper()
	const printed = 20 // further findings are only counted
	exercised, found := map[contract.ID]int{}, 0
	for seed := range seeds {
		for _, r := range judge.History(legal(seed)) {
			exercised[r.Guarantee] += r.Exercised
			findings := r.Violations
			if !mayStayOpen {
				findings = append(findings, r.Inconclusive...)
			}
			for _, f := range findings {
				if found++; found <= printed {
					t.Errorf("seed %d: %s: expected no finding, found: %s", seed, r.Guarantee, f.Text)
				}
			}
		}
	}
	t.Logf("%d histories, %d findings", seeds, found)
	return exercised
}

// TestMutationsOfVariationsAreCaught: no variation hides what breaks a guarantee.
func TestMutationsOfVariationsAreCaught(t *testing.T) {
	if raceEnabled || testing.Short() {
		t.Skip("slow, and single-threaded code that the other tests run as well")
	}
	const places, tries = 8, 1_000
	for id, mutate := range mutations() {
		t.Run(string(id), func(t *testing.T) {
			t.Parallel()
			found, caught := 0, 0
			for seed := uint64(0); seed < tries && found < places; seed++ {
				h := newMutableHistory(simulator.VariedHistory(seed), rand.New(rand.NewPCG(seed, 1)))
				if !mutate(h) {
					continue
				}
				found++
				if isCaught(h, id) {
					caught++
				} else {
					t.Logf("UNCAUGHT seed %d", seed)
				}
			}
			if caught*4 < found*3 {
				t.Errorf("%d of %d mutations were caught, expected three of four", caught, found)
			}
		})
	}
}
