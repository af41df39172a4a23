package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// says changes a set's status as if its controller had miscounted.
func says(s *historytest.Builder, f func(*history.Status)) *history.Event {
	return s.Change(history.Sets, "web", func(e *history.Event) { f(&e.Set.Status) })
}

func TestStatusCounts(t *testing.T) {
	liveTales(t, []tale{
		{
			name: "what the pods show", exercised: ids(contract.StatusCounts),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Wait(3 * time.Second)
			},
		},
		{
			name: "nothing is at rest", idle: ids(contract.StatusCounts),
			tell: func(s *historytest.Builder) { s.Running("web", 2) },
		},
		{
			name: "one Ready pod too few", broken: ids(contract.StatusCounts), texts: []string{"says readyReplicas 1 where the pods show 2, and neither had changed for 3.0 s"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				says(s, func(st *history.Status) { st.Ready = 1 })
				s.Wait(3 * time.Second)
			},
		},
		{
			name: "several counts wrong", broken: ids(contract.StatusCounts), texts: []string{"says replicas 4 where the pods show 2, availableReplicas 0 where the pods show 2, and"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				says(s, func(st *history.Status) { st.Replicas, st.Available = 4, 0 })
				s.Wait(3 * time.Second)
				s.Unready("web-0")
			},
		},
		{
			name: "updated pods not counted", broken: ids(contract.StatusCounts), texts: []string{"updatedReplicas 0 where the pods show 1"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 3)
				s.NewTemplate("web", 2)
				s.DeletePod("web-2")
				s.Pod("web-2")
				s.Status("web")
				says(s, func(st *history.Status) { st.Updated = 0 })
				s.Wait(3 * time.Second)
			},
		},
		{
			name: "a status that follows late", tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Unready("web-0")
				s.Wait(8 * time.Second)
				s.Status("web")
			},
		},
		{
			name: "a status that never follows", atWork: true, broken: ids(contract.StatusCounts), texts: []string{"still says readyReplicas 2 where the pods show 1"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Unready("web-0")
				s.Wait(time.Minute)
			},
		},
		{
			name: "a status that does not follow, of a controller that may be away", doubted: ids(contract.StatusCounts),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Unready("web-0")
				s.Wait(time.Minute)
			},
		},
		{
			name: "a generation not yet observed", idle: ids(contract.StatusCounts),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Scale("web", 1)
				says(s, func(st *history.Status) { st.Ready = 1 })
				s.Wait(3 * time.Second)
			},
		},
		{
			name: "a terminating pod is counted, but not at a revision", exercised: ids(contract.StatusCounts),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.DeleteByTest("web-1")
				s.Status("web")
				s.Wait(4 * time.Second)
			},
		},
		{
			name: "an OnDelete set's currentReplicas may be 0", exercised: ids(contract.StatusCounts),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2, historytest.OnDelete)
				s.NewTemplate("web", 2)
				says(s, func(st *history.Status) { st.Current = 0 })
				s.Wait(3 * time.Second)
			},
		},
		{
			name: "the watch of pods is behind", tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				says(s, func(st *history.Status) { st.Ready, st.Available = 1, 1 })
				s.Wait(4 * time.Second)
				s.Unready("web-0").ResourceVersion = "107"
				s.Wait(time.Second)
			},
		},
		{
			name: "a gap may hold the change", doubted: ids(contract.StatusCounts),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				says(s, func(st *history.Status) { st.Ready = 1 })
				from := s.Now()
				s.Wait(3 * time.Second)
				s.Gap(history.Pods, from)
			},
		},
		{
			name: "a set on its way out", idle: ids(contract.StatusCounts),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.DeleteSet("web")
				s.Wait(time.Minute)
			},
		},
	})
}

func TestStatusAvailable(t *testing.T) {
	liveTales(t, []tale{
		{
			name: "only after minReadySeconds", exercised: ids(contract.StatusAvailable, contract.StatusCounts),
			tell: func(s *historytest.Builder) {
				s.Set("web", historytest.MinReady(9))
				s.CreateReady("web-0")
				s.Status("web")
				s.Wait(10 * time.Second)
				s.Status("web")
				s.Wait(3 * time.Second)
			},
		},
		{
			name: "told of before the pod was", exercised: ids(contract.StatusAvailable, contract.StatusCounts),
			tell: func(s *historytest.Builder) {
				s.Set("web", historytest.MinReady(600))
				s.Pod("web-0")
				s.Status("web")
				says(s, func(st *history.Status) { st.Ready = 1 })
				s.Ready("web-0")
				s.Wait(5 * time.Second)
			},
		},
		{
			name: "at once", broken: ids(contract.StatusAvailable), texts: []string{"counts 1 pods as available, at most 0 can be: minReadySeconds asks for 9s"},
			tell: func(s *historytest.Builder) {
				s.Set("web", historytest.MinReady(9))
				s.CreateReady("web-0")
				s.Status("web", func(*history.Status) {})
				says(s, func(st *history.Status) { st.Available = 1 })
			},
		},
		{
			name: "some seconds early", broken: ids(contract.StatusAvailable), exercised: ids(contract.StatusAvailable),
			tell: func(s *historytest.Builder) {
				s.Set("web", historytest.MinReady(9))
				s.CreateReady("web-0")
				s.Status("web")
				s.Wait(5 * time.Second)
				says(s, func(st *history.Status) { st.Available = 1 })
			},
		},
		{
			name: "within what clocks allow", exercised: ids(contract.StatusAvailable),
			tell: func(s *historytest.Builder) {
				s.Set("web", historytest.MinReady(9))
				s.CreateReady("web-0")
				s.Status("web")
				s.Wait(8 * time.Second)
				says(s, func(st *history.Status) { st.Available = 1 })
			},
		},
		{
			name: "never counted, of a controller that may be away", doubted: ids(contract.StatusCounts), texts: []string{"but nothing shows that the controller was at work"},
			tell: func(s *historytest.Builder) {
				s.Set("web", historytest.MinReady(9))
				s.CreateReady("web-0")
				s.Status("web")
				s.Wait(time.Minute)
			},
		},
		{
			name: "never counted at all", atWork: true, broken: ids(contract.StatusCounts), texts: []string{"availableReplicas 0 where the pods show 1"},
			tell: func(s *historytest.Builder) {
				s.Set("web", historytest.MinReady(9))
				s.CreateReady("web-0")
				s.Status("web")
				s.Wait(12 * time.Second)
			},
		},
	})
}

