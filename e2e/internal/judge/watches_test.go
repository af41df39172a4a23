package judge_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// late lets an event arrive after the n next ones, which must be of other resources, as a watch does that trails another. Its
// resource version stays what it was.
func late(s *historytest.Builder, e *history.Event, n int) {
	events := s.Events()
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

// TestSetsThatArriveAfterTheirPods: what a pod's owner is called is known from the pod, whether there is such a set only once the watch
// of sets has told.
func TestSetsThatArriveAfterTheirPods(t *testing.T) {
	tales(t, []tale{
		{
			name: "by one event", exercised: ids(contract.IdentityOwnership, contract.OrderingCreate), tell: func(s *historytest.Builder) {
				set := s.Set("web", historytest.Replicas(2))
				s.CreateReady("web-0")
				s.CreateReady("web-1")
				late(s, set, 1)
			},
		},
		{
			name: "by seconds, when all pods are there", exercised: ids(contract.IdentityOwnership), tell: func(s *historytest.Builder) {
				s.Pace(time.Second)
				set := s.Set("web", historytest.Replicas(2))
				s.CreateReady("web-0")
				s.CreateReady("web-1")
				late(s, set, 4)
				s.Wait(long)
			},
		},
		{
			name: "one of that name, which the pods do not belong to", broken: ids(contract.IdentityOwnership),
			texts: []string{"web-0 was created at rv 102 (+0.1 s) under the controller StatefulSet web with UID other, which no set of the namespace has"},
			tell: func(s *historytest.Builder) {
				set := s.Set("web")
				pod(s, "web-0", func(e *history.Event) { e.Owners[0].UID = "other" })
				late(s, set, 1)
				s.Wait(long)
			},
		},
		{
			name: "pods without an owner", broken: ids(contract.IdentityOwnership), texts: []string{"for the set web without a controller reference"},
			tell: func(s *historytest.Builder) {
				set := s.Set("web")
				pod(s, "web-0", func(e *history.Event) { e.Owners = nil })
				late(s, set, 1)
			},
		},
	})
}

// TestWatchesThatTrail: a watch that was cut off and resumed tells late, without a gap.
func TestWatchesThatTrail(t *testing.T) {
	slow := func(s *historytest.Builder) { s.Running("web", 3); s.Pace(time.Second) }
	tales(t, []tale{
		{
			name: "a scale down that is told after the pod went", exercised: ids(contract.OrderingScaleDown), tell: func(s *historytest.Builder) {
				slow(s)
				scale := s.Scale("web", 2)
				s.DeletePod("web-2")
				late(s, scale, 4)
			},
		},
		{
			name: "a pod that went before the scale down", broken: ids(contract.UpdateNoSpurious), tell: func(s *historytest.Builder) {
				slow(s)
				s.DeletePod("web-2")
				s.Scale("web", 2)
			},
		},
		{
			name: "a new template that is told after the pod went", tell: func(s *historytest.Builder) {
				slow(s)
				asked := s.ChangeTemplate("web", 2)
				s.DeletePod("web-2")
				late(s, asked, 4)
				s.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
				s.CreateReady("web-2")
			},
		},
		{
			name: "a bound claim that is told after its pod ran", idle: ids(contract.StorageUnboundBlocks), tell: func(s *historytest.Builder) {
				s.Set("web", historytest.Replicas(2), historytest.Claims("data"))
				pending(s, "data-web-0")
				s.Pod("web-0")
				s.Pace(3 * time.Second)
				bound := s.Change(history.Claims, "data-web-0", func(e *history.Event) { e.Claim.Phase, e.Claim.Volume = corev1.ClaimBound, "pv-0" })
				s.Change(history.Pods, "web-0", func(e *history.Event) { e.Pod.Phase = corev1.PodRunning })
				late(s, bound, 1)
			},
		},
	})
}
