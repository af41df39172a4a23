package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// rolled builds a set whose new template is rolled out to every pod.
func rolled(replicas int, options ...historytest.Option) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		b.Running("web", replicas, options...)
		b.NewTemplate("web", 2)
		for n := replicas - 1; n >= 0; n-- {
			b.Roll("web", n)
		}
	}
}

func TestUpdateOrder(t *testing.T) {
	runLiveCases(t, []testCase{
		{
			name: "highest first", build: rolled(3),
			exercised: ids(contract.UpdateOrder, contract.UpdateOneAtATime, contract.UpdateComplete), notExercised: ids(contract.OrderingParallelUpdates, contract.UpdateMinReady),
		},
		{
			name: "a single pod shows no order", build: rolled(1), exercised: ids(contract.UpdateComplete), notExercised: ids(contract.UpdateOrder, contract.UpdateOneAtATime),
		},
		{
			name: "before the status names the revision", exercised: ids(contract.UpdateOrder, contract.UpdateComplete),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.ChangeTemplate("web", 2)
				b.Terminate("web-1")
				b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
				b.FinishDeletion("web-1")
				b.CreateReady("web-1")
				b.Status("web")
				b.Roll("web", 0)
			},
		},
		{
			name: "lowest first", broken: ids(contract.UpdateOrder),
			texts: []string{"web-0 (revision web-1) was deleted for an update at rv ", "while the higher web-2 still ran revision web-1 and was not being replaced"},
			build: func(b *historytest.Builder) {
				b.Running("web", 3)
				b.NewTemplate("web", 2)
				b.Roll("web", 0, 2, 1)
			},
		},
		{
			name: "one passed over", broken: ids(contract.UpdateOrder), texts: []string{"while the higher web-1 still ran"},
			build: func(b *historytest.Builder) {
				b.Running("web", 3)
				b.NewTemplate("web", 2)
				b.Roll("web", 2, 0, 1)
			},
		},
		{
			name: "a lower pod lost meanwhile is replaced at the new revision", exercised: ids(contract.UpdateComplete),
			build: func(b *historytest.Builder) {
				b.Running("web", 3)
				b.NewTemplate("web", 2)
				b.Roll("web", 2)
				b.DeleteByTest("web-0")
				b.FinishDeletion("web-0")
				b.CreateReady("web-0")
				b.Status("web")
				b.Roll("web", 1)
			},
		},
		{
			name: "a template changed midway starts again from the top", exercised: ids(contract.UpdateOrder, contract.UpdateComplete),
			build: func(b *historytest.Builder) {
				b.Running("web", 3)
				b.NewTemplate("web", 2)
				b.Roll("web", 2, 1)
				b.NewTemplate("web", 3)
				b.Roll("web", 2, 1, 0)
			},
		},
		{
			name: "a scale down takes precedence and is no update", notExercised: ids(contract.UpdateOrder),
			build: func(b *historytest.Builder) {
				b.Running("web", 3)
				b.NewTemplate("web", 2)
				b.Scale("web", 2)
				b.DeletePod("web-2")
			},
		},
		{
			name: "an older version of the spec within the lag", exercised: ids(contract.UpdateOrder),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.NewTemplate("web", 2)
				b.Roll("web", 1)
				b.ChangeTemplate("web", 3)
				b.Terminate("web-0")
			},
		},
		{
			name: "a deletion by another client is no update", notExercised: ids(contract.UpdateOrder, contract.UpdateOneAtATime),
			build: func(b *historytest.Builder) {
				b.Running("web", 3)
				b.NewTemplate("web", 2)
				b.DeleteByTest("web-0")
			},
		},
	})
}

