package judge_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// tale is a history told for one judge: what it must make of it, and that no other judge complains.
type tale struct {
	name string
	tell func(*historytest.Builder)
	// broken are the guarantees that must be violated, and no others; texts must each occur in a violation's sentence.
	broken []contract.ID
	texts  []string
	// doubted are the guarantees that must be left open, and no others.
	doubted []contract.ID
	// exercised must each have been exercised; idle must not.
	exercised, idle []contract.ID
	// live says that the story writes the set's status as a live controller would. Most leave it out, and what the status should
	// say is then no question.
	live bool
	// atWork has the controller act for another set at the end, without which it is accused of nothing that did not happen.
	atWork bool
	// excused must each have been excused by the rule of the cache lag.
	excused []contract.ID
}

func (tt tale) run(t *testing.T) {
	t.Helper()
	s := historytest.New()
	tt.tell(s)
	if tt.atWork {
		s.Running("elsewhere", 1)
		s.Wait(5 * time.Second)
	}
	var broken, doubted, exercised, excused []contract.ID
	var texts []string
	for _, r := range judge.History(s.History()) {
		if r.Guarantee.Family() == "status" && !tt.live {
			continue
		}
		if len(r.Violations) > 0 {
			broken = append(broken, r.Guarantee)
		}
		if len(r.Inconclusive) > 0 {
			doubted = append(doubted, r.Guarantee)
		}
		if r.Exercised > 0 {
			exercised = append(exercised, r.Guarantee)
		}
		if r.Excused > 0 {
			excused = append(excused, r.Guarantee)
		}
		for _, f := range slices.Concat(r.Violations, r.Inconclusive) {
			texts = append(texts, string(f.Guarantee)+": "+f.Text)
		}
	}
	all := strings.Join(texts, "\n")
	if !sameIDs(broken, tt.broken) {
		t.Errorf("broken: expected %v, found %v\n%s", tt.broken, broken, all)
	}
	if !sameIDs(doubted, tt.doubted) {
		t.Errorf("doubted: expected %v, found %v\n%s", tt.doubted, doubted, all)
	}
	for _, id := range tt.exercised {
		if !slices.Contains(exercised, id) {
			t.Errorf("%s: expected to be exercised; exercised are %v\n%s", id, exercised, all)
		}
	}
	for _, id := range tt.idle {
		if slices.Contains(exercised, id) {
			t.Errorf("%s: expected not to be exercised\n%s", id, all)
		}
	}
	for _, id := range tt.excused {
		if !slices.Contains(excused, id) {
			t.Errorf("%s: expected to be excused by the lag; excused are %v\n%s", id, excused, all)
		}
	}
	for _, text := range tt.texts {
		if !strings.Contains(all, text) {
			t.Errorf("expected a finding with %q, found\n%s", text, all)
		}
	}
}

func sameIDs(a, b []contract.ID) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

func tales(t *testing.T, all []tale) {
	t.Helper()
	for _, tt := range all {
		t.Run(strings.ReplaceAll(tt.name, " ", "-"), tt.run)
	}
}

func TestEveryGuaranteeHasOneJudge(t *testing.T) {
	seen := map[contract.ID]bool{}
	for _, id := range judge.JudgedGuarantees() {
		if seen[id] {
			t.Errorf("%s: expected one judge, found two", id)
		}
		seen[id] = true
		if _, ok := contract.Get(id); !ok {
			t.Errorf("%s is judged but is no guarantee of the contract", id)
		}
	}
}

// liveTales are tales in which the set's status is kept as a live controller would keep it.
func liveTales(t *testing.T, all []tale) {
	t.Helper()
	for i := range all {
		all[i].live = true
	}
	tales(t, all)
}
