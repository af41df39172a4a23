package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// miscount changes a set's status as a controller that miscounts would.
func miscount(b *historytest.Builder, f func(*history.Status)) *history.Event {
	return b.Change(history.Sets, "web", func(e *history.Event) { f(&e.Set.Status) })
}

func TestStatusCounts(t *testing.T) {
	runLiveCases(t, []testCase{
		{
			name: "what the pods show", exercised: ids(contract.StatusCounts),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Wait(3 * time.Second)
			},
		},
		{
			name: "nothing is at rest", notExercised: ids(contract.StatusCounts),
			build: func(b *historytest.Builder) { b.Running("web", 2) },
		},
		{
			name: "one Ready pod too few", broken: ids(contract.StatusCounts), texts: []string{"says readyReplicas 1 where the pods show 2, and neither had changed for 3.0 s"},
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				miscount(b, func(st *history.Status) { st.Ready = 1 })
				b.Wait(3 * time.Second)
			},
		},
		{
			name: "several counts wrong", broken: ids(contract.StatusCounts), texts: []string{"says replicas 4 where the pods show 2, availableReplicas 0 where the pods show 2, and"},
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				miscount(b, func(st *history.Status) { st.Replicas, st.Available = 4, 0 })
				b.Wait(3 * time.Second)
				b.Unready("web-0")
			},
		},
		{
			name: "updated pods not counted", broken: ids(contract.StatusCounts), texts: []string{"updatedReplicas 0 where the pods show 1"},
			build: func(b *historytest.Builder) {
				b.Running("web", 3)
				b.NewTemplate("web", 2)
				b.DeletePod("web-2")
				b.Pod("web-2")
				b.Status("web")
				miscount(b, func(st *history.Status) { st.Updated = 0 })
				b.Wait(3 * time.Second)
			},
		},
		{
			name: "a status that follows late", build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Unready("web-0")
				b.Wait(8 * time.Second)
				b.Status("web")
			},
		},
		{
			name: "an earlier state that had come before", build: func(b *historytest.Builder) {
				b.Set("web")
				b.CreateReady("web-0")
				b.Unready("web-0")
				b.Ready("web-0")
				b.Status("web")
				miscount(b, func(st *history.Status) { st.Ready, st.Available = 0, 0 })
				b.Wait(5 * time.Second)
				b.Status("web")
			},
		},
		{
			name: "one sync creates a pod and deletes another", build: func(b *historytest.Builder) {
				b.Running("web", 1, historytest.Parallel)
				b.Scale("web", 2)
				b.NewTemplate("web", 2)
				b.Pod("web-1")
				b.Terminate("web-0")
				miscount(b, func(st *history.Status) { st.Replicas, st.Ready, st.Available, st.Current, st.Updated = 1, 1, 1, 0, 0 })
				b.Wait(5 * time.Second)
				b.Status("web")
			},
		},
		{
			name: "a pod of neither revision is deleted for an update", build: func(b *historytest.Builder) { betweenRevisions(b); b.Wait(8 * time.Second); b.Status("web") },
		},
		{
			name: "a pod of neither revision is deleted for an update, and never counted right", controllerActs: true, broken: ids(contract.StatusCounts),
			texts: []string{"still says currentReplicas 1 where the pods show 2"}, build: func(b *historytest.Builder) { betweenRevisions(b); b.Wait(time.Minute) },
		},
		{
			name: "a status that never follows", controllerActs: true, broken: ids(contract.StatusCounts), texts: []string{"still says readyReplicas 2 where the pods show 1"},
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Unready("web-0")
				b.Wait(time.Minute)
			},
		},
		{
			name: "a status that does not follow, of a controller that may not be running", inconclusive: ids(contract.StatusCounts),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Unready("web-0")
				b.Wait(time.Minute)
			},
		},
		{
			name: "a generation not yet observed", notExercised: ids(contract.StatusCounts),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Scale("web", 1)
				miscount(b, func(st *history.Status) { st.Ready = 1 })
				b.Wait(3 * time.Second)
			},
		},
		{
			name: "a terminating pod is counted, but not at a revision", exercised: ids(contract.StatusCounts),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.DeleteByTest("web-1")
				b.Status("web")
				b.Wait(4 * time.Second)
			},
		},
		{
			name: "an OnDelete set's currentReplicas may be 0", exercised: ids(contract.StatusCounts),
			build: func(b *historytest.Builder) {
				b.Running("web", 2, historytest.OnDelete)
				b.NewTemplate("web", 2)
				miscount(b, func(st *history.Status) { st.Current = 0 })
				b.Wait(3 * time.Second)
			},
		},
		{
			name: "since 1.37 it counts as under RollingUpdate", broken: ids(contract.StatusCounts), texts: []string{"currentReplicas 0 where the pods show 2"},
			build: func(b *historytest.Builder) {
				b.Version("v1.37.2").Running("web", 2, historytest.OnDelete)
				b.NewTemplate("web", 2)
				miscount(b, func(st *history.Status) { st.Current = 0 })
				b.Wait(3 * time.Second)
			},
		},
		{
			name: "the watch of pods is behind", build: func(b *historytest.Builder) {
				b.Running("web", 2)
				miscount(b, func(st *history.Status) { st.Ready, st.Available = 1, 1 })
				b.Wait(4 * time.Second)
				b.Unready("web-0").ResourceVersion = "107"
				b.Wait(time.Second)
			},
		},
		{
			name: "a gap may hold the change", inconclusive: ids(contract.StatusCounts),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				miscount(b, func(st *history.Status) { st.Ready = 1 })
				from := b.Now()
				b.Wait(3 * time.Second)
				b.Gap(history.Pods, from)
			},
		},
		{
			name: "a terminating set", notExercised: ids(contract.StatusCounts),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.DeleteSet("web")
				b.Wait(time.Minute)
			},
		},
	})
}

