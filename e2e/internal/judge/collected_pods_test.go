package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// TestGraceOfCollectedPods: the garbage collector gives the pods of a deleted set their own grace periods.
func TestGraceOfCollectedPods(t *testing.T) {
	const id = contract.IdentityAtMostOne
	// collected deletes a set and then its pods, one after another.
	collected := func(apart time.Duration, graces ...int64) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", len(graces))
			b.Wait(5 * time.Second)
			b.Operation(history.VerbDelete, history.Sets, "web")
			b.DeleteSet("web")
			for i, seconds := range graces {
				b.Wait(apart)
				name := []string{"web-0", "web-1", "web-2"}[i]
				b.Change(history.Pods, name, func(e *history.Event) {
					e.DeletionTimestamp, e.DeletionGrace = new(b.Timestamp()), &seconds
				})
			}
			b.Wait(5 * time.Second)
		}
	}
	const own = historytest.Grace
	runCases(t, []testCase{
		{name: "their own", exercised: ids(id), build: collected(time.Second, own, own)},
		{
			name: "none", broken: ids(id), build: collected(time.Second, 0, 0),
			texts: []string{"web-1 was deleted at rv", "with a grace period of 0 s while its containers ran and after its set had been deleted", "expected its own 30 s"},
		},
		{name: "a second", broken: ids(id), build: collected(time.Second, 1, 1, 1)},
		{name: "none, of a single pod, which anybody may have deleted", inconclusive: ids(id), build: collected(time.Second, 0)},
		{name: "none, of one among others", inconclusive: ids(id), build: collected(time.Second, own, 0, own)},
		{name: "none, of some that somebody deletes at leisure", inconclusive: ids(id), build: collected(5*time.Second, 0, 0)},
		{name: "none, of a set that is still there, whose pods only somebody else deletes", notExercised: ids(id), build: func(b *historytest.Builder) {
			b.Running("web", 2)
			b.Wait(5 * time.Second)
			b.Operation(history.VerbDelete, history.Sets, "web")
			b.Change(history.Sets, "web", func(e *history.Event) {
				e.DeletionTimestamp, e.Finalizers = new(b.Timestamp()), []string{"example.com/hold"}
			})
			b.Wait(5 * time.Second)
			for _, name := range []string{"web-0", "web-1"} {
				b.Change(history.Pods, name, func(e *history.Event) { e.DeletionTimestamp, e.DeletionGrace = new(b.Timestamp()), new(int64(0)) })
			}
			b.Wait(5 * time.Second)
		}},
		{name: "none, as the test asked for", notExercised: ids(id), build: func(b *historytest.Builder) {
			b.Running("web", 2)
			b.Wait(5 * time.Second)
			b.Operation(history.VerbDelete, history.Sets, "web")
			b.DeleteSet("web")
			for _, name := range []string{"web-0", "web-1"} {
				b.Operation(history.VerbDelete, history.Pods, name)
				b.Change(history.Pods, name, func(e *history.Event) { e.DeletionTimestamp, e.DeletionGrace = new(b.Timestamp()), new(int64(0)) })
			}
		}},
	})
}
