package judge_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge/simulator"
)

// mutation breaks one guarantee in a simulated history, or reports that the history has no place for it. Nothing may excuse the change,
// so that the judge must report it.
type mutation func(*mutableHistory) bool

func mutations() map[contract.ID]mutation {
	all := map[contract.ID]mutation{}
	for _, family := range []map[contract.ID]mutation{
		disruptionMutations(), identityMutations(), lifecycleMutations(), notMineMutations(), orderingMutations(), retentionMutations(),
		statusMutations(), storageMutations(), terminationMutations(), updateMutations(), completionMutations(), endpointMutations(), workloadMutations(),
	} {
		for id, mutate := range family {
			if all[id] != nil {
				panic("two families have a mutation of " + string(id) + ": one of them is for furtherMutations")
			}
			all[id] = mutate
		}
	}
	return all
}

func TestEveryJudgedGuaranteeHasAMutation(t *testing.T) {
	all := mutations()
	for _, id := range judge.JudgedGuarantees() {
		if all[id] == nil {
			t.Errorf("%s: no mutation breaks it: write one", id)
		}
		delete(all, id)
	}
	for id := range all {
		t.Errorf("%s: has a mutation and no judge", id)
	}
}

// furtherMutation breaks a guarantee in another way than the one in mutations.
type furtherMutation struct {
	id     contract.ID
	name   string
	mutate mutation
}

func furtherMutations() []furtherMutation {
	return slices.Concat(furtherIdentityMutations(), furtherOrderingMutations(), facetMutations(), unaskedMutations())
}

func TestMutationsAreCaught(t *testing.T) {
	for id, mutate := range mutations() {
		t.Run(string(id), func(t *testing.T) {
			t.Parallel()
			checkMutation(t, id, mutate)
		})
	}
	for _, m := range furtherMutations() {
		t.Run(string(m.id)+"/"+strings.ReplaceAll(m.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			checkMutation(t, m.id, m.mutate)
		})
	}
}

// checkMutation applies the mutation to the first simulated histories that have a place for it.
func checkMutation(t *testing.T, id contract.ID, mutate mutation) {
	t.Helper()
	places, tries := 8, uint64(10000)
	if raceEnabled || testing.Short() {
		places = 2
	}
	found := 0
	for seed := uint64(0); seed < tries && found < places; seed++ {
		h := newMutableHistory(simulator.History(seed), rand.New(rand.NewPCG(seed, 1)))
		if !mutate(h) {
			continue
		}
		found++
		if !isCaught(h, id) {
			t.Errorf("seed %d: the mutation was not caught", seed)
		}
	}
	if found < places {
		t.Errorf("expected %d places for the mutation in %d histories, found %d", places, tries, found)
	}
}

// isCaught reports whether the judges find the guarantee broken.
func isCaught(h *mutableHistory, id contract.ID) bool {
	for _, r := range judge.History(h.sorted()) {
		if r.Guarantee == id {
			return len(r.Violations) > 0
		}
	}
	return false
}
