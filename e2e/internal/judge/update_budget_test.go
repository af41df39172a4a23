package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// twoAtATime builds a Parallel set of four pods with maxUnavailable 2 and a rollout that takes two pods down at a time, as only a controller
// that obeys maxUnavailable does.
func twoAtATime(b *historytest.Builder) {
	b.Running("web", 4, historytest.Parallel, historytest.MaxUnavailable("2"))
	b.Wait(4 * time.Second)
	b.NewTemplate("web", 2)
	for _, pair := range [][]string{{"web-3", "web-2"}, {"web-1", "web-0"}} {
		for _, pod := range pair {
			b.Terminate(pod)
		}
		for _, pod := range pair {
			b.FinishDeletion(pod)
			b.CreateReady(pod)
		}
		b.Status("web")
	}
}

// lowestLost has the lowest pod lose its readiness, and the controller know it.
func lowestLost(b *historytest.Builder) {
	b.Unready("web-0")
	b.Status("web")
	b.Wait(4 * time.Second)
}

// lostAfterItsStatus has the lowest pod lose its readiness, recorded after the status that shows it, and the highest be updated before the
// next status.
func lostAfterItsStatus(b *historytest.Builder) {
	b.Change(history.Sets, "web", func(e *history.Event) { e.Set.Status.Ready, e.Set.Status.Available = 3, 3 })
	b.Unready("web-0")
	b.Wait(4 * time.Second)
	b.Update("web", func(t *history.Set) { t.Template.Images = map[string]string{"main": "image:3"} })
	b.Terminate("web-3")
	b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-3" })
}

func TestUpdateBudgetCountsFailures(t *testing.T) {
	const id = contract.UpdateBudgetCountsFailures
	runLiveCases(t, []testCase{
		{
			name: "one down by itself, one taken", exercised: ids(id),
			build: func(b *historytest.Builder) {
				twoAtATime(b)
				lowestLost(b)
				b.NewTemplate("web", 3)
				b.Terminate("web-0")
				b.Terminate("web-3")
			},
		},
		{
			name: "one down by itself, which the set's status showed before the watch of pods did, one taken", exercised: ids(id),
			build: func(b *historytest.Builder) {
				twoAtATime(b)
				b.Wait(4 * time.Second)
				lostAfterItsStatus(b)
			},
		},
		{
			name: "the highest, by a controller without the feature gate, while a lower one is down since the rollout before", notExercised: ids(id),
			build: func(b *historytest.Builder) {
				b.Running("web", 4, historytest.Parallel, historytest.MaxUnavailable("2"))
				b.Wait(4 * time.Second)
				b.NewTemplate("web", 2)
				b.Roll("web", 3, 2)
				b.DeletePod("web-1")
				b.Pod("web-1") // it never becomes Ready
				b.Unready("web-2")
				b.Status("web")
				b.Wait(4 * time.Second)
				b.NewTemplate("web", 3)
				b.Terminate("web-3")
			},
		},
		{
			name: "one down by itself, just after a status which may not count it as Ready yet, one taken", notExercised: ids(id),
			build: func(b *historytest.Builder) {
				twoAtATime(b)
				b.Wait(4 * time.Second)
				b.Unready("web-0")
				b.Wait(4 * time.Second)
				b.Ready("web-0")
				lostAfterItsStatus(b)
			},
		},
		{
			name: "one down by itself, just after a status which counts it as Ready, one taken", exercised: ids(id),
			build: func(b *historytest.Builder) {
				twoAtATime(b)
				b.Wait(4 * time.Second)
				b.Unready("web-0")
				b.Status("web")
				b.Wait(4 * time.Second)
				b.Ready("web-0")
				b.Status("web")
				lostAfterItsStatus(b)
			},
		},
		{
			name: "one down by itself, two taken", broken: ids(id),
			texts: []string{"web-2 was deleted for an update at rv", "although maxUnavailable is 2: down through the rollout were web-2, web-3, and web-0 was terminating"},
			build: func(b *historytest.Builder) {
				twoAtATime(b)
				lowestLost(b)
				b.NewTemplate("web", 3)
				b.Terminate("web-0")
				b.Terminate("web-3")
				b.Terminate("web-2")
			},
		},
		{
			name: "one down by itself, two taken, of which another client may have deleted one", inconclusive: ids(id),
			texts: []string{"no Event of the StatefulSet controller names web-3 as deleted"},
			build: func(b *historytest.Builder) {
				twoAtATime(b)
				lowestLost(b)
				b.NewTemplate("web", 3)
				b.Terminate("web-0")
				b.ByOthers(func() { b.Terminate("web-3") })
				b.Terminate("web-2")
			},
		},
		{
			name: "one that was never Ready, two taken", broken: ids(id), texts: []string{"and web-0 was not Ready (and never became so)"},
			build: func(b *historytest.Builder) {
				twoAtATime(b)
				b.DeleteByTest("web-0")
				b.FinishDeletion("web-0")
				b.Pod("web-0")
				b.Status("web")
				b.Wait(4 * time.Second)
				b.NewTemplate("web", 3)
				b.Terminate("web-3")
				b.Terminate("web-2")
			},
		},
		{
			name: "one lost so late that the controller need not know", notExercised: ids(id),
			build: func(b *historytest.Builder) {
				twoAtATime(b)
				b.NewTemplate("web", 3)
				b.Unready("web-0")
				b.Terminate("web-3")
				b.Terminate("web-2")
			},
		},
		{
			name: "nobody is down", notExercised: ids(id), exercised: ids(contract.UpdateMaxUnavailable), build: twoAtATime,
		},
		{
			name: "a controller that never takes two counts by other rules", notExercised: ids(id),
			build: func(b *historytest.Builder) {
				b.Running("web", 4, historytest.Parallel, historytest.MaxUnavailable("2"))
				b.Unready("web-0")
				b.Unready("web-1")
				b.Status("web")
				b.Wait(4 * time.Second)
				b.NewTemplate("web", 2)
				b.Terminate("web-3")
			},
		},
	})
}

