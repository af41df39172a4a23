package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// TestActsOfASyncThatWasHeldUp: a sync may create or delete a pod long after it looked. Nobody is accused of what it could not see then.
func TestActsOfASyncThatWasHeldUp(t *testing.T) {
	const created, released = contract.TerminationNoRecreate, contract.LifecycleRelease
	const text = "nothing shows that the controller looked again in between"
	deleting := func(then func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 2)
			b.Wait(5 * time.Second)
			b.DeletePod("web-1")
			b.Operation(history.VerbDelete, history.Sets, "web")
			b.Change(history.Sets, "web", func(e *history.Event) {
				now := b.Timestamp()
				e.DeletionTimestamp = &now
				e.Generation++
			})
			then(b)
			b.Wait(5 * time.Second)
		}
	}
	seconds := func(n time.Duration) func(b *historytest.Builder) {
		return func(b *historytest.Builder) { b.Wait(n * time.Second) }
	}
	relabelled := func(between func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 2)
			b.Wait(5 * time.Second)
			b.Operation(history.VerbUpdate, history.Sets, "web")
			b.Scale("web", 1)
			b.Relabel("web-1", "app", "other")
			between(b)
			b.Terminate("web-1")
			b.Wait(5 * time.Second)
		}
	}
	runCases(t, []testCase{
		{name: "a creation, 20 s after the deletion of the set", inconclusive: ids(created), texts: []string{text}, build: deleting(func(b *historytest.Builder) {
			seconds(20)(b)
			b.CreateReady("web-1")
		})},
		{name: "a creation after a status has observed the deletion", broken: ids(created), build: deleting(func(b *historytest.Builder) {
			seconds(10)(b)
			b.Status("web")
			seconds(10)(b)
			b.CreateReady("web-1")
		})},
		{name: "a creation of a pod that was there until long after the deletion", broken: ids(created), build: deleting(func(b *historytest.Builder) {
			seconds(20)(b)
			b.DeletePod("web-0")
			b.CreateReady("web-0")
		})},
		{name: "a deletion, 20 s after the pod was no longer selected", inconclusive: ids(released), texts: []string{text}, build: relabelled(seconds(20))},
		{name: "a deletion after the status was written", broken: ids(released), build: relabelled(func(b *historytest.Builder) {
			seconds(10)(b)
			b.Status("web")
			seconds(10)(b)
		})},
	})
}
