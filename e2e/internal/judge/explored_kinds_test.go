package judge_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// TestExploredKinds has the kinds of histories in which random acts had correct controllers accused, each with one that is rightly accused.
func TestExploredKinds(t *testing.T) {
	const long = 5 * time.Second // more than any lag
	runLiveCases(t, []testCase{
		{
			name: "the current revision was that of a former set, and went with it", notExercised: ids(contract.StatusRevisions), build: currentLost(true),
		},
		{
			name: "the current revision was the set's own and stayed", broken: ids(contract.StatusRevisions), build: currentLost(false),
		},
		{
			name: "a pod below the partition before the first status", notExercised: ids(contract.UpdatePartition), build: firstStatusAfter(0),
		},
		{
			name: "a pod below the partition long after the first status", broken: ids(contract.UpdatePartition), build: firstStatusAfter(long),
		},
		{
			name: "a number that is given twice within the lag", notExercised: ids(contract.UpdateRollback), build: revertedAfter(time.Second/2, true),
		},
		{
			name: "a number that is given twice long after", broken: ids(contract.UpdateRollback), build: revertedAfter(long, true),
		},
		{
			name: "a number that stays within the lag", notExercised: ids(contract.UpdateRollback), build: revertedAfter(time.Second/2, false),
		},
		{
			name: "a number that stays long after", broken: ids(contract.UpdateRollback), build: revertedAfter(long, false),
		},
		{
			name: "a pod below the partition once the current revision is gone", notExercised: ids(contract.UpdatePartition), build: currentTrimmed(true),
		},
		{
			name: "a pod below the partition while the current revision is kept", broken: ids(contract.UpdatePartition), build: currentTrimmed(false),
		},
		{
			name: "a revision is removed by the number that it had", notExercised: ids(contract.UpdateHistoryOldestFirst), build: trimmedAfter(time.Second / 2),
		},
		{
			name: "a revision is removed that is not the oldest", broken: ids(contract.UpdateHistoryOldestFirst), build: trimmedAfter(long),
		},
		{
			name: "available are those that still are the set's", exercised: ids(contract.StatusAvailable), build: func(b *historytest.Builder) {
				b.Set("web", historytest.MinReady(9), historytest.Parallel, historytest.Replicas(3))
				b.CreateReady("web-0")
				b.CreateReady("web-1")
				b.Wait(7 * time.Second)
				b.CreateReady("web-2")
				b.Status("web")
				b.Orphan("web-2")
				b.Wait(3 * time.Second)
				b.Status("web")
				b.Adopt("web-2", "web")
				b.Wait(long)
			},
		},
		{
			name: "created below the partition before Recreate was seen", notExercised: ids(contract.UpdateRecreateApart), build: recreatedBelow(false),
		},
		{
			name: "created long after Recreate was seen", broken: ids(contract.UpdateRecreateApart), build: recreatedBelow(true),
		},
		{
			name:         "an orphan that is deleted for the range of the set that had it",
			notExercised: ids(contract.LifecycleAdoption), build: orphanDeletedAfter(time.Second/2, outOfRange),
		},
		{
			name:         "an orphan that is deleted for a template of the set that had it",
			notExercised: ids(contract.LifecycleAdoption), build: orphanDeletedAfter(time.Second/2, changedTemplate),
		},
		{
			name:   "an orphan that is deleted though the set that had it wanted it",
			broken: ids(contract.LifecycleAdoption), build: orphanDeletedAfter(time.Second/2, func(*history.Set) {}),
		},
		{
			name:   "an orphan that is deleted long after the set that had it",
			broken: ids(contract.LifecycleAdoption), build: orphanDeletedAfter(long, outOfRange),
		},
		{
			name: "the next pod while the cache had the former one and neither its end nor the pod in its place", notExercised: ids(contract.OrderingScaleUp), build: replacedWithin(time.Second / 2),
		},
		{
			name: "the next pod while the cache had the former one and not yet somebody else's in its place", notExercised: ids(contract.OrderingScaleUp), build: replacedByOthers(time.Second / 2),
		},
		{
			name: "the next pod when the cache had had somebody else's for long", broken: ids(contract.OrderingScaleUp, contract.OrderingCreateHalts), build: replacedByOthers(long),
		},
		{
			name: "the next pod when the cache had had the former one for long", broken: ids(contract.OrderingScaleUp), build: replacedWithin(long),
		},
		{
			name: "forced by the test, just before the controller deleted it", notExercised: ids(contract.IdentityAtMostOne), build: forcedBefore(new(int64)),
		},
		{
			name: "deleted by the test, and forced by somebody", inconclusive: ids(contract.IdentityAtMostOne), build: forcedBefore(nil),
		},
		{
			name: "deleted at once by the controller, and bound meanwhile", broken: ids(contract.UpdateOneAtATime, contract.OrderingHeals, contract.OrderingCreateHalts, contract.UpdateBudgetCountsFailures), build: deletedAsBound(false),
		},
		{
			name: "deleted without grace by somebody once it runs", broken: ids(), build: deletedAsBound(true),
		},
		{
			name: "a set that adopted a pod without its volumes does nothing more", completes: true, build: adoptedInto("data"),
		},
		{
			name: "a set without claims that adopted a pod does nothing more", completes: true, broken: ids(contract.OrderingCreateCompletes), build: adoptedInto(),
		},
	})
}