func TestStatusRevisions(t *testing.T) {
	runLiveCases(t, []testCase{
		{name: "differ, then equal", exercised: ids(contract.StatusRevisions), build: rolled(2)},
		{
			name: "equal before the last pod is updated", broken: ids(contract.StatusRevisions),
			texts: []string{"status.currentRevision of web became the update revision web-2 at rv", "although web-0 had revision web-1 (rv "},
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.NewTemplate("web", 2)
				b.Roll("web", 1)
				miscount(b, func(st *history.Status) { st.CurrentRevision, st.Current = "web-2", 1 })
				b.Wait(time.Second)
				b.Roll("web", 0)
			},
		},
		{
			name: "equal before the last pod is Ready", broken: ids(contract.StatusRevisions), texts: []string{"although web-0 was not Ready (created at rv"},
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.NewTemplate("web", 2)
				b.DeletePod("web-0")
				b.Pod("web-0")
				b.Status("web")
				miscount(b, func(st *history.Status) { st.CurrentRevision, st.Current = "web-2", 1 })
				b.Wait(time.Second)
				b.Ready("web-0")
				b.Status("web")
			},
		},
		{
			name: "equal once the pods above the partition are updated", broken: ids(contract.StatusRevisions), texts: []string{"although web-0 had revision web-1 (rv "},
			build: func(b *historytest.Builder) {
				b.Running("web", 2, historytest.Partition(1))
				b.NewTemplate("web", 2)
				b.Roll("web", 1)
				miscount(b, func(st *history.Status) { st.CurrentRevision, st.Current = "web-2", 1 })
				b.Wait(4 * time.Second)
			},
		},
		{
			name: "equal when the partition goes and the last pod is updated", exercised: ids(contract.StatusRevisions),
			build: func(b *historytest.Builder) {
				b.Running("web", 2, historytest.Partition(1))
				b.NewTemplate("web", 2)
				b.Roll("web", 1)
				b.Wait(4 * time.Second)
				b.Update("web", func(s *history.Set) { s.Partition = 0 })
				b.Roll("web", 0)
				b.Wait(4 * time.Second)
			},
		},
		{
			name: "under a partition nothing says when they become equal",
			build: func(b *historytest.Builder) {
				rolled(2)(b)
				b.Update("web", func(s *history.Set) { s.Partition = 1 })
				miscount(b, func(st *history.Status) { st.CurrentRevision, st.Current, st.ObservedGeneration = "web-1", 0, 3 })
				b.Wait(4 * time.Second)
			},
		},
		{
			name: "never equal", broken: ids(contract.StatusRevisions), texts: []string{"all 2 pods of web are updated and Ready, and so its status says (rv", "its currentRevision stayed web-1 beside the updateRevision web-2"},
			build: func(b *historytest.Builder) {
				rolled(2)(b)
				miscount(b, func(st *history.Status) { st.CurrentRevision, st.Current = "web-1", 0 })
				b.Wait(4 * time.Second)
			},
		},
		{
			name: "never equal, and the count with it", broken: ids(contract.StatusCounts, contract.StatusRevisions),
			build: func(b *historytest.Builder) {
				rolled(2)(b)
				miscount(b, func(st *history.Status) { st.CurrentRevision, st.Current = "web-1", 2 })
				b.Wait(4 * time.Second)
			},
		},
		{
			name: "a revert makes them equal at once", notExercised: ids(contract.StatusRevisions),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.NewTemplate("web", 2)
				b.DeletePod("web-1")
				b.Pod("web-1")
				b.ChangeTemplate("web", 1)
				b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-1" })
				b.Wait(3 * time.Second)
			},
		},
		{
			name: "no pods, no rollout", notExercised: ids(contract.StatusRevisions),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Scale("web", 0)
				b.DeletePod("web-0")
				b.Status("web")
				b.NewTemplate("web", 2)
				b.Wait(3 * time.Second)
			},
		},
		{
			name: "the watch of pods is behind", exercised: ids(contract.StatusRevisions),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.NewTemplate("web", 2)
				b.DeletePod("web-0")
				b.Pod("web-0")
				b.Status("web")
				miscount(b, func(st *history.Status) { st.Ready, st.Available, st.CurrentRevision, st.Current = 1, 1, "web-2", 1 }).ResourceVersion = "900"
				b.Wait(4 * time.Second)
				b.Ready("web-0").ResourceVersion = "899"
				b.Wait(4 * time.Second)
			},
		},
	})
}

