package judge_test

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// late moves an event behind the n next ones, which must be of other resources, as a late watch does, and keeps its resourceVersion.
func late(b *historytest.Builder, e *history.Event, n int) {
	events := b.Events()
	i := 0
	for events[i] != e {
		i++
	}
	for ; n > 0; i, n = i+1, n-1 {
		next := events[i+1]
		e.Seq, next.Seq = next.Seq, e.Seq
		e.At, next.At = next.At, e.At
		events[i], events[i+1] = next, e
	}
}

// TestLateWatchOfSets: a pod's ownerReference is known from the pod, whether that set exists only once the watch of sets delivered it.
func TestLateWatchOfSets(t *testing.T) {
	runCases(t, []testCase{
		{
			name: "by one event", exercised: ids(contract.IdentityOwnership, contract.OrderingCreate), build: func(b *historytest.Builder) {
				set := b.Set("web", historytest.Replicas(2))
				b.Pod("web-0")
				b.Wait(time.Second)
				b.Ready("web-0")
				b.CreateReady("web-1")
				late(b, set, 1)
			},
		},
		{
			name: "by seconds, when all pods are there", exercised: ids(contract.IdentityOwnership), build: func(b *historytest.Builder) {
				b.Pace(time.Second)
				set := b.Set("web", historytest.Replicas(2))
				b.CreateReady("web-0")
				b.CreateReady("web-1")
				late(b, set, 4)
				b.Wait(long)
			},
		},
		{
			name: "a set of that name which does not own the pods", broken: ids(contract.IdentityOwnership),
			texts: []string{"web-0 was created at rv 102 (+0.1 s) under the controller StatefulSet web with UID other, which no set of the namespace has"},
			build: func(b *historytest.Builder) {
				set := b.Set("web")
				pod(b, "web-0", func(e *history.Event) { e.Owners[0].UID = "other" })
				late(b, set, 1)
				b.Wait(long)
			},
		},
		{
			name: "pods without an owner", broken: ids(contract.IdentityOwnership), texts: []string{"for the set web without a controller reference"},
			build: func(b *historytest.Builder) {
				set := b.Set("web")
				pod(b, "web-0", func(e *history.Event) { e.Owners = nil })
				late(b, set, 1)
			},
		},
	})
}

// TestLateWatches: a resumed watch delivers late, without a gap.
func TestLateWatches(t *testing.T) {
	slow := func(b *historytest.Builder) { b.Running("web", 3); b.Pace(time.Second) }
	runCases(t, []testCase{
		{
			name: "a scale down that is recorded after the pod's deletion", exercised: ids(contract.OrderingScaleDown), build: func(b *historytest.Builder) {
				slow(b)
				scale := b.Scale("web", 1)
				b.DeletePod("web-2")
				late(b, scale, 4)
			},
		},
		{
			name: "a scale down that its watch holds back for a quarter of a minute", inconclusive: ids(contract.UpdateNoSpurious), texts: []string{"; but the history of statefulsets has a gap from +11.1 s to +26.5 s (its watch was 15.4 s behind another"},
			build: func(b *historytest.Builder) {
				b.Running("web", 3)
				b.Wait(10 * time.Second)
				scale := b.Scale("web", 2)
				b.Terminate("web-2")
				b.Wait(15 * time.Second)
				b.FinishDeletion("web-2")
				late(b, scale, len(b.Events())-1-slices.Index(b.Events(), scale))
			},
		},
		{
			name: "a pod deleted before the scale down", broken: ids(contract.UpdateNoSpurious), build: func(b *historytest.Builder) {
				slow(b)
				b.DeletePod("web-2")
				b.Scale("web", 2)
			},
		},
		{
			name: "a new template that is recorded after the pod's deletion", build: func(b *historytest.Builder) {
				slow(b)
				changed := b.ChangeTemplate("web", 2)
				b.DeletePod("web-2")
				late(b, changed, 4)
				b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
				b.CreateReady("web-2")
			},
		},
		{
			name: "a bound claim that is recorded after its pod ran", notExercised: ids(contract.StorageUnboundBlocks), build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(2), historytest.Claims("data"))
				pending(b, "data-web-0")
				b.Pod("web-0")
				b.Pace(3 * time.Second)
				bound := b.Change(history.Claims, "data-web-0", func(e *history.Event) { e.Claim.Phase, e.Claim.Volume = corev1.ClaimBound, "pv-0" })
				b.Change(history.Pods, "web-0", func(e *history.Event) { e.Pod.Phase = corev1.PodRunning })
				late(b, bound, 1)
			},
		},
	})
}

// TestStatusBeforeLoss: a status that counts a pod as lost may be recorded before the event of the pod that shows it.
func TestStatusBeforeLoss(t *testing.T) {
	// loses has web-0 lose its readiness, which its status tells before its event does, and then a pod created that should have waited for it.
	loses := func(b *historytest.Builder) {
		loss := b.Unready("web-0")
		b.Status("web")
		late(b, loss, 1)
		b.Wait(4 * time.Second)
		b.Scale("web", 3)
		b.Pod("web-2")
		b.Wait(long)
	}
	lost := func(counted bool) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Set("web", historytest.Replicas(2))
			b.CreateReady("web-0")
			b.Wait(5 * time.Second)
			b.CreateReady("web-1") // so late before the loss that a status of one Ready pod may be of before
			if counted {
				b.Status("web")
			}
			b.Wait(time.Second)
			loses(b)
		}
	}
	replaced := func(b *historytest.Builder) {
		b.Set("web", historytest.Replicas(2))
		b.CreateReady("web-0")
		b.CreateReady("web-1")
		b.Wait(10 * time.Second)
		b.DeleteByTest("web-1")
		b.FinishDeletion("web-1")
		b.Wait(300 * time.Millisecond)
		b.CreateReady("web-1")
		b.Status("web") // it counts two, as it would have before web-1 was replaced
		b.Wait(1900 * time.Millisecond)
		loses(b)
	}
	runCases(t, []testCase{
		{name: "after one whose count may hold an earlier pod", inconclusive: ids(contract.OrderingScaleUp, contract.OrderingCreateHalts), build: replaced},
		{name: "after one that counted all pods as Ready", broken: ids(contract.OrderingScaleUp, contract.OrderingCreateHalts), build: lost(true)},
		{name: "which may be of the time before another pod was Ready", inconclusive: ids(contract.OrderingScaleUp, contract.OrderingCreateHalts), build: lost(false)},
	})
}
