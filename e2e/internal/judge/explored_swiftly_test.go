package judge_test

import (
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// TestExploredSwiftly has kinds of histories, as TestExploredKinds, in which something was undone within the lag of the informer caches.
func TestExploredSwiftly(t *testing.T) {
	runLiveCases(t, []testCase{
		{
			name: "the current revision was the set's own, and was removed just before", notExercised: ids(contract.StatusRevisions), build: currentRemoved(true),
		},
		{
			name: "another one than the current revision was removed just before", broken: ids(contract.StatusRevisions), build: currentRemoved(false),
		},
		{
			name: "the current revision was made again just before", notExercised: ids(contract.StatusRevisions), build: currentMadeAgain(time.Second / 2),
		},
		{
			name: "the current revision was made again long before", broken: ids(contract.StatusRevisions), build: currentMadeAgain(5 * time.Second),
		},
		{
			name: "a former set had a revision of the name that the revision of a later template has", exercised: ids(contract.UpdateHistoryOldestFirst),
			build: trimmedTo("web-3"),
		},
		{
			name: "one too many removed where a former set had a revision of that name", inconclusive: ids(contract.UpdateHistoryOldestFirst), build: trimmedTo(""),
		},
		{
			name: "the next pod of a Parallel set while a lower name is taken", build: lowerTaken(true),
		},
		{
			name: "the next pod of a Parallel set while a higher name is taken", inconclusive: ids(contract.OrderingParallel), build: lowerTaken(false),
		},
		{
			name: "an orphan that had a former revision until its template came back", notExercised: ids(contract.LifecycleAdoption), build: orphanDeleted(true),
		},
		{
			name: "an orphan that had a former revision once its template was observed", notExercised: ids(contract.LifecycleAdoption), build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Wait(5 * time.Second)
				b.ChangeTemplate("web", 2)
				b.Orphan("web-0")
				b.DeletePod("web-0")
				b.Wait(time.Second)
				b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
				b.Wait(5 * time.Second)
			},
		},
		{
			name: "an orphan that had no former revision", broken: ids(contract.LifecycleAdoption), build: orphanDeleted(false),
		},
		{
			name: "deleted together for Recreate, just before a rolling update was wanted", notExercised: ids(contract.UpdateBudgetCountsFailures), build: noLongerRecreated(0),
		},
		{
			name: "deleted together long after a rolling update was wanted", build: noLongerRecreated(5 * time.Second),
			broken: ids(contract.UpdateBudgetCountsFailures, contract.UpdateOneAtATime),
		},
		{
			name: "a Ready pod after another one, both of which the watch of pods brought late", exercised: ids(contract.StatusRevisions), build: readyBehindStatus(true),
		},
		{
			name: "a pod that was not Ready after another one, both of which the watch of pods brought late", broken: ids(contract.StatusRevisions), build: readyBehindStatus(false),
		},
		{
			name: "a Ready pod of which two others have come and gone since", notExercised: ids(contract.StatusRevisions), build: readyBefore(time.Second / 4),
		},
		{
			name: "a Ready pod of which two others have come and gone since, long ago", broken: ids(contract.StatusRevisions), build: readyBefore(5 * time.Second),
		},
		{
			name: "available was one that was orphaned just before", exercised: ids(contract.StatusAvailable), build: availableAfter(time.Second / 2),
		},
		{
			name: "available was one that was orphaned long before", broken: ids(contract.StatusAvailable), build: availableAfter(6 * time.Second),
		},
		{
			name: "a number given twice within the lag, of which the older revision has the greater name", notExercised: ids(contract.UpdateRollback), build: numberedTwice(3, 0),
		},
		{
			name: "a number given twice within the lag, of which the older revision has the lesser name", broken: ids(contract.UpdateRollback), build: numberedTwice(2, 0),
		},
		{
			name: "a number given twice long after", broken: ids(contract.UpdateRollback, contract.UpdateRevisionMade), build: numberedTwice(3, 5*time.Second),
		},
	})
}

