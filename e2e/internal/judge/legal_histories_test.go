package judge_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge/simulator"
)

// seeds is how many simulated histories are judged; the race detector makes each of them ten times as slow.
func seeds() uint64 {
	if raceEnabled || testing.Short() {
		return 1_000
	}
	return 10_000
}

// neverExercised holds the guarantees that no simulated history exercises, with the reason.
func neverExercised() map[contract.ID]string {
	const noFaults = "the simulated nodes and control plane never fail"
	const noClients = "only the histories of TestClientsOfACorrectCluster have clients"
	return map[contract.ID]string{
		contract.IdentityHostname: "a hostname is read inside the container, which the simulator does not run",
		contract.IdentityOwnFQDN:  "a domain name is read inside the container, which the simulator does not run",
		contract.DNSPodRecord:     "a record is asked of the cluster's DNS, which the simulator does not have",

		contract.WorkloadLinearizable: noClients, contract.WorkloadNoLostWrite: noClients, contract.WorkloadAvailable: noClients,
		contract.WorkloadMemberReturns: noClients, contract.WorkloadDataKept: noClients, contract.WorkloadDataGone: noClients,

		contract.DisruptionNodeLost: noFaults, contract.DisruptionNodeReturns: noFaults,
		contract.DisruptionControllerRestart: noFaults, contract.DisruptionAPIServerRestart: noFaults,
	}
}

func TestLegalHistoriesHaveNoFindings(t *testing.T) {
	t.Parallel()
	const printed = 20 // further findings are only counted
	exercised, excused := map[contract.ID]int{}, map[contract.ID]int{}
	events, found := 0, 0
	for seed := range seeds() {
		h := simulator.History(seed)
		events += len(h.Events)
		for _, r := range judge.History(h) {
			exercised[r.Guarantee] += r.Exercised
			excused[r.Guarantee] += r.Excused.Total()
			for _, f := range slices.Concat(r.Violations, r.Inconclusive) {
				if found++; found <= printed {
					t.Errorf("seed %d: %s: expected no finding, found: %s", seed, r.Guarantee, f.Text)
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
			t.Errorf("%s: no simulated history exercises it: extend the simulator, or give the reason", id)
		case exercised[id] > 0 && reason != "":
			t.Errorf("%s: exercised %d times, expected never, because %s", id, exercised[id], reason)
		}
	}
}

// TestOutsidersAccuseNobody: whatever pods, claims and sets other clients delete, a correct cluster breaks nothing.
func TestOutsidersAccuseNobody(t *testing.T) {
	t.Parallel()
	const printed = 20
	broken, open := 0, 0
	for seed := range seeds() {
		for _, r := range judge.History(simulator.HistoryWithOutsiders(seed)) {
			open += len(r.Inconclusive)
			for _, f := range r.Violations {
				if broken++; broken <= printed {
					t.Errorf("seed %d: %s: expected nothing broken, found: %s", seed, r.Guarantee, f.Text)
				}
			}
		}
	}
	t.Logf("%d histories, %d findings are inconclusive, %d violations", seeds(), open, broken)
	if open == 0 {
		t.Error("expected inconclusive findings: nothing that the outsiders did mattered")
	}
}

func TestJudgingTwiceGivesTheSameResults(t *testing.T) {
	for seed := range uint64(100) {
		h := simulator.History(seed)
		if a, b := fmt.Sprint(judge.History(h)), fmt.Sprint(judge.History(h)); a != b {
			t.Fatalf("seed %d: the results of the same history differ:\n%s\n%s", seed, a, b)
		}
	}
}

func TestSavedHistoriesAreJudgedTheSame(t *testing.T) {
	for seed := range uint64(50) {
		h := simulator.History(seed)
		var file bytes.Buffer
		if err := h.Write(&file); err != nil {
			t.Fatal(err)
		}
		saved, err := history.Read(&file)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := fmt.Sprint(judge.History(h)), fmt.Sprint(judge.History(saved)); a != b {
			t.Fatalf("seed %d: the results of a history and of its saved copy differ:\n%s\n%s", seed, a, b)
		}
	}
}