// currentLost has a status name the update revision as current though a pod has the former one, which an earlier set of the name owned, or the set itself.
func currentLost(ofFormer bool) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		if ofFormer {
			b.Set("web")
			b.Revision("web", 1, 1)
			b.DeleteSet("web")
			b.Set("web")
		} else {
			b.Set("web")
			b.Revision("web", 1, 1)
		}
		b.CreateReady("web-0")
		b.Status("web")
		b.Wait(5 * time.Second)
		if ofFormer {
			b.Remove(history.Revisions, "web-1")
		}
		b.NewTemplate("web", 2)
		b.Revision("web", 2, 2)
		b.Status("web", func(st *history.Status) { st.CurrentRevision = "web-2" })
		b.Wait(5 * time.Second)
	}
}

// firstStatusAfter has a pod that a scale up adds below the partition created at the update revision: before the first status, or that long after one.
func firstStatusAfter(wait time.Duration) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		b.Set("web", historytest.Partition(2), historytest.Parallel, func(s *history.Set) { s.Status = history.Status{} })
		if wait > 0 {
			b.CreateReady("web-0")
			b.Status("web", func(st *history.Status) { st.CurrentRevision, st.UpdateRevision = "web-1", "web-1" })
			b.ChangeTemplate("web", 2)
			b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
			b.Wait(wait)
		}
		b.Scale("web", 2)
		if wait > 0 {
			b.PodAt("web-1", 2)
		} else {
			b.PodAt("web-1", 1)
			b.ChangeTemplate("web", 2)
			b.Status("web", func(st *history.Status) { st.CurrentRevision, st.UpdateRevision = "web-2", "web-2" })
		}
		b.Ready("web-1")
		b.Wait(5 * time.Second)
		b.ChangeTemplate("web", 1)
		b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-1" })
	}
}

// currentTrimmed has the first pod of a set, below the partition, created at the update revision just after the current one had changed, when the former
// current revision was removed, or kept.
func currentTrimmed(removed bool) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		b.Set("web", historytest.Partition(1), historytest.Replicas(0), historytest.HistoryLimit(0))
		b.Revision("web", 1, 1)
		b.Status("web")
		b.Wait(5 * time.Second)
		b.NewTemplate("web", 2)
		b.Revision("web", 2, 2)
		b.Status("web", func(st *history.Status) { st.CurrentRevision = "web-2" })
		if removed {
			b.Remove(history.Revisions, "web-1")
		}
		b.Update("web", func(s *history.Set) { s.Template.Images, s.Replicas = map[string]string{"main": "image:3"}, 1 })
		b.Revision("web", 3, 3)
		b.PodAt("web-0", 3)
		b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-3" })
		b.Ready("web-0")
		b.Wait(5 * time.Second)
	}
}

// trimmedAfter has the controller remove, where one too many is kept, a revision that got a higher number that long before.
func trimmedAfter(wait time.Duration) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		b.Running("web", 1, historytest.HistoryLimit(1), historytest.Partition(5))
		for n := range 3 {
			if n > 0 {
				b.NewTemplate("web", n+1)
			}
			b.Revision("web", n+1, int64(n+1))
			b.Wait(5 * time.Second)
		}
		b.NewTemplate("web", 2)
		b.Renumber("web", 2, 4)
		b.Status("web")
		b.Wait(wait)
		b.NewTemplate("web", 4)
		b.Revision("web", 4, 5)
		b.Status("web")
		b.Wait(wait / 2)
		b.Remove(history.Revisions, "web-2")
		b.Wait(10 * time.Second)
		b.Status("web")
	}
}

// revertedAfter has the controller use a revision again that long after another one was created, with the number of that or with its own.
func revertedAfter(wait time.Duration, renumbered bool) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		b.Running("web", 1)
		b.Revision("web", 1, 1)
		b.NewTemplate("web", 2)
		b.Revision("web", 2, 2)
		b.Wait(wait)
		b.NewTemplate("web", 1)
		if renumbered {
			b.Renumber("web", 1, 2)
		}
		b.Wait(10 * time.Second)
		b.Status("web")
	}
}