// TestUpdateBudgetOfOne: where maxUnavailable is unset, one pod that is down by itself leaves none to be taken.
func TestUpdateBudgetOfOne(t *testing.T) {
	const id = contract.UpdateBudgetCountsFailures
	// down rolls out to three pods of which the lowest, or the two lowest, have lost their readiness.
	down := func(then func(*historytest.Builder), options ...historytest.Option) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 3, options...)
			b.Wait(4 * time.Second)
			b.Unready("web-0")
			b.Unready("web-1")
			b.Status("web")
			b.Wait(4 * time.Second)
			b.NewTemplate("web", 2)
			then(b)
		}
	}
	highest := func(b *historytest.Builder) { b.Terminate("web-2") }
	runLiveCases(t, []testCase{
		{
			name: "one is taken under OrderedReady", broken: ids(id), build: down(highest),
			texts: []string{"web-2 was deleted for an update at rv", "although maxUnavailable is 1: down through the rollout were web-2, and web-0 was no longer Ready"},
		},
		{
			name: "one is taken under OrderedReady as soon as the others are Ready", build: down(func(b *historytest.Builder) {
				b.Wait(4 * time.Second)
				b.Ready("web-0")
				b.Ready("web-1")
				b.Status("web")
				highest(b)
			}),
		},
		{
			name: "one is taken under OrderedReady, which lost another so late that its controller need not know", build: func(b *historytest.Builder) {
				b.Running("web", 3)
				b.Wait(4 * time.Second)
				b.NewTemplate("web", 2)
				b.Unready("web-0")
				highest(b)
			},
		},
		{name: "one is taken under Parallel, by a controller that may not have the feature gate", build: down(highest, historytest.Parallel)},
		{
			name: "those that are down are taken first under Parallel, and one beside them", broken: ids(id), build: down(func(b *historytest.Builder) {
				b.Terminate("web-1")
				b.Terminate("web-0")
				highest(b)
			}, historytest.Parallel),
		},
		{
			name: "those that are down are taken under Parallel", build: down(func(b *historytest.Builder) {
				b.Terminate("web-1")
				b.Terminate("web-0")
			}, historytest.Parallel),
		},
	})
}
