package statefulset

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Gate is the readiness gate that HoldReadiness gives to pods. A pod is held while it is False and released by True.
const Gate corev1.PodConditionType = history.Prefix + "released"

// Release opens the readiness gates of those pods, one after another, each as soon as its pod exists, and waits until each is
// Ready.
func (s *Set) Release(ctx context.Context, ordinals ...int) {
	GinkgoHelper()
	for _, n := range ordinals {
		e := s.AwaitCreated(ctx, n)
		s.setGate(ctx, e, true)
		s.NS.Expect(ctx, s.NS.Settings.Limits.PodReady, fmt.Sprintf("the released pod %s to be Ready", e.Name), framework.PodReady(e.Name))
	}
}

// ReleaseInTurn releases the pods of the whole range from the lowest ordinal to the highest, waiting for each to exist.
func (s *Set) ReleaseInTurn(ctx context.Context) {
	GinkgoHelper()
	var first, last int
	s.NS.Expect(ctx, s.NS.Settings.Limits.PodCreated, "set "+s.Name+" to be there", func(st *history.State) string {
		set := st.Get(history.Sets, s.Name)
		if set == nil {
			return "set " + s.Name + " does not exist"
		}
		first, last = int(set.Set.Start), int(set.Set.Start+set.Set.Replicas)-1
		return ""
	})
	for n := first; n <= last; n++ {
		s.Release(ctx, n)
	}
}

// Hold closes the readiness gate of a pod again and waits until it is not Ready any more.
func (s *Set) Hold(ctx context.Context, ordinal int) {
	GinkgoHelper()
	e := s.NS.Pod(s.Pod(ordinal))
	s.setGate(ctx, e, false)
	s.NS.Expect(ctx, s.NS.Settings.Limits.PodReady, fmt.Sprintf("the held pod %s to be not Ready", e.Name), func(st *history.State) string {
		if now := st.Get(history.Pods, e.Name); now != nil && now.Pod.Is(corev1.PodReady) {
			return now.Name + " is still Ready"
		}
		return ""
	})
}

// HoldAndAwaitObserved holds pods that are Ready, and waits until the set's status has counted them as not Ready for longer than the
// controller's informer caches may lag: no later act can be due to a cache without it.
func (s *Set) HoldAndAwaitObserved(ctx context.Context, ordinals ...int) {
	GinkgoHelper()
	ready := func(st *history.State) int32 { return st.Get(history.Sets, s.Name).Set.Status.Ready }
	var before int32
	s.NS.Expect(ctx, s.NS.Settings.Limits.StatusSettled, "the status to count the pods that are Ready", func(st *history.State) string {
		before = 0
		for _, p := range st.PodsOf(s.UID) {
			if framework.PodReady(p.Name)(st) == "" {
				before++
			}
		}
		if now := ready(st); now != before {
			return fmt.Sprintf("it counts %d Ready pods of %d", now, before)
		}
		return ""
	})
	for _, n := range ordinals {
		s.Hold(ctx, n)
	}
	s.NS.Expect(ctx, s.NS.Settings.Limits.StatusSettled, fmt.Sprintf("the status to count %d Ready pods less", len(ordinals)), func(st *history.State) string {
		if now := ready(st); now > before-int32(len(ordinals)) {
			return fmt.Sprintf("it counts %d Ready pods, and counted %d before", now, before)
		}
		for _, n := range ordinals {
			if framework.PodReady(s.Pod(n))(st) == "" {
				return s.Pod(n) + " is not recorded as held yet"
			}
		}
		return ""
	})
	s.awaitLag(ctx)
}

func (s *Set) awaitLag(ctx context.Context) {
	GinkgoHelper()
	s.NS.AwaitLag(ctx)
	Expect(ctx.Err()).NotTo(HaveOccurred())
}

func (s *Set) setGate(ctx context.Context, pod *history.Event, open bool) {
	GinkgoHelper()
	act, status, verb := history.VerbUnblockReadiness, corev1.ConditionTrue, "release"
	if !open {
		act, status, verb = history.VerbBlockReadiness, corev1.ConditionFalse, "hold"
	}
	request := framework.Request{Verb: act, Resource: history.Pods, Name: pod.Name, UID: pod.UID, Text: verb + " " + pod.Name}
	patch := fmt.Appendf(nil, `{"metadata":{"uid":%q},"status":{"conditions":[{"type":%q,"status":%q,"lastTransitionTime":%q}]}}`,
		pod.UID, Gate, status, metav1.Now().UTC().Format(time.RFC3339))
	_, err := framework.Send(s.NS, request, func() (*corev1.Pod, error) {
		return s.NS.Client.CoreV1().Pods(s.NS.Name).Patch(ctx, pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	})
	Expect(err).NotTo(HaveOccurred(), "%s %s: the suite needs the right to patch pods/status", verb, pod.Name)
}