func TestUpdateOneAtATime(t *testing.T) {
	runLiveCases(t, []testCase{
		{
			name: "the updated one not Ready", broken: ids(contract.UpdateOneAtATime), texts: []string{"web-0 (revision web-1) was deleted for an update", "while web-1 was not Ready (Ready at rv"},
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.NewTemplate("web", 2)
				b.DeletePod("web-1")
				b.Pod("web-1")
				b.Terminate("web-0")
				b.Ready("web-1")
			},
		},
		{
			name: "all at once", broken: ids(contract.UpdateOneAtATime), texts: []string{"web-1 (revision web-1) was deleted", "while web-2 was terminating", "while web-1 was terminating"},
			build: func(b *historytest.Builder) {
				b.Running("web", 3)
				b.NewTemplate("web", 2)
				b.Terminate("web-2")
				b.Terminate("web-1")
				b.Terminate("web-0")
			},
		},
		{
			name: "the updated one lost again within the lag", excused: ids(contract.UpdateOneAtATime),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.NewTemplate("web", 2)
				b.Roll("web", 1)
				b.Unready("web-1")
				b.Terminate("web-0")
			},
		},
		{
			name: "several at once by maxUnavailable", exercised: ids(contract.UpdateMaxUnavailable), notExercised: ids(contract.UpdateOneAtATime, contract.UpdateOrder),
			build: func(b *historytest.Builder) {
				b.Running("web", 3, historytest.MaxUnavailable("2"))
				b.NewTemplate("web", 2)
				b.Terminate("web-2")
				b.Terminate("web-1")
			},
		},
		{
			name: "more than maxUnavailable", broken: ids(contract.UpdateMaxUnavailable), texts: []string{"with it 3 pods were down through the rollout (web-1, web-2, web-3) where maxUnavailable is 2"},
			build: func(b *historytest.Builder) {
				b.Running("web", 4, historytest.MaxUnavailable("2"))
				b.NewTemplate("web", 2)
				b.Terminate("web-3")
				b.Terminate("web-2")
				b.Terminate("web-1")
			},
		},
		{
			name: "one of them out of range in the set that the controller may have gone by", exercised: ids(contract.UpdateMaxUnavailable),
			build: func(b *historytest.Builder) {
				b.Running("web", 4, historytest.MaxUnavailable("2"))
				b.NewTemplate("web", 2)
				b.Terminate("web-3")
				b.Terminate("web-2")
				b.FinishDeletion("web-3")
				b.FinishDeletion("web-2")
				b.Scale("web", 2)
				b.Status("web")
				b.Wait(5 * time.Second)
				b.Scale("web", 6)
				b.Terminate("web-1")
				b.Terminate("web-0")
			},
		},
		{
			name: "the replacement counts as unavailable until it is Ready", broken: ids(contract.UpdateMaxUnavailable),
			build: func(b *historytest.Builder) {
				b.Running("web", 4, historytest.MaxUnavailable("2"))
				b.NewTemplate("web", 2)
				b.Terminate("web-3")
				b.Terminate("web-2")
				b.FinishDeletion("web-3")
				b.Pod("web-3")
				b.Terminate("web-1")
			},
		},
		{
			name: "a pod that fails by itself is not the rollout's", exercised: ids(contract.UpdateMaxUnavailable),
			build: func(b *historytest.Builder) {
				b.Running("web", 4, historytest.MaxUnavailable("2"))
				b.NewTemplate("web", 2)
				b.Unready("web-0")
				b.Terminate("web-3")
				b.Terminate("web-2")
			},
		},
		{
			name: "as many as a percentage is when rounded up", exercised: ids(contract.UpdateMaxUnavailable), notExercised: ids(contract.UpdateOneAtATime),
			build: func(b *historytest.Builder) {
				b.Running("web", 3, historytest.MaxUnavailable("34%"))
				b.NewTemplate("web", 2)
				b.Terminate("web-2")
				b.Terminate("web-1")
			},
		},
		{
			name: "more than a percentage is when rounded up", broken: ids(contract.UpdateMaxUnavailable), texts: []string{"where maxUnavailable is 2"},
			build: func(b *historytest.Builder) {
				b.Running("web", 3, historytest.MaxUnavailable("34%"))
				b.NewTemplate("web", 2)
				b.Terminate("web-2")
				b.Terminate("web-1")
				b.Terminate("web-0")
			},
		},
		{
			name: "a percentage that is less than one pod", broken: ids(contract.UpdateOneAtATime),
			build: func(b *historytest.Builder) {
				b.Running("web", 3, historytest.MaxUnavailable("10%"))
				b.NewTemplate("web", 2)
				b.Terminate("web-2")
				b.Terminate("web-1")
			},
		},
		{
			name: "a limit that cannot be told", notExercised: ids(contract.UpdateMaxUnavailable, contract.UpdateOneAtATime),
			build: func(b *historytest.Builder) {
				b.Running("web", 2, historytest.MaxUnavailable("no number"))
				b.NewTemplate("web", 2)
				b.Terminate("web-1")
				b.Terminate("web-0")
			},
		},
	})
}

