package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// TestStatusOfDeleted: a set whose deletion waits for its pods counts them.
func TestStatusOfDeleted(t *testing.T) {
	const id = contract.StatusCounts
	deleted := func(finalizer string, change, then func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 2)
			b.Operation(history.VerbDelete, history.Sets, "web")
			b.Change(history.Sets, "web", func(e *history.Event) {
				e.Generation++
				e.DeletionTimestamp, e.Finalizers = new(b.Timestamp()), []string{finalizer}
			})
			change(b)
			then(b)
			b.Wait(5 * time.Second)
			b.Ready("web-1")
		}
	}
	const foreground = "foregroundDeletion"
	none := func(*historytest.Builder) {}
	counted := func(b *historytest.Builder) { b.Status("web") }
	nothing := func(b *historytest.Builder) {
		b.Status("web")
		miscount(b, func(st *history.Status) {
			*st = history.Status{ObservedGeneration: st.ObservedGeneration, CurrentRevision: st.CurrentRevision, UpdateRevision: st.UpdateRevision}
		})
	}
	unready := func(b *historytest.Builder) { b.Unready("web-1") }
	lateFor := func(then func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			unready(b)
			b.Wait(40 * time.Second)
			then(b)
		}
	}
	workedForOthers := func(b *historytest.Builder) {
		b.Change(history.Sets, "web", func(*history.Event) {})
		b.Wait(5 * time.Second)
		b.Running("other", 1)
	}
	runLiveCases(t, []testCase{
		{name: "what the pods show", build: deleted(foreground, unready, counted)},
		{
			name: "nothing", broken: ids(id), texts: []string{"web is being deleted, and its status (rv", "says replicas 0 and readyReplicas 0 where the pods show 2 and 1, and neither had changed for 5.1 s"},
			build: deleted(foreground, unready, nothing),
		},
		{name: "what they showed before", build: deleted(foreground, counted, unready)},
		{
			name: "what they showed before, for as long as its controller works for others", broken: ids(id),
			texts: []string{"says replicas 2 and readyReplicas 2 where the pods show 2 and 1"}, build: deleted(foreground, counted, lateFor(workedForOthers)),
		},
		{name: "what they showed before, of a controller that is away", build: deleted(foreground, counted, lateFor(none))},
		{
			name: "nothing since its deletion, for as long as its controller works for others", broken: ids(id),
			texts: []string{"says replicas 2 and readyReplicas 2 where the pods show 2 and 1"}, build: deleted(foreground, none, lateFor(workedForOthers)),
		},
		{name: "nothing, when the pods are orphaned", build: deleted("orphan", unready, nothing)},
		{name: "nothing, and has not observed its deletion", build: deleted(foreground, unready, func(b *historytest.Builder) {
			miscount(b, func(st *history.Status) { st.Replicas, st.Ready = 0, 0 })
		})},
		{name: "nothing of pods that it does not select", build: deleted(foreground, func(b *historytest.Builder) {
			for _, pod := range []string{"web-0", "web-1"} {
				b.Operation(history.VerbUpdate, history.Pods, pod)
				b.Change(history.Pods, pod, func(e *history.Event) { e.Labels["app"] = "other" })
			}
			unready(b)
		}, nothing)},
		{name: "nothing, for a moment", build: deleted(foreground, none, func(b *historytest.Builder) {
			nothing(b)
			b.Wait(100 * time.Millisecond)
			counted(b)
		})},
	})
}
