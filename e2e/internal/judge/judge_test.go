package judge_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// testCase is a history with the results expected of one judge; every other judge must find nothing.
type testCase struct {
	name  string
	build func(*historytest.Builder)
	// broken are exactly the guarantees that must be violated; texts must each occur in a finding.
	broken []contract.ID
	texts  []string
	// inconclusive are exactly the guarantees that must have inconclusive findings.
	inconclusive []contract.ID
	// exercised must each have been exercised; notExercised must not.
	exercised, notExercised []contract.ID
	// liveStatus says that build keeps the set's status current. Otherwise findings about the status are ignored.
	liveStatus bool
	// completes says that build has the controller create and delete all that it should, but for what the case is about. Otherwise findings about
	// pods too few or too many at the end are ignored.
	completes bool
	// controllerActs touches every set at the end and then lets the controller act for another one: without a sign of life no omission is a
	// violation.
	controllerActs bool
	// byAct says that an act breaks what is broken, which needs no sign of life.
	byAct bool
	// excused must each have been excused by the lag of the informer cache.
	excused []contract.ID
}

func (tt testCase) run(t *testing.T) {
	t.Helper()
	b := historytest.New()
	tt.build(b)
	if tt.controllerActs {
		start := b.Now()
		for _, set := range b.List(history.Sets) {
			b.Change(history.Sets, set.Name, func(*history.Event) {})
		}
		b.Wait(3 * time.Second)
		b.Running("elsewhere", 1)
		b.Wait(start + 5400*time.Millisecond - b.Now())
	}
	if tt.controllerActs && !tt.byAct {
		tt.silent(t)
	}
	var broken, inconclusive, exercised, excused []contract.ID
	var texts []string
	for _, r := range judge.History(b.History()) {
		if r.Guarantee.Family() == "status" && !tt.liveStatus {
			continue
		}
		if (r.Guarantee == contract.OrderingCreateCompletes || r.Guarantee == contract.OrderingScaleDownCompletes) && !tt.completes {
			continue
		}
		if len(r.Violations) > 0 {
			broken = append(broken, r.Guarantee)
		}
		if len(r.Inconclusive) > 0 {
			inconclusive = append(inconclusive, r.Guarantee)
		}
		if r.Exercised > 0 {
			exercised = append(exercised, r.Guarantee)
		}
		if r.Excused.Total() > 0 {
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
	if !sameIDs(inconclusive, tt.inconclusive) {
		t.Errorf("inconclusive: expected %v, found %v\n%s", tt.inconclusive, inconclusive, all)
	}
	for _, id := range tt.exercised {
		if !slices.Contains(exercised, id) {
			t.Errorf("%s: expected to be exercised; exercised are %v\n%s", id, exercised, all)
		}
	}
	for _, id := range tt.notExercised {
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

// silent checks that without the controller's last acts nothing is broken that is with them.
func (tt testCase) silent(t *testing.T) {
	t.Helper()
	b := historytest.New()
	tt.build(b)
	for _, r := range judge.History(b.History()) {
		if slices.Contains(tt.broken, r.Guarantee) && len(r.Violations) > 0 {
			t.Errorf("%s: expected no violation where nothing shows that the controller was at work, found %s", r.Guarantee, r.Violations[0].Text)
		}
	}
}

func sameIDs(a, b []contract.ID) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

func runCases(t *testing.T, all []testCase) {
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

// runLiveCases runs cases that keep the set's status current.
func runLiveCases(t *testing.T, all []testCase) {
	t.Helper()
	for i := range all {
		all[i].liveStatus = true
	}
	runCases(t, all)
}

// What a cluster did against a row that came after its version accuses nobody.
func TestRowsThatCameLaterAccuseNobody(t *testing.T) {
	for version, broken := range map[string]int{"v1.31.4": 0, "v1.33.0": 1} {
		h := &history.History{Header: history.Header{Version: version}, Checks: []history.Check{
			{Guarantee: contract.StorageWhenScaledDelete, Outcome: history.Failed, Text: "the claim is still there"},
			{Guarantee: contract.DNSGone, Outcome: history.Failed, Text: "still answered"},
		}}
		for _, r := range judge.History(h) {
			switch r.Guarantee {
			case contract.StorageWhenScaledDelete:
				if len(r.Violations) != broken || (len(r.NotApplicable) == 0) != (broken > 0) {
					t.Errorf("%s: expected %d violations, found %+v", version, broken, r)
				}
			case contract.DNSGone:
				if len(r.Violations) != 1 {
					t.Errorf("%s: expected the violation of an old row to count, found %+v", version, r)
				}
			}
		}
	}
}