func TestParallelUpdates(t *testing.T) {
	runLiveCases(t, []testCase{
		{
			name: "one after another", build: func(b *historytest.Builder) {
				b.Running("web", 3, historytest.Parallel)
				b.Wait(5 * time.Second)
				b.NewTemplate("web", 2)
				b.Roll("web", 2, 1, 0)
			},
			exercised: ids(contract.OrderingParallelUpdates, contract.UpdateOrder), notExercised: ids(contract.UpdateOneAtATime),
		},
		{
			name: "not waiting", broken: ids(contract.OrderingParallelUpdates), texts: []string{"web-0 (revision web-1) was deleted for an update", "while web-1 was not Ready"},
			build: func(b *historytest.Builder) {
				b.Running("web", 2, historytest.Parallel)
				b.Wait(5 * time.Second)
				b.NewTemplate("web", 2)
				b.DeletePod("web-1")
				b.Pod("web-1")
				b.DeletePod("web-0")
			},
		},
		{
			name: "all at once", broken: ids(contract.OrderingParallelUpdates),
			build: func(b *historytest.Builder) {
				b.Running("web", 2, historytest.Parallel)
				b.Wait(5 * time.Second)
				b.NewTemplate("web", 2)
				b.Terminate("web-1")
				b.Terminate("web-0")
			},
		},
		{
			name: "all at once, after a status counted them as available", broken: ids(contract.OrderingParallelUpdates),
			build: func(b *historytest.Builder) {
				b.Running("web", 2, historytest.Parallel, historytest.MinReady(4))
				b.Wait(5 * time.Second)
				b.Status("web")
				b.Wait(700 * time.Millisecond)
				b.NewTemplate("web", 2)
				b.Terminate("web-1")
				b.Terminate("web-0")
			},
		},
		{
			name: "all at once, so soon that the controller may see them as broken", notExercised: ids(contract.OrderingParallelUpdates),
			build: func(b *historytest.Builder) {
				b.Running("web", 2, historytest.Parallel, historytest.MinReady(4))
				b.Wait(5 * time.Second)
				b.NewTemplate("web", 2)
				b.Terminate("web-1")
				b.Terminate("web-0")
			},
		},
		{
			name: "broken old pods first, as since 1.37", notExercised: ids(contract.OrderingParallelUpdates),
			build: func(b *historytest.Builder) {
				b.Running("web", 3, historytest.Parallel)
				b.Unready("web-0")
				b.Unready("web-1")
				b.Status("web")
				b.NewTemplate("web", 2)
				b.Terminate("web-1")
				b.Terminate("web-0")
			},
		},
	})
}

func TestUpdateMinReady(t *testing.T) {
	wait := func(d time.Duration, options ...historytest.Option) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Set("web", append(options, historytest.Replicas(2), historytest.MinReady(8))...)
			b.CreateReady("web-0")
			b.Wait(9 * time.Second)
			b.CreateReady("web-1")
			b.Wait(9 * time.Second)
			b.Status("web")
			b.NewTemplate("web", 2)
			b.DeletePod("web-1")
			b.CreateReady("web-1")
			b.Wait(d)
			b.DeletePod("web-0")
		}
	}
	runLiveCases(t, []testCase{
		{name: "long enough", exercised: ids(contract.UpdateMinReady), build: wait(8 * time.Second)},
		{name: "longer", exercised: ids(contract.UpdateMinReady), build: wait(12 * time.Second)},
		{name: "within the resolution of a second", exercised: ids(contract.UpdateMinReady), build: wait(7500 * time.Millisecond)},
		{name: "not at all", broken: ids(contract.UpdateMinReady), texts: []string{"while the updated web-1 had been Ready for 0s of the 8s that minReadySeconds asks for"}, build: wait(0)},
		{name: "too short", broken: ids(contract.UpdateMinReady), build: wait(4 * time.Second)},
		{name: "too short under Parallel, as up to 1.33", broken: ids(contract.UpdateMinReady), exercised: ids(contract.OrderingParallelUpdates), build: wait(4*time.Second, historytest.Parallel)},
	})
}

func TestUpdateHalts(t *testing.T) {
	halted := func(hold time.Duration, then func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 3)
			b.NewTemplate("web", 2)
			b.DeletePod("web-2")
			b.Pod("web-2")
			b.Wait(hold)
			then(b)
		}
	}
	runLiveCases(t, []testCase{
		{name: "a long halt", exercised: ids(contract.UpdateHalts), build: halted(4*time.Second, func(b *historytest.Builder) { b.Ready("web-2") })},
		{name: "to the end", exercised: ids(contract.UpdateHalts), build: halted(4*time.Second, func(*historytest.Builder) {})},
		{name: "too short to count", notExercised: ids(contract.UpdateHalts), build: halted(300*time.Millisecond, func(b *historytest.Builder) { b.Ready("web-2") })},
		{
			name: "a revert does not end the halt", exercised: ids(contract.UpdateHalts), build: halted(4*time.Second, func(b *historytest.Builder) {
				b.ChangeTemplate("web", 1)
				b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-1" })
				b.Wait(time.Minute)
			}),
		},
		{
			name: "a controller that stops waiting", broken: ids(contract.UpdateHalts, contract.UpdateOneAtATime), texts: []string{"5.1 s into a halt: the updated web-2 was not Ready (and never became so)"},
			build: halted(5*time.Second, func(b *historytest.Builder) { b.Terminate("web-1") }),
		},
		{
			name: "a controller that stops waiting and skips one", broken: ids(contract.UpdateHalts, contract.UpdateOneAtATime, contract.UpdateOrder),
			build: halted(5*time.Second, func(b *historytest.Builder) { b.Terminate("web-0") }),
		},
	})
}