// currentRemoved has a status name the update revision as current though the only pod has another one, just after a revision was removed, as a sync that fails
// does: the current one of the status before, or one that nothing names.
func currentRemoved(current bool) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		b.Set("web", historytest.HistoryLimit(0))
		b.Revision("web", 1, 1)
		b.Revision("web", 9, 1)
		b.Status("web")
		b.Wait(5 * time.Second)
		b.NewTemplate("web", 2)
		b.Revision("web", 2, 2)
		b.PodAt("web-0", 2)
		b.Status("web")
		b.Wait(5 * time.Second)
		b.NewTemplate("web", 3)
		b.Revision("web", 3, 3)
		if current {
			b.Remove(history.Revisions, "web-1")
		} else {
			b.Remove(history.Revisions, "web-9")
		}
		b.Status("web", func(st *history.Status) { st.CurrentRevision = "web-3" })
		b.Wait(5 * time.Second)
	}
}

// lowerTaken has a Parallel set not make a pod for long, while the name of one below it is somebody else's, or that of one above.
func lowerTaken(lower bool) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		b.Set("web", historytest.Replicas(4), historytest.Parallel)
		taken, other := "web-1", "web-4"
		if !lower {
			taken, other = other, taken
			b.CreateReady(other)
		}
		b.CreateReady("web-0")
		made := b.Get(history.Pods, "web-0")
		pod := *made.Pod
		pod.Hostname = taken
		b.Operation(history.VerbCreate, history.Pods, taken)
		b.Add(&history.Event{Resource: history.Pods, Meta: history.Meta{Name: taken, Labels: map[string]string{"app": "other"}}, Pod: &pod})
		b.Pod("web-2")
		b.Status("web")
		b.Wait(time.Minute)
		b.DeleteByTest(taken)
		b.FinishDeletion(taken)
		if lower {
			b.CreateReady(taken)
		}
		b.CreateReady("web-3")
		b.Ready("web-2")
		b.Status("web")
		b.Wait(time.Second)
	}
}

// readyBefore has a status complete a rollout though the only pod is not Ready: the one that was Ready is gone for that long, and so is another one.
func readyBefore(gone time.Duration) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		b.Running("web", 1)
		b.NewTemplate("web", 2)
		b.DeletePod("web-0")
		b.CreateReady("web-0")
		for range 2 {
			b.DeleteByTest("web-0")
			b.FinishDeletion("web-0")
			b.Pod("web-0")
		}
		b.Wait(gone)
		b.Status("web", func(st *history.Status) { st.CurrentRevision = "web-2" })
		b.Wait(5 * time.Second)
	}
}

// currentMadeAgain has a status name the update revision as current though the only pod is not Ready, that long after the current revision was made again.
func currentMadeAgain(after time.Duration) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		b.Set("web", historytest.Replicas(0))
		b.Revision("web", 1, 1)
		b.Status("web")
		b.Operation(history.VerbDelete, history.Revisions, "web-1")
		b.Remove(history.Revisions, "web-1")
		b.Wait(5 * time.Second)
		b.Revision("web", 1, 2)
		b.Wait(after)
		b.Scale("web", 1)
		b.NewTemplate("web", 2)
		b.Revision("web", 2, 3)
		b.PodAt("web-0", 2)
		b.Status("web", func(st *history.Status) { st.CurrentRevision = "web-2" })
		b.Wait(5 * time.Second)
	}
}

// trimmedTo has the revisions removed that nothing uses, but for one. The set has adopted the first of a former set, and gets its template later.
func trimmedTo(left string) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		b.Set("web", historytest.Replicas(0))
		b.Revision("web", 5, 1)
		b.Status("web")
		b.DeleteSet("web")
		b.Wait(time.Minute)
		set := b.Set("web", historytest.HistoryLimit(1))
		b.Change(history.Revisions, "web-5", func(e *history.Event) { e.Owners[0].UID = set.UID })
		b.Revision("web", 1, 2)
		b.CreateReady("web-0")
		b.Status("web")
		next := func(n int) {
			b.Wait(5 * time.Second)
			b.ChangeTemplate("web", n)
			b.Revision("web", n, int64(n)+1)
			b.NewTemplate("web", n)
			b.Roll("web", 0)
		}
		for n := 2; n <= 4; n++ {
			next(n)
		}
		b.Wait(5 * time.Second)
		for _, name := range []string{"web-5", "web-1", "web-2", "web-3"} {
			if name != left {
				b.Remove(history.Revisions, name)
			}
		}
		next(5)
		b.Wait(5 * time.Second)
	}
}

