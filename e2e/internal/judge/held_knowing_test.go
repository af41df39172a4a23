package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// A controller that takes longer to act than minReadySeconds asks for shows that it waited for them only by a status that counts the pod as Ready: the sync
// that wrote it could have acted.
func TestHeldKnowing(t *testing.T) {
	const slow = 7 * time.Second
	created := func(between func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Set("web", historytest.Replicas(3), historytest.MinReady(4))
			b.CreateReady("web-0")
			b.Wait(4*time.Second + slow)
			b.CreateReady("web-1")
			between(b)
			b.Wait(4 * time.Second)
			b.Pod("web-2")
		}
	}
	updated := func(between func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Set("web", historytest.Replicas(2), historytest.MinReady(4))
			b.Wait(slow)
			b.CreateReady("web-0")
			b.Wait(5 * time.Second)
			b.CreateReady("web-1")
			b.Wait(5 * time.Second)
			b.Status("web")
			b.NewTemplate("web", 2)
			b.Wait(slow)
			b.DeletePod("web-1")
			b.Status("web")
			b.Wait(3 * time.Second)
			b.CreateReady("web-1")
			between(b)
			b.Wait(4 * time.Second)
			b.DeletePod("web-0")
		}
	}
	status := func(b *historytest.Builder) { b.Status("web") }
	none := func(*historytest.Builder) {}
	touched := func(b *historytest.Builder) { b.Change(history.Sets, "web", func(*history.Event) {}) }
	old := func(b *historytest.Builder) {
		b.Change(history.Sets, "web", func(e *history.Event) { e.Set.Status.Ready, e.Set.Status.ObservedGeneration = 2, 0 })
	}
	runCases(t, []testCase{
		{name: "nothing shows it", notExercised: ids(contract.OrderingMinReady), build: created(none)},
		{name: "a version of the set with the status as it was", notExercised: ids(contract.OrderingMinReady), build: created(touched)},
		{name: "a status counts the pod", exercised: ids(contract.OrderingMinReady), build: created(status)},
		{name: "nothing shows it of a rollout", notExercised: ids(contract.UpdateMinReady), build: updated(none)},
		{name: "a status of an earlier spec", notExercised: ids(contract.UpdateMinReady), build: updated(old)},
		{name: "a status counts the updated pod", exercised: ids(contract.UpdateMinReady), build: updated(status)},
	})
}