func TestStatusObservedGeneration(t *testing.T) {
	runLiveCases(t, []testCase{
		{
			name: "reached", exercised: ids(contract.StatusObservedGeneration),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Scale("web", 2)
				b.Status("web")
			},
		},
		{
			name: "not reached yet",
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Scale("web", 2)
				b.Wait(3 * time.Second)
			},
		},
		{
			name: "left behind", broken: ids(contract.StatusObservedGeneration), texts: []string{"web has had generation 2 since rv", "its status had observed 1 only"},
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Scale("web", 3)
				b.CreateReady("web-2")
				b.Wait(15 * time.Second)
				miscount(b, func(st *history.Status) { st.Replicas, st.Ready, st.Available = 3, 3, 3 })
			},
		},
		{
			name: "left behind by a controller that was last seen before it should have", inconclusive: ids(contract.StatusObservedGeneration),
			texts: []string{"but nothing shows that the controller was at work"},
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Scale("web", 3)
				b.CreateReady("web-2")
				b.Wait(3 * time.Second)
				miscount(b, func(st *history.Status) { st.Replicas, st.Ready, st.Available = 3, 3, 3 })
				b.Wait(15 * time.Second)
			},
		},
		{
			name: "patched by the test and not by a controller", inconclusive: ids(contract.StatusObservedGeneration),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Scale("web", 3)
				b.CreateReady("web-2")
				b.Wait(15 * time.Second)
				end := b.Begin(history.Operation{Verb: history.VerbOther, Resource: history.Sets, Name: "web"})
				e := miscount(b, func(st *history.Status) { st.Replicas, st.Ready, st.Available = 3, 3, 3 })
				end(history.Accepted, &history.Result{UID: e.UID, ResourceVersion: e.ResourceVersion})
			},
		},
		{
			name: "never written again, though another set's is", inconclusive: ids(contract.StatusObservedGeneration),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Update("web", func(t *history.Set) { t.MinReadySeconds = 1 })
				b.Wait(20 * time.Second)
				b.Running("db", 1)
			},
		},
		{
			name: "never written again, though something had the set synced before another got a pod", broken: ids(contract.StatusObservedGeneration),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Update("web", func(t *history.Set) { t.MinReadySeconds = 1 })
				b.Wait(20 * time.Second)
				b.Unready("web-0")
				b.Wait(3 * time.Second)
				b.Set("db")
				b.Pod("db-0")
			},
		},
		{
			name: "a controller that is not running", inconclusive: ids(contract.StatusObservedGeneration), texts: []string{"but nothing shows that the controller was at work"},
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Update("web", func(t *history.Set) { t.MinReadySeconds = 1 })
				b.Wait(time.Minute)
			},
		},
		{
			name: "a controller that shows no activity", inconclusive: ids(contract.StatusObservedGeneration),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Update("web", func(t *history.Set) { t.MinReadySeconds = 1 })
				b.Wait(15 * time.Second)
			},
		},
	})
}

// betweenRevisions has a third template replace the second, which one of three pods has, and the controller subtract that pod from
// currentReplicas when it deletes it.
func betweenRevisions(b *historytest.Builder) {
	b.Running("web", 3)
	b.NewTemplate("web", 2)
	b.Roll("web", 2)
	b.Status("web")
	b.NewTemplate("web", 3)
	b.Terminate("web-2")
	miscount(b, func(st *history.Status) { st.Updated, st.Current = 0, 1 })
}
