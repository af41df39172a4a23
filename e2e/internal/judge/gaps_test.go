package judge_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// TestGapsOfSets: a finding about a pod is inconclusive where a gap may hide a change of its set that explains it.
func TestGapsOfSets(t *testing.T) {
	inGap := func(b *historytest.Builder, f func()) {
		from := b.Now()
		f()
		b.Gap(history.Sets, from)
	}
	runCases(t, []testCase{
		{
			name: "minReadySeconds may have been lowered", inconclusive: ids(contract.OrderingMinReady), build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(2), historytest.MinReady(30))
				b.CreateReady("web-0")
				inGap(b, func() { b.Wait(5 * time.Second); b.CreateReady("web-1") })
			},
		},
		{
			name: "replicas may have been lowered", inconclusive: ids(contract.OrderingScaleDown), build: func(b *historytest.Builder) {
				b.Running("web", 4)
				b.Scale("web", 2)
				b.Wait(5 * time.Second)
				inGap(b, func() { b.Terminate("web-2") })
			},
		},
	})
}

// TestNothingUnseenIsAWait: while the watch of sets or pods has a gap, that nothing happened was not seen.
func TestNothingUnseenIsAWait(t *testing.T) {
	type step func(*historytest.Builder)
	halted := func(b *historytest.Builder) {
		b.Running("web", 3)
		b.NewTemplate("web", 2)
		b.DeletePod("web-2")
		b.Pod("web-2")
		b.Status("web")
	}
	onDelete := func(b *historytest.Builder) {
		b.Running("web", 2, func(s *history.Set) { s.Strategy = appsv1.OnDeleteStatefulSetStrategyType })
		b.Wait(5 * time.Second)
		b.NewTemplate("web", 2)
	}
	beyond := func(b *historytest.Builder) {
		b.Running("web", 2, func(s *history.Set) { s.Partition = 3 })
		b.Wait(5 * time.Second)
		b.NewTemplate("web", 2)
	}
	created := func(b *historytest.Builder) {
		b.Running("db", 2)
		b.Set("web", historytest.Replicas(2))
		b.Pod("web-0")
		b.Status("web")
	}
	var cases []testCase
	for name, c := range map[string]struct {
		id    contract.ID
		start step
	}{
		"halt of a rollout": {contract.UpdateHalts, halted}, "OnDelete": {contract.UpdateOnDelete, onDelete},
		"partition": {contract.UpdatePartitionBeyond, beyond}, "halt of a creation": {contract.OrderingCreateHalts, created},
	} {
		seen := func(before, unseen, after time.Duration, r history.Resource) step {
			return func(b *historytest.Builder) {
				c.start(b)
				b.Wait(before)
				from := b.Now()
				b.Wait(unseen)
				b.Gap(r, from)
				b.Wait(after)
			}
		}
		cases = append(cases,
			testCase{name: name + ", all seen", exercised: ids(c.id), build: seen(30*time.Second, 0, 0, history.Claims)},
			testCase{name: name + ", seen for long enough", exercised: ids(c.id), build: seen(30*time.Second, time.Minute, 0, history.Pods)},
			testCase{name: name + ", pods not seen", notExercised: ids(c.id), build: seen(0, time.Minute, 0, history.Pods)},
			testCase{name: name + ", sets not seen", notExercised: ids(c.id), build: seen(0, time.Minute, time.Minute, history.Sets)},
		)
	}
	runLiveCases(t, cases)
}