// orphanDeleted has a pod deleted just after it was orphaned, while its revision was not the update revision, or while it was.
func orphanDeleted(former bool) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		b.Running("web", 1)
		b.Wait(5 * time.Second)
		b.Pace(5 * time.Millisecond)
		if former {
			b.NewTemplate("web", 2)
			b.Status("web")
		}
		b.Orphan("web-0")
		b.DeletePod("web-0")
		if former {
			b.ChangeTemplate("web", 1)
			b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-1" })
		}
		b.Wait(5 * time.Second)
	}
}

// noLongerRecreated has all pods of a set, one of which is not Ready, deleted for a new template that long after its strategy had become RollingUpdate again.
func noLongerRecreated(wait time.Duration) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		b.Version("v1.37.2")
		b.Running("web", 3)
		b.Wait(5 * time.Second)
		b.Unready("web-1")
		b.Wait(5 * time.Second)
		b.Update("web", func(s *history.Set) { s.Strategy = appsv1.RecreateStatefulSetStrategyType })
		b.NewTemplate("web", 2)
		b.Update("web", func(s *history.Set) { s.Strategy = appsv1.RollingUpdateStatefulSetStrategyType })
		if wait > 0 {
			b.Status("web")
			b.Wait(wait)
		}
		for _, pod := range []string{"web-2", "web-1", "web-0"} {
			b.Terminate(pod)
		}
		b.Status("web")
		b.Wait(5 * time.Second)
	}
}

// readyBehindStatus has a status complete a rollout to a pod that is created in the place of another one, and is Ready or not, all of which is recorded just
// after that status.
func readyBehindStatus(ready bool) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		b.Running("web", 1)
		b.NewTemplate("web", 2)
		b.Status("web")
		b.DeletePod("web-0")
		b.Wait(5 * time.Second)
		b.Pace(5 * time.Millisecond)
		b.Status("web", func(st *history.Status) { st.CurrentRevision = "web-2" })
		b.PodAt("web-0", 2)
		b.DeleteByTest("web-0")
		b.FinishDeletion("web-0")
		b.PodAt("web-0", 2)
		if ready {
			b.Ready("web-0")
		}
		b.Wait(5 * time.Second)
	}
}

// availableAfter has a status count a pod as available that long after it was orphaned, beside one that has not been Ready for long.
func availableAfter(wait time.Duration) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		b.Set("web", historytest.MinReady(9), historytest.Parallel, historytest.Replicas(2))
		b.CreateReady("web-0")
		b.Status("web")
		b.Wait(20 * time.Second)
		b.CreateReady("web-1")
		b.Orphan("web-0")
		b.Wait(wait)
		b.Change(history.Sets, "web", func(e *history.Event) { e.Set.Status.Available = 1 })
		b.Wait(5 * time.Second)
	}
}

// numberedTwice has a set go back to a template whose revision, web-n, has the number that web-2 or web-1 has got that long after it.
func numberedTwice(n int, wait time.Duration) func(*historytest.Builder) {
	other := 5 - n
	return func(b *historytest.Builder) {
		b.Running("web", 1)
		b.Revision("web", 1, 1)
		b.Wait(time.Second - b.Now()%time.Second) // both are created in one second
		b.NewTemplate("web", n)
		b.Revision("web", n, 2)
		b.Status("web")
		b.Wait(wait)
		b.NewTemplate("web", other)
		b.Revision("web", other, 2)
		b.Status("web")
		b.Wait(10 * time.Second)
		b.ChangeTemplate("web", n)
		b.Status("web", func(st *history.Status) { st.UpdateRevision = fmt.Sprintf("web-%d", n) })
		b.Wait(10 * time.Second)
		b.DeletePod("web-0")
		b.PodAt("web-0", n)
		b.Ready("web-0")
		b.Status("web", func(st *history.Status) { st.UpdateRevision = fmt.Sprintf("web-%d", n) })
	}
}
