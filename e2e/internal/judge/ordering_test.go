package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func ids(list ...contract.ID) []contract.ID { return list }

func TestOrderingOfCreation(t *testing.T) {
	runCases(t, []testCase{
		{
			name: "one after another", exercised: ids(contract.OrderingCreate), notExercised: ids(contract.OrderingScaleUp, contract.OrderingHeals, contract.OrderingCreateHalts),
			build: func(b *historytest.Builder) { b.Running("web", 3) },
		},
		{
			name: "a single pod shows no order", notExercised: ids(contract.OrderingCreate),
			build: func(b *historytest.Builder) { b.Running("web", 1) },
		},
		{
			name: "before the predecessor was Ready", broken: ids(contract.OrderingCreate), texts: []string{"web-2 was created at rv 107 (+0.7 s)", "while web-1 was not Ready (Ready at rv 108"},
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(3))
				b.CreateReady("web-0")
				b.Status("web")
				b.Pod("web-1")
				b.Status("web")
				b.Pod("web-2")
				b.Ready("web-1")
			},
		},
		{
			name: "a predecessor skipped", broken: ids(contract.OrderingCreate), texts: []string{"while web-1 did not exist"},
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(3))
				b.CreateReady("web-0")
				b.Pod("web-2")
			},
		},
		{
			name: "scale up in order", exercised: ids(contract.OrderingScaleUp),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Scale("web", 4)
				b.Pod("web-2")
				b.Wait(time.Second)
				b.Ready("web-2")
				b.CreateReady("web-3")
			},
		},
		{
			name: "scale up at once", broken: ids(contract.OrderingScaleUp),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Scale("web", 3)
				b.Pod("web-1")
				b.Pod("web-2")
			},
		},
		{
			name: "a predecessor lost within the lag", excused: ids(contract.OrderingScaleUp),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Scale("web", 3)
				b.Unready("web-0")
				b.Pod("web-2")
			},
		},
		{
			name: "a predecessor lost for longer and the status shows it", broken: ids(contract.OrderingScaleUp, contract.OrderingCreateHalts), texts: []string{"web-0 was no longer Ready"},
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Unready("web-0")
				b.Status("web")
				b.Wait(3 * time.Second)
				b.Scale("web", 3)
				b.Pod("web-2")
			},
		},
		{
			name: "a predecessor lost for longer but the status does not show it", inconclusive: ids(contract.OrderingScaleUp, contract.OrderingCreateHalts),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Unready("web-0")
				b.Wait(3 * time.Second)
				b.Scale("web", 3)
				b.Pod("web-2")
			},
		},
		{
			name: "a gap may hide the readiness", inconclusive: ids(contract.OrderingCreate, contract.OrderingCreateHalts),
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(2))
				b.Pod("web-0")
				from := b.Now()
				b.Wait(time.Second)
				b.Gap(history.Pods, from)
				b.Pod("web-1")
			},
		},
		{
			name: "a gap before it hides nothing", broken: ids(contract.OrderingCreate),
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(2))
				b.Gap(history.Pods, b.Now())
				b.Wait(time.Second)
				b.Pod("web-0")
				b.Pod("web-1")
			},
		},
		{
			name: "no order under Parallel", exercised: ids(contract.OrderingParallel), notExercised: ids(contract.OrderingCreate),
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(2), historytest.Parallel)
				b.Pod("web-0")
				b.Pod("web-1")
			},
		},
		{
			name: "Parallel that waits", broken: ids(contract.OrderingParallel),
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(2), historytest.Parallel)
				b.Pod("web-0")
				b.Wait(20 * time.Second)
				b.Change(history.Sets, "web", func(*history.Event) {})
				b.Wait(3 * time.Second)
				b.Running("elsewhere", 1)
				b.Wait(20 * time.Second)
				b.Ready("web-0")
				b.CreateReady("web-1")
			},
		},
		{
			name: "Parallel at an API server that takes five seconds to answer", exercised: ids(contract.OrderingParallel),
			build: func(b *historytest.Builder) { slowParallel(b, 5*time.Second) },
		},
		{
			name: "Parallel that waits, at an API server that was away before", broken: ids(contract.OrderingParallel),
			build: func(b *historytest.Builder) { slowParallel(b, 11*time.Second) },
		},
		{
			name: "Parallel that may wait in back-off", inconclusive: ids(contract.OrderingParallel), texts: []string{"but nothing shows that the controller was at work"},
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(2), historytest.Parallel)
				b.Pod("web-0")
				b.Wait(20 * time.Second)
				b.Running("elsewhere", 1)
				b.Wait(20 * time.Second)
				b.Ready("web-0")
				b.CreateReady("web-1")
			},
		},
	})
}

// slowParallel has a set wait 17 seconds for its second pod, where a request of the test took so long to be answered and another set shows a quick
// reaction.
func slowParallel(b *historytest.Builder, answer time.Duration) {
	b.Running("elsewhere", 2)
	answered := b.Begin(history.Operation{Verb: history.VerbTouch, Resource: history.Sets, Name: "elsewhere"})
	b.Wait(answer)
	answered(history.Accepted, &history.Result{UID: b.Get(history.Sets, "elsewhere").UID, ResourceVersion: "1"})
	b.Set("web", historytest.Replicas(2), historytest.Parallel)
	b.Wait(time.Second)
	b.Pod("web-0")
	b.Wait(16 * time.Second)
	b.Change(history.Sets, "web", func(*history.Event) {})
	b.Wait(time.Second)
	b.Pod("web-1")
}