func TestStatusRevisions(t *testing.T) {
	liveTales(t, []tale{
		{name: "differ, then equal", exercised: ids(contract.StatusRevisions), tell: rolled(2)},
		{
			name: "equal before the last pod is updated", broken: ids(contract.StatusRevisions),
			texts: []string{"status.currentRevision of web became the update revision web-2 at rv", "although web-0 had revision web-1 (rv "},
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.NewTemplate("web", 2)
				s.Roll("web", 1)
				says(s, func(st *history.Status) { st.CurrentRevision, st.Current = "web-2", 1 })
				s.Wait(time.Second)
				s.Roll("web", 0)
			},
		},
		{
			name: "equal before the last pod is Ready", broken: ids(contract.StatusRevisions), texts: []string{"although web-0 was not Ready (created at rv"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.NewTemplate("web", 2)
				s.DeletePod("web-0")
				s.Pod("web-0")
				s.Status("web")
				says(s, func(st *history.Status) { st.CurrentRevision, st.Current = "web-2", 1 })
				s.Wait(time.Second)
				s.Ready("web-0")
				s.Status("web")
			},
		},
		{
			name: "never equal", broken: ids(contract.StatusRevisions), texts: []string{"all 2 pods of web are updated and Ready, and so its status says (rv", "its currentRevision stayed web-1 beside the updateRevision web-2"},
			tell: func(s *historytest.Builder) {
				rolled(2)(s)
				says(s, func(st *history.Status) { st.CurrentRevision, st.Current = "web-1", 0 })
				s.Wait(4 * time.Second)
			},
		},
		{
			name: "never equal, and the count with it", broken: ids(contract.StatusCounts, contract.StatusRevisions),
			tell: func(s *historytest.Builder) {
				rolled(2)(s)
				says(s, func(st *history.Status) { st.CurrentRevision, st.Current = "web-1", 2 })
				s.Wait(4 * time.Second)
			},
		},
		{
			name: "a revert makes them equal at once", idle: ids(contract.StatusRevisions),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.NewTemplate("web", 2)
				s.DeletePod("web-1")
				s.Pod("web-1")
				s.ChangeTemplate("web", 1)
				s.Status("web", func(st *history.Status) { st.UpdateRevision = "web-1" })
				s.Wait(3 * time.Second)
			},
		},
		{
			name: "no pods, no rollout", idle: ids(contract.StatusRevisions),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.Scale("web", 0)
				s.DeletePod("web-0")
				s.Status("web")
				s.NewTemplate("web", 2)
				s.Wait(3 * time.Second)
			},
		},
		{
			name: "the watch of pods is behind", exercised: ids(contract.StatusRevisions),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.NewTemplate("web", 2)
				s.DeletePod("web-0")
				s.Pod("web-0")
				s.Status("web")
				says(s, func(st *history.Status) { st.Ready, st.Available, st.CurrentRevision, st.Current = 1, 1, "web-2", 1 }).ResourceVersion = "900"
				s.Wait(4 * time.Second)
				s.Ready("web-0").ResourceVersion = "899"
				s.Wait(4 * time.Second)
			},
		},
	})
}

func TestStatusObservedGeneration(t *testing.T) {
	liveTales(t, []tale{
		{
			name: "reached", exercised: ids(contract.StatusObservedGeneration),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.Scale("web", 2)
				s.Status("web")
			},
		},
		{
			name: "not reached yet",
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.Scale("web", 2)
				s.Wait(3 * time.Second)
			},
		},
		{
			name: "left behind", broken: ids(contract.StatusObservedGeneration), texts: []string{"web has had generation 2 since rv", "its status had observed 1 only"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Scale("web", 3)
				s.CreateReady("web-2")
				s.Wait(3 * time.Second)
				says(s, func(st *history.Status) { st.Replicas, st.Ready, st.Available = 3, 3, 3 })
				s.Wait(15 * time.Second)
			},
		},
		{
			name: "never written again, though another set's is", broken: ids(contract.StatusObservedGeneration),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Update("web", func(t *history.Set) { t.MinReadySeconds = 1 })
				s.Wait(3 * time.Second)
				s.Running("db", 1)
				s.Wait(15 * time.Second)
			},
		},
		{
			name: "never written again, though another set got a pod", broken: ids(contract.StatusObservedGeneration),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Set("db")
				s.Update("web", func(t *history.Set) { t.MinReadySeconds = 1 })
				s.Wait(3 * time.Second)
				s.Pod("db-0")
				s.Wait(15 * time.Second)
			},
		},
		{
			name: "a controller that is away", doubted: ids(contract.StatusObservedGeneration), texts: []string{"but nothing shows that the controller was at work"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Update("web", func(t *history.Set) { t.MinReadySeconds = 1 })
				s.Wait(time.Minute)
			},
		},
		{
			name: "a controller of which nothing is known", doubted: ids(contract.StatusObservedGeneration),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Update("web", func(t *history.Set) { t.MinReadySeconds = 1 })
				s.Wait(15 * time.Second)
			},
		},
	})
}
