package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// TestDeletionAuthors: a pod's deletion counts against the controller where its own report names the pod. Nobody is accused of one that
// anybody may have requested.
func TestDeletionAuthors(t *testing.T) {
	id := ids(contract.UpdateNoSpurious)
	report := func(change func(*history.Report), wait time.Duration) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 1)
			b.Wait(5 * time.Second)
			b.ByOthers(func() { b.Terminate("web-0") })
			r := history.Report{
				Reason: history.SuccessfulDelete, Reporter: history.StatefulSetController, Kind: "StatefulSet", Object: "web", Pod: "web-0", Last: b.Timestamp(),
			}
			change(&r)
			b.Wait(wait)
			b.Report(r)
		}
	}
	unchanged := func(*history.Report) {}
	runCases(t, []testCase{
		{name: "the controller reports it", broken: id, build: report(unchanged, 0)},
		{name: "it does so late, with the time of the deletion", broken: id, build: report(unchanged, 8*time.Second)},
		{name: "combined with others", broken: id, build: report(func(r *history.Report) { r.Count = 12 }, 0)},
		{
			name: "nothing shows who", inconclusive: id, texts: []string{
				"; but no Event of the StatefulSet controller names web-0 as deleted then, and any client that may delete pods can have: the API server's audit log shows which did",
			}, build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Wait(5 * time.Second)
				b.ByOthers(func() { b.Terminate("web-0") })
			},
		},
		{name: "a report of another pod", inconclusive: id, build: report(func(r *history.Report) { r.Pod = "web-1" }, 0)},
		{name: "a report of a creation", inconclusive: id, build: report(func(r *history.Report) { r.Reason = "SuccessfulCreate" }, 0)},
		{name: "a report of another component", inconclusive: id, build: report(func(r *history.Report) { r.Reporter = "janitor" }, 0)},
		{name: "a report of another controller's object", inconclusive: id, build: report(func(r *history.Report) { r.Kind = "ReplicaSet" }, 0)},
		{name: "a report of another time", inconclusive: id, build: report(func(r *history.Report) { r.Last.Time = r.Last.Add(-5 * time.Second) }, 0)},
		{name: "long after an eviction that came to nothing", broken: id, build: func(b *historytest.Builder) {
			b.Running("web", 1)
			b.Disrupt("web-0", "EvictionByEvictionAPI")
			b.Wait(long)
			b.Change(history.Pods, "web-0", func(e *history.Event) { e.Pod.Conditions[len(e.Pod.Conditions)-1].Status = "False" })
			b.Wait(long)
			b.Terminate("web-0")
		}},
		{name: "the same, by somebody else", inconclusive: id, build: func(b *historytest.Builder) {
			b.Running("web", 1)
			b.Disrupt("web-0", "EvictionByEvictionAPI")
			b.Wait(long)
			b.Change(history.Pods, "web-0", func(e *history.Event) { e.Pod.Conditions[len(e.Pod.Conditions)-1].Status = "False" })
			b.Wait(long)
			b.ByOthers(func() { b.Terminate("web-0") })
		}},
		{name: "long after an eviction that did not delete it", broken: id, build: func(b *historytest.Builder) {
			b.Running("web", 1)
			b.Disrupt("web-0", "EvictionByEvictionAPI")
			b.Wait(long)
			reportedDeletion(b)
		}},
		{name: "evicted just then, though the controller reports one", notExercised: id, build: func(b *historytest.Builder) {
			b.Running("web", 1)
			b.Wait(5 * time.Second)
			b.Disrupt("web-0", "EvictionByEvictionAPI")
			reportedDeletion(b)
		}},
		{name: "another grace period than the pod's own", notExercised: id, build: func(b *historytest.Builder) {
			b.Running("web", 1)
			b.Change(history.Pods, "web-0", func(e *history.Event) {
				now, grace := b.Timestamp(), int64(5)
				e.DeletionTimestamp, e.DeletionGrace = &now, &grace
			})
		}},
		{name: "at once", notExercised: id, build: func(b *historytest.Builder) {
			b.Running("web", 1)
			b.ByOthers(func() { b.Remove(history.Pods, "web-0") })
		}},
	})
}

// reportedDeletion deletes web-0 by a request that the controller reports.
func reportedDeletion(b *historytest.Builder) {
	b.ByOthers(func() { b.Terminate("web-0") })
	b.Report(history.Report{
		Reason: history.SuccessfulDelete, Reporter: history.StatefulSetController, Kind: "StatefulSet", Object: "web", Pod: "web-0", Last: b.Timestamp(),
	})
}
