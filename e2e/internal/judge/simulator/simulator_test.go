package simulator_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge/simulator"
)

// seeds is how many legal histories are judged: all of them where nothing slows the test down.
func seeds() uint64 {
	if raced || testing.Short() {
		return 1_000
	}
	return 10_000
}

// neverExercised holds the guarantees that no legal history exercises, with the reason.
func neverExercised() map[contract.ID]string {
	const whole = "the model's nodes and control plane never fail"
	return map[contract.ID]string{
		contract.IdentityHostname: "what a pod is called is asked inside its container",

		contract.DisruptionNodeLost: whole, contract.DisruptionNodeReturns: whole,
		contract.DisruptionControllerRestart: whole, contract.DisruptionAPIServerRestart: whole,
	}
}

func TestLegalHistoriesAreFoundLegal(t *testing.T) {
	t.Parallel()
	const most = 20 // findings told in full
	exercised, excused := map[contract.ID]int{}, map[contract.ID]int{}
	events, found := 0, 0
	for seed := range seeds() {
		h := simulator.History(seed)
		events += len(h.Events)
		for _, r := range judge.History(h) {
			exercised[r.Guarantee] += r.Exercised
			excused[r.Guarantee] += r.Excused
			for _, f := range slices.Concat(r.Violations, r.Inconclusive) {
				if found++; found <= most {
					t.Errorf("seed %d: %s: expected neither violation nor doubt, found: %s", seed, r.Guarantee, f.Text)
				}
			}
		}
	}
	t.Logf("%d histories, %d events, %d findings", seeds(), events, found)
	reasons := neverExercised()
	for _, id := range judge.JudgedGuarantees() {
		t.Logf("%-32s exercised %6d times, excused %5d", id, exercised[id], excused[id])
		switch reason := reasons[id]; {
		case exercised[id] == 0 && reason == "":
			t.Errorf("%s: no legal history exercises it: extend the model, or say why not", id)
		case exercised[id] > 0 && reason != "":
			t.Errorf("%s: is exercised %d times although it is said that it cannot be: %s", id, exercised[id], reason)
		}
	}
}

func TestTheSameSeedMakesTheSameHistory(t *testing.T) {
	for seed := range uint64(50) {
		if a, b := told(simulator.History(seed)), told(simulator.History(seed)); a != b {
			t.Fatalf("seed %d: two histories differ", seed)
		}
	}
	if told(simulator.History(1)) == told(simulator.History(2)) {
		t.Error("two seeds make the same history")
	}
}

func TestJudgingTwiceSaysTheSame(t *testing.T) {
	for seed := range uint64(100) {
		h := simulator.History(seed)
		if a, b := fmt.Sprint(judge.History(h)), fmt.Sprint(judge.History(h)); a != b {
			t.Fatalf("seed %d: two judgements of one history differ:\n%s\n%s", seed, a, b)
		}
	}
}

func TestLegalHistoriesCanBeSaved(t *testing.T) {
	for seed := range uint64(50) {
		h := simulator.History(seed)
		again := reread(t, h)
		if a, b := fmt.Sprint(judge.History(h)), fmt.Sprint(judge.History(again)); a != b {
			t.Fatalf("seed %d: a history and what was read back of it are judged differently:\n%s\n%s", seed, a, b)
		}
	}
}
