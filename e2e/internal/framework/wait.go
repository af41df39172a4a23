package framework

import (
	"context"
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/e2e-framework/klient/k8s"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Gate is the readiness gate of held pods.
const Gate corev1.PodConditionType = history.Prefix + "released"

func (ns *Namespace) decode(ctx context.Context, fixture string) []k8s.Object {
	GinkgoHelper()
	objects, err := ns.Settings.ReadFixture(ctx, fixture, ns.Name)
	Expect(err).NotTo(HaveOccurred())
	return objects
}

// Pod returns the name of the pod of that ordinal.
func (s *Set) Pod(ordinal int) string { return fmt.Sprintf("%s-%d", s.Name, ordinal) }

// Claim returns the name of the claim that a template gives the pod of that ordinal.
func (s *Set) Claim(template string, ordinal int) string {
	return fmt.Sprintf("%s-%s-%d", template, s.Name, ordinal)
}

// Created waits until the pod of that ordinal exists and is not terminating, and returns it. It is not a wait for readiness.
func (s *Set) Created(ctx context.Context, ordinal int) *history.Event {
	GinkgoHelper()
	return s.createdBut(ctx, ordinal, "")
}

// Replaced waits until the pod of that ordinal is another one than old, and returns it.
func (s *Set) Replaced(ctx context.Context, ordinal int, old types.UID) *history.Event {
	GinkgoHelper()
	return s.createdBut(ctx, ordinal, old)
}

func (s *Set) createdBut(ctx context.Context, ordinal int, old types.UID) *history.Event {
	GinkgoHelper()
	limit, what := s.NS.Settings.Limits.PodCreated, fmt.Sprintf("pod %s to be created", s.Pod(ordinal))
	if old != "" {
		limit, what = limit+s.NS.Settings.Limits.PodGone, fmt.Sprintf("pod %s to be replaced", s.Pod(ordinal))
	}
	var found *history.Event
	s.NS.Expect(ctx, limit, what, func(st *history.State) string {
		e := st.Get(history.Pods, s.Pod(ordinal))
		switch {
		case e == nil:
			return s.why(st, ordinal)
		case e.UID == old:
			return fmt.Sprintf("%s is still the pod of uid %s", e.Name, old)
		case e.Terminating():
			return e.Name + " is terminating"
		}
		found = e
		return ""
	})
	return found
}

// why says what may keep a pod from being created: the lowest predecessor that is not Ready, else the set itself.
func (s *Set) why(st *history.State, ordinal int) string {
	set := st.Get(history.Sets, s.Name)
	if set == nil {
		return fmt.Sprintf("%s does not exist, and neither does its set %s", s.Pod(ordinal), s.Name)
	}
	for n := int(set.Set.Start); n < ordinal; n++ {
		if why := readyPod(st, s.Pod(n)); why != "" {
			return fmt.Sprintf("%s does not exist; its predecessor: %s", s.Pod(ordinal), why)
		}
	}
	return fmt.Sprintf("%s does not exist, though every predecessor is Ready (the set: generation %d, observed %d, replicas %d, status.replicas %d)",
		s.Pod(ordinal), set.Generation, set.Set.Status.ObservedGeneration, set.Set.Replicas, set.Set.Status.Replicas)
}

// Running waits until the pod of that ordinal runs, Ready or not, and returns it.
func (s *Set) Running(ctx context.Context, ordinal int) *history.Event {
	GinkgoHelper()
	var found *history.Event
	s.NS.Expect(ctx, s.NS.Settings.Limits.PodReady, fmt.Sprintf("pod %s to run", s.Pod(ordinal)), func(st *history.State) string {
		e := st.Get(history.Pods, s.Pod(ordinal))
		if e == nil {
			return s.why(st, ordinal)
		}
		if e.Pod.Phase != corev1.PodRunning || e.Terminating() {
			return describe(e)
		}
		found = e
		return ""
	})
	return found
}

// AwaitReady waits until exactly the pods of the set's range exist, all Running and Ready, and the set's status says so.
func (s *Set) AwaitReady(ctx context.Context) {
	GinkgoHelper()
	l := s.NS.Settings.Limits
	s.NS.Expect(ctx, l.PodReady+l.StatusSettled, "all pods of "+s.Name+" to be Ready and its status to tell it", s.atRest)
}

// AwaitPodReady waits until the pod of that ordinal is Running and Ready, whatever the others are.
func (s *Set) AwaitPodReady(ctx context.Context, ordinal int) {
	GinkgoHelper()
	s.NS.Expect(ctx, s.NS.Settings.Limits.PodReady, fmt.Sprintf("pod %s to be Ready", s.Pod(ordinal)), func(st *history.State) string {
		return readyPod(st, s.Pod(ordinal))
	})
}

// AwaitReplicas waits as AwaitReady does, and until the set asks for that many replicas.
func (s *Set) AwaitReplicas(ctx context.Context, replicas int32) {
	GinkgoHelper()
	l := s.NS.Settings.Limits
	s.NS.Expect(ctx, l.PodReady+l.PodGone, fmt.Sprintf("%s to have exactly %d pods, all Ready", s.Name, replicas), s.wants(replicas))
}

func (s *Set) wants(replicas int32) func(*history.State) string {
	return func(st *history.State) string {
		if set := st.Get(history.Sets, s.Name); set == nil || set.Set.Replicas != replicas {
			return fmt.Sprintf("the set does not ask for %d replicas yet", replicas)
		}
		return s.atRest(st)
	}
}

// observed says whether the controller has seen the last change of the set's spec, as the set's status tells.
func (s *Set) observed(st *history.State) string {
	set := st.Get(history.Sets, s.Name)
	if set == nil {
		return "set " + s.Name + " does not exist"
	}
	if set.Generation < s.generation {
		return fmt.Sprintf("the recording has generation %d of %d", set.Generation, s.generation)
	}
	if set.Set.Status.ObservedGeneration < set.Generation {
		return fmt.Sprintf("the controller has observed generation %d of %d", set.Set.Status.ObservedGeneration, set.Generation)
	}
	return ""
}

func (s *Set) atRest(st *history.State) string {
	if why := s.observed(st); why != "" {
		return why
	}
	set := st.Get(history.Sets, s.Name)
	first, last := int(set.Set.Start), int(set.Set.Start+set.Set.Replicas)-1
	for n := first; n <= last; n++ {
		if why := readyPod(st, s.Pod(n)); why != "" {
			return why
		}
	}
	pods := st.PodsOf(s.UID)
	if len(pods) != last-first+1 {
		return fmt.Sprintf("there are %d pods, %d are wanted: %s", len(pods), last-first+1, names(pods))
	}
	if got := set.Set.Status; got.Ready != set.Set.Replicas || got.Replicas != set.Set.Replicas {
		return fmt.Sprintf("the status counts %d pods, %d Ready, of %d", got.Replicas, got.Ready, set.Set.Replicas)
	}
	return ""
}

func names(events []*history.Event) string {
	list := make([]string, 0, len(events))
	for _, e := range events {
		list = append(list, e.Name)
	}
	return strings.Join(list, ", ")
}

// AwaitUpdated waits until all pods are at the update revision, Ready, and the set's current revision has become it.
func (s *Set) AwaitUpdated(ctx context.Context) {
	GinkgoHelper()
	l := s.NS.Settings.Limits
	s.NS.Expect(ctx, 2*l.PodReady+l.PodGone, "the rollout of "+s.Name+" to be complete", func(st *history.State) string {
		if why := s.atRest(st); why != "" {
			return why
		}
		set := st.Get(history.Sets, s.Name).Set
		for _, p := range st.PodsOf(s.UID) {
			if got := p.Labels[appsv1.ControllerRevisionHashLabelKey]; got != set.Status.UpdateRevision {
				return fmt.Sprintf("%s is at revision %s, the update revision is %s", p.Name, got, set.Status.UpdateRevision)
			}
		}
		if set.Status.CurrentRevision != set.Status.UpdateRevision {
			return fmt.Sprintf("all pods are updated; status.currentRevision is still %s", set.Status.CurrentRevision)
		}
		return ""
	})
}

// AwaitGone waits until no pod of the name exists, or none of that UID if one is given.
func (s *Set) AwaitGone(ctx context.Context, ordinal int, uid types.UID) {
	GinkgoHelper()
	l := s.NS.Settings.Limits
	s.NS.Expect(ctx, l.PodGone+l.PodCreated, fmt.Sprintf("pod %s to be gone", s.Pod(ordinal)), func(st *history.State) string {
		if e := st.Get(history.Pods, s.Pod(ordinal)); e != nil && (uid == "" || e.UID == uid) {
			if e.Terminating() {
				return e.Name + " is terminating"
			}
			return e.Name + " exists and is not being deleted"
		}
		return ""
	})
}

// AwaitTerminating waits until the deletion of a pod has begun, or the pod is gone.
func (s *Set) AwaitTerminating(ctx context.Context, ordinal int) {
	GinkgoHelper()
	s.NS.Expect(ctx, s.NS.Settings.Limits.PodCreated, fmt.Sprintf("the deletion of pod %s to begin", s.Pod(ordinal)), func(st *history.State) string {
		if e := st.Get(history.Pods, s.Pod(ordinal)); e != nil && !e.Terminating() {
			return e.Name + " exists and is not being deleted"
		}
		return ""
	})
}

// Release opens the readiness gates of those pods, one after another, each as soon as its pod exists, and waits until each is
// Ready.
func (s *Set) Release(ctx context.Context, ordinals ...int) {
	GinkgoHelper()
	for _, n := range ordinals {
		e := s.Created(ctx, n)
		s.setGate(ctx, e, true)
		s.NS.Expect(ctx, s.NS.Settings.Limits.PodReady, fmt.Sprintf("the released pod %s to be Ready", e.Name), func(st *history.State) string {
			return readyPod(st, e.Name)
		})
	}
}

// ReleaseInTurn releases the pods of the whole range from the first ordinal to the last, waiting for each to exist.
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

// HoldKnown holds pods that are Ready, and waits until the set's status has told of it for longer than the controller's view may lag:
// what is done from then on cannot be excused by not having seen it.
func (s *Set) HoldKnown(ctx context.Context, ordinals ...int) {
	GinkgoHelper()
	ready := func(st *history.State) int32 { return st.Get(history.Sets, s.Name).Set.Status.Ready }
	var before int32
	s.NS.Expect(ctx, s.NS.Settings.Limits.StatusSettled, "the status to count the pods that are Ready", func(st *history.State) string {
		before = 0
		for _, p := range st.PodsOf(s.UID) {
			if readyPod(st, p.Name) == "" {
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
		return ""
	})
	s.passLag(ctx)
}

// DeleteKnown deletes a pod that is slow to stop, as a person does, and waits as HoldKnown does. It returns the UID that has to go.
func (s *Set) DeleteKnown(ctx context.Context, ordinal int) types.UID {
	GinkgoHelper()
	staying := func(st *history.State) int32 {
		status := st.Get(history.Sets, s.Name).Set.Status
		return status.Current + status.Updated
	}
	var before int32
	s.NS.View(func(st *history.State) { before = staying(st) })
	uid := s.NS.DeletePod(ctx, s.Pod(ordinal))
	s.NS.Expect(ctx, s.NS.Settings.Limits.StatusSettled, "the status to count the terminating pod no longer by its revision", func(st *history.State) string {
		if now := staying(st); now >= before {
			return fmt.Sprintf("currentReplicas and updatedReplicas are %d together, and were %d before", now, before)
		}
		return ""
	})
	s.passLag(ctx)
	return uid
}

func (s *Set) passLag(ctx context.Context) {
	GinkgoHelper()
	s.NS.letLagPass(ctx)
	Expect(ctx.Err()).NotTo(HaveOccurred())
}

func (s *Set) setGate(ctx context.Context, pod *history.Event, open bool) {
	GinkgoHelper()
	act, status, verb := history.VerbUnblockReadiness, corev1.ConditionTrue, "release"
	if !open {
		act, status, verb = history.VerbBlockReadiness, corev1.ConditionFalse, "hold"
	}
	s.NS.Mark(act, history.Pods, pod.Name, pod.UID, verb+" "+pod.Name)
	patch := fmt.Appendf(nil, `{"metadata":{"uid":%q},"status":{"conditions":[{"type":%q,"status":%q,"lastTransitionTime":%q}]}}`,
		pod.UID, Gate, status, metav1.Now().UTC().Format(time.RFC3339))
	_, err := s.NS.Client.CoreV1().Pods(s.NS.Name).Patch(ctx, pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	Expect(err).NotTo(HaveOccurred(), "%s %s: the suite needs the right to patch pods/status", verb, pod.Name)
}

// Exists is a condition for HoldStill: it tells when a pod of that ordinal is there.
func (s *Set) Exists(st *history.State, ordinal int) string {
	if e := st.Get(history.Pods, s.Pod(ordinal)); e != nil {
		return fmt.Sprintf("expected %s not to be created, found it at %s", e.Name, e.Ref())
	}
	return ""
}