// recreatedBelow has the controller make a lost pod again at the old revision when the strategy has become Recreate, and the template gone back, and it has
// observed that or not.
func recreatedBelow(observed bool) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		b.Version("v1.37.2")
		b.Running("web", 3, historytest.Parallel, historytest.Partition(2))
		b.NewTemplate("web", 2)
		b.Roll("web", 2)
		b.Status("web")
		b.Wait(5 * time.Second)
		b.Update("web", func(s *history.Set) { s.Strategy, s.Partition = appsv1.RecreateStatefulSetStrategyType, 0 })
		b.ChangeTemplate("web", 1)
		b.Wait(time.Second)
		if observed {
			b.NewTemplate("web", 1)
			b.Wait(time.Second)
		}
		b.DeleteByTest("web-0")
		b.FinishDeletion("web-0")
		b.PodAt("web-0", 1)
		b.Wait(5 * time.Second)
	}
}

func outOfRange(s *history.Set) { s.Start = 1 }

func changedTemplate(s *history.Set) { s.Template.Images = map[string]string{"main": "image:2"} }

// orphanDeletedAfter has a pod, orphaned by its set after a change of that, deleted that long after, when there is another set of the name.
func orphanDeletedAfter(wait time.Duration, change func(*history.Set)) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		b.Running("web", 1)
		b.Wait(5 * time.Second)
		b.Update("web", change)
		b.Orphan("web-0")
		b.DeleteSet("web")
		b.Set("web")
		b.Status("web")
		b.Wait(wait)
		b.Terminate("web-0")
		b.FinishDeletion("web-0")
		b.CreateReady("web-0")
		b.Wait(5 * time.Second)
	}
}

// replacedWithin has a pod evicted and made again that long after it was Ready, and the next one created before the new one is.
func replacedWithin(wait time.Duration) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		b.Running("web", 1)
		b.Scale("web", 3)
		b.Status("web")
		b.CreateReady("web-1")
		b.Wait(wait)
		b.Evict("web-1")
		b.FinishDeletion("web-1")
		b.Pod("web-1")
		b.Wait(100 * time.Millisecond)
		b.Pod("web-2")
		b.Ready("web-1")
		b.Ready("web-2")
		b.Status("web")
	}
}

// replacedByOthers has somebody else create a pod in the place of one that a client deleted, which the set adopts once it is Ready, and the next one of the set
// created that long after.
func replacedByOthers(wait time.Duration) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		b.Running("web", 2)
		b.Wait(long)
		b.Scale("web", 3)
		b.Status("web")
		b.Evict("web-1")
		b.FinishDeletion("web-1")
		made := b.Get(history.Pods, "web-0")
		pod := *made.Pod
		pod.Hostname, pod.Phase, pod.Conditions = "web-1", corev1.PodPending, nil
		b.Add(&history.Event{Resource: history.Pods, Meta: history.Meta{Name: "web-1", Labels: map[string]string{"app": "web"}}, Pod: &pod})
		b.Wait(wait)
		b.Pod("web-2")
		b.Ready("web-1")
		b.Adopt("web-1", "web")
	}
}

// forcedBefore has the test ask for the deletion of a pod, with a grace period or without, just before the controller asks for it, and the pod removed
// while its container runs.
func forcedBefore(grace *int64) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		b.Running("web", 1)
		b.NewTemplate("web", 2)
		b.Begin(history.Operation{Verb: history.VerbDelete, Resource: history.Pods, Name: "web-0", Grace: grace})
		b.Terminate("web-0")
		b.Remove(history.Pods, "web-0")
		b.CreateReady("web-0")
	}
}

// deletedAsBound has a pod of the former revision deleted, while another one is down for the rollout, with a grace period of 0 though it has a node: the
// scheduler gave it one at the same moment, or it runs.
func deletedAsBound(runs bool) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		b.Running("web", 3)
		b.NewTemplate("web", 2)
		b.DeleteByTest("web-0")
		b.FinishDeletion("web-0")
		b.PodAt("web-0", 1)
		if runs {
			b.Ready("web-0")
		}
		b.Roll("web", 2)
		b.Status("web")
		b.Wait(5 * time.Second)
		b.DeletePod("web-1")
		b.Pod("web-1")
		b.Change(history.Pods, "web-0", func(e *history.Event) { e.Pod.Node = "node" })
		b.Change(history.Pods, "web-0", func(e *history.Event) {
			now := b.Timestamp()
			e.DeletionTimestamp, e.DeletionGrace = &now, new(int64)
		})
		b.ReportDeletion("web-0")
		b.Remove(history.Pods, "web-0")
		b.Wait(5 * time.Second)
	}
}

// adoptedInto has a set with those claim templates adopt a pod of a former set without any, and never create the next one, though much later another.
func adoptedInto(claims ...string) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		b.Running("web", 1)
		b.Orphan("web-0")
		b.DeleteSet("web")
		b.Set("web", historytest.Claims(claims...), historytest.Replicas(3), historytest.Parallel)
		b.Adopt("web-0", "web")
		b.Status("web")
		b.Wait(5 * time.Minute)
		for _, t := range claims {
			b.Claim(t, "web-2")
		}
		b.CreateReady("web-2")
		b.Status("web")
		b.Wait(time.Second)
	}
}