// madeAgain has the highest pod but the given one leave, in a scale down that begins just after the given one was made again. The status in
// between is as count says. With unready, the pod that leaves was never Ready.
func madeAgain(pod string, unready bool, count func(*history.Status)) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		first, leaves := 4, "web-2"
		if unready {
			first, leaves = 3, "web-3"
		}
		b.Running("web", first)
		if unready {
			b.Scale("web", 4)
			b.Pod("web-3")
			b.Status("web")
		}
		b.Wait(5 * time.Second)
		b.DeleteByTest(pod)
		b.Pod(pod)
		b.Scale("web", 1)
		miscount(b, count)
		b.Terminate(leaves)
		b.FinishDeletion(leaves)
	}
}

func TestOrderingOfScaleDown(t *testing.T) {
	runCases(t, []testCase{
		{
			name: "highest first", exercised: ids(contract.OrderingScaleDown), notExercised: ids(contract.TerminationReverse),
			build: func(b *historytest.Builder) {
				b.Running("web", 3)
				b.Scale("web", 1)
				b.DeletePod("web-2")
				b.DeletePod("web-1")
			},
		},
		{
			name: "before the higher one is gone", broken: ids(contract.OrderingScaleDown), texts: []string{"web-1 began to terminate", "while the higher web-2 still existed (gone at rv"},
			build: func(b *historytest.Builder) {
				b.Running("web", 3)
				b.Scale("web", 1)
				b.Terminate("web-2")
				b.Terminate("web-1")
				b.FinishDeletion("web-2")
			},
		},
		{
			name: "lowest first", broken: ids(contract.OrderingScaleDown),
			build: func(b *historytest.Builder) {
				b.Running("web", 3)
				b.Scale("web", 1)
				b.DeletePod("web-1")
				b.DeletePod("web-2")
			},
		},
		{
			name: "past a higher one that was just made, of which no status has told since", notExercised: ids(contract.OrderingScaleDown),
			build: madeAgain("web-3", false, func(st *history.Status) { st.Replicas, st.Ready = 3, 3 }),
		},
		{
			name: "past a higher one that was just made and counted", broken: ids(contract.OrderingScaleDown),
			build: madeAgain("web-3", false, func(st *history.Status) { st.Replicas, st.Ready = 4, 3 }),
		},
		{
			name:  "one that is not Ready past a lower one that was just made, of which no status has told since",
			build: madeAgain("web-2", true, func(st *history.Status) { st.Replicas, st.Ready = 3, 2 }),
		},
		{
			name: "one that is not Ready past a lower one that was just made and counted", broken: ids(contract.OrderingScaleDownHalts),
			build: madeAgain("web-2", true, func(st *history.Status) { st.Replicas, st.Ready = 4, 2 }),
		},
		{
			name: "lowest first under OnDelete, where an update that is pending is no excuse", broken: ids(contract.OrderingScaleDown),
			build: func(b *historytest.Builder) {
				b.Running("web", 3, historytest.OnDelete)
				b.NewTemplate("web", 2)
				b.Scale("web", 1)
				b.DeletePod("web-1")
				b.DeletePod("web-2")
			},
		},
		{
			name: "lowest first below a partition, where an update that is pending is no excuse", broken: ids(contract.OrderingScaleDown),
			build: func(b *historytest.Builder) {
				b.Running("web", 3, historytest.Partition(3))
				b.NewTemplate("web", 2)
				b.Scale("web", 1)
				b.DeletePod("web-1")
				b.DeletePod("web-2")
			},
		},
		{
			name: "a deletion by the test is no violation", notExercised: ids(contract.OrderingScaleDown),
			build: func(b *historytest.Builder) {
				b.Running("web", 3)
				b.Scale("web", 1)
				b.DeleteByTest("web-1")
			},
		},
		{
			name: "to zero in reverse", exercised: ids(contract.TerminationReverse, contract.OrderingScaleDown),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Scale("web", 0)
				b.DeletePod("web-1")
				b.DeletePod("web-0")
			},
		},
		{
			name: "to zero all at once", broken: ids(contract.TerminationReverse, contract.OrderingScaleDown),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Scale("web", 0)
				b.Terminate("web-0")
				b.Terminate("web-1")
			},
		},
		{
			name: "no order when the set is deleted", notExercised: ids(contract.OrderingScaleDown, contract.TerminationReverse),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.DeleteSet("web")
				b.DeletePod("web-0")
				b.DeletePod("web-1")
			},
		},
	})
}

func TestOrderingHeals(t *testing.T) {
	runCases(t, []testCase{
		{
			name: "the lower first", exercised: ids(contract.OrderingHeals),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.DeleteByTest("web-0")
				b.DeleteByTest("web-1")
				b.FinishDeletion("web-0")
				b.FinishDeletion("web-1")
				b.Pod("web-0")
				b.Wait(time.Second)
				b.Ready("web-0")
				b.CreateReady("web-1")
			},
		},
		{
			name: "the higher first", broken: ids(contract.OrderingHeals), texts: []string{"web-1 was created", "while web-0 was gone"},
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.DeleteByTest("web-0")
				b.DeleteByTest("web-1")
				b.FinishDeletion("web-0")
				b.FinishDeletion("web-1")
				b.Status("web")
				b.Wait(3 * time.Second)
				b.CreateReady("web-1")
			},
		},
	})
}

func TestChangeOfMind(t *testing.T) {
	runCases(t, []testCase{
		{
			name: "up and down again", exercised: ids(contract.OrderingChangeOfMind),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Scale("web", 3)
				b.CreateReady("web-1")
				b.Pod("web-2")
				b.Scale("web", 1)
				b.DeletePod("web-2")
				b.DeletePod("web-1")
			},
		},
		{
			name: "order lost in between", broken: ids(contract.OrderingChangeOfMind, contract.OrderingScaleUp),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Scale("web", 2)
				b.Pod("web-1")
				b.Scale("web", 3)
				b.Pod("web-2")
			},
		},
	})
}
