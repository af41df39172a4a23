package statefulset

import (
	"context"
	"fmt"
	"maps"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// AwaitCreated waits until the pod of that ordinal exists and is not terminating, and returns it. It is not a wait for readiness.
func (s *Set) AwaitCreated(ctx context.Context, ordinal int, options ...framework.WaitOption) *history.Event {
	GinkgoHelper()
	return s.awaitCreatedAfter(ctx, ordinal, "", options)
}

// AwaitReplaced waits until the pod of that ordinal is another one than old, and returns it.
func (s *Set) AwaitReplaced(ctx context.Context, ordinal int, old types.UID, options ...framework.WaitOption) *history.Event {
	GinkgoHelper()
	return s.awaitCreatedAfter(ctx, ordinal, old, options)
}

func (s *Set) awaitCreatedAfter(ctx context.Context, ordinal int, old types.UID, options []framework.WaitOption) *history.Event {
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
			return s.whyNotCreated(st, ordinal)
		case e.UID == old:
			return fmt.Sprintf("%s is still the pod of uid %s", e.Name, old)
		case e.Terminating():
			return e.Name + " is terminating"
		}
		found = e
		return ""
	}, s.of(options)...)
	return found
}

// AwaitOneReplaced waits until the pod of one of those ordinals is another one than its old one, and returns that ordinal.
func (s *Set) AwaitOneReplaced(ctx context.Context, old map[int]types.UID, options ...framework.WaitOption) int {
	GinkgoHelper()
	ordinals := slices.Sorted(maps.Keys(old))
	l := s.NS.Settings.Limits
	found := -1
	s.NS.Expect(ctx, l.PodCreated+l.PodGone, fmt.Sprintf("one of the pods %v of %s to be replaced", ordinals, s.Name), func(st *history.State) string {
		for _, n := range ordinals {
			if e := st.Get(history.Pods, s.Pod(n)); e != nil && e.UID != old[n] && !e.Terminating() {
				found = n
				return ""
			}
		}
		return "none is"
	}, s.of(options)...)
	return found
}

// whyNotCreated says what may keep a pod from being created: the lowest predecessor that is not Ready, else the set itself.
func (s *Set) whyNotCreated(st *history.State, ordinal int) string {
	set := st.Get(history.Sets, s.Name)
	if set == nil {
		return fmt.Sprintf("%s does not exist, and neither does its set %s", s.Pod(ordinal), s.Name)
	}
	for n := int(set.Set.Start); n < ordinal; n++ {
		if why := framework.PodReady(s.Pod(n))(st); why != "" {
			return fmt.Sprintf("%s does not exist; its predecessor: %s", s.Pod(ordinal), why)
		}
	}
	return fmt.Sprintf("%s does not exist, though every predecessor is Ready (the set: generation %d, observed %d, replicas %d, status.replicas %d)",
		s.Pod(ordinal), set.Generation, set.Set.Status.ObservedGeneration, set.Set.Replicas, set.Set.Status.Replicas)
}

// AwaitRunning waits until the pod of that ordinal runs, Ready or not, and returns it.
func (s *Set) AwaitRunning(ctx context.Context, ordinal int, options ...framework.WaitOption) *history.Event {
	GinkgoHelper()
	var found *history.Event
	s.NS.Expect(ctx, s.NS.Settings.Limits.PodReady, fmt.Sprintf("pod %s to run", s.Pod(ordinal)), func(st *history.State) string {
		e := st.Get(history.Pods, s.Pod(ordinal))
		if e == nil {
			return s.whyNotCreated(st, ordinal)
		}
		if e.Pod.Phase != corev1.PodRunning || e.Terminating() {
			return framework.DescribePod(e)
		}
		found = e
		return ""
	}, s.of(options)...)
	return found
}

// AwaitFinished waits until the phase of the pod of that ordinal is Failed or Succeeded.
func (s *Set) AwaitFinished(ctx context.Context, ordinal int) {
	GinkgoHelper()
	s.NS.Expect(ctx, s.NS.Settings.Limits.PodGone, fmt.Sprintf("pod %s to have finished", s.Pod(ordinal)), func(st *history.State) string {
		e := st.Get(history.Pods, s.Pod(ordinal))
		switch {
		case e == nil:
			return s.Pod(ordinal) + " does not exist"
		case !e.Pod.Finished():
			return framework.DescribePod(e)
		}
		return ""
	})
}

// AwaitPodReady waits until the pod of that ordinal is Running and Ready, whatever the others are.
func (s *Set) AwaitPodReady(ctx context.Context, ordinal int) {
	GinkgoHelper()
	s.NS.Expect(ctx, s.NS.Settings.Limits.PodReady, fmt.Sprintf("pod %s to be Ready", s.Pod(ordinal)), framework.PodReady(s.Pod(ordinal)))
}

// AwaitGone waits until no pod of the name exists, or none of that UID if one is given.
func (s *Set) AwaitGone(ctx context.Context, ordinal int, uid types.UID, options ...framework.WaitOption) {
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
	}, s.of(options)...)
}

// AwaitTerminating waits until the deletion of a pod has begun, or the pod is gone.
func (s *Set) AwaitTerminating(ctx context.Context, ordinal int, options ...framework.WaitOption) {
	GinkgoHelper()
	s.NS.Expect(ctx, s.NS.Settings.Limits.PodCreated, fmt.Sprintf("the deletion of pod %s to begin", s.Pod(ordinal)), func(st *history.State) string {
		if e := st.Get(history.Pods, s.Pod(ordinal)); e != nil && !e.Terminating() {
			return e.Name + " exists and is not being deleted"
		}
		return ""
	}, s.of(options)...)
}

// AwaitDeletionOnLostNode waits until the pods of those ordinals have a deletionTimestamp, as the taint eviction controller gives them when
// their node is unreachable.
func (s *Set) AwaitDeletionOnLostNode(ctx context.Context, ordinals ...int) {
	GinkgoHelper()
	s.NS.Expect(ctx, s.NS.Settings.Limits.NodeLost, fmt.Sprintf("the pods of %s to be marked for deletion", s.Name), func(st *history.State) string {
		for _, n := range ordinals {
			if e := st.Get(history.Pods, s.Pod(n)); e != nil && !e.Terminating() {
				return e.Name + " exists and is not being deleted"
			}
		}
		return ""
	})
}

// AwaitNoPods waits until no pod of the set is left.
func (s *Set) AwaitNoPods(ctx context.Context) {
	GinkgoHelper()
	l := s.NS.Settings.Limits
	s.NS.Expect(ctx, l.PodGone+l.Collected, "all pods of "+s.Name+" to be gone", s.NoPods())
}

// NoPods is met where no pod of the set is left.
func (s *Set) NoPods() framework.Condition {
	return func(st *history.State) string {
		if pods := st.PodsOf(s.UID); len(pods) > 0 {
			return "still there: " + names(pods)
		}
		return ""
	}
}

// AwaitRestarted waits until a container of that very pod has been restarted and the pod is Ready again, or it is another pod,
// which judges decide on.
func (s *Set) AwaitRestarted(ctx context.Context, old *history.Event, options ...framework.WaitOption) {
	GinkgoHelper()
	s.NS.Expect(ctx, s.NS.Settings.Limits.PodReady, "a container of pod "+old.Name+" to be restarted", func(st *history.State) string {
		e := st.Get(history.Pods, old.Name)
		if e != nil && e.UID == old.UID && e.Pod.Restarts() <= old.Pod.Restarts() {
			return fmt.Sprintf("pod %s counts %d restarts", e.Name, e.Pod.Restarts())
		}
		return framework.PodReady(old.Name)(st)
	}, s.of(options)...)
}

// AwaitCrashLoop waits until a container of that very pod has crashed again and is in CrashLoopBackOff, or it is another pod, which
// judges decide on.
func (s *Set) AwaitCrashLoop(ctx context.Context, old *history.Event) {
	GinkgoHelper()
	s.NS.Expect(ctx, s.NS.Settings.Limits.PodReady, "a container of pod "+old.Name+" to crash again", func(st *history.State) string {
		e := st.Get(history.Pods, old.Name)
		backOff := func(c history.Container) bool {
			return c.State == history.ContainerWaiting && c.Reason == "CrashLoopBackOff"
		}
		if e != nil && e.UID == old.UID && !e.Terminating() && e.Pod.Restarts() < old.Pod.Restarts()+2 && !slices.ContainsFunc(e.Pod.Containers, backOff) {
			return framework.DescribePod(e)
		}
		return ""
	})
}

// AwaitReleased waits until the set is not the controller of a pod any more, or the pod is gone.
func (s *Set) AwaitReleased(ctx context.Context, ordinal int, uid types.UID, options ...framework.WaitOption) {
	GinkgoHelper()
	s.NS.Expect(ctx, s.NS.Settings.Limits.PodCreated, fmt.Sprintf("pod %s to be released", s.Pod(ordinal)), func(st *history.State) string {
		if e := st.Get(history.Pods, s.Pod(ordinal)); e != nil && e.UID == uid && e.ControllerUID() == s.UID {
			return "pod " + e.Name + " still belongs to the set"
		}
		return ""
	}, s.of(options)...)
}

// AwaitAdopted waits until the set is the controller of a pod.
func (s *Set) AwaitAdopted(ctx context.Context, pod *history.Event, options ...framework.WaitOption) {
	GinkgoHelper()
	s.NS.Expect(ctx, s.NS.Settings.Limits.PodCreated, fmt.Sprintf("pod %s to be adopted", pod.Name), func(st *history.State) string {
		if e := st.Get(history.Pods, pod.Name); e == nil || e.UID != pod.UID || e.ControllerUID() != s.UID {
			return "pod " + pod.Name + " does not belong to the set"
		}
		return ""
	}, s.of(options)...)
}

// AwaitLabel waits until the pod of that ordinal has that value of a label.
func (s *Set) AwaitLabel(ctx context.Context, ordinal int, key, value string, options ...framework.WaitOption) {
	GinkgoHelper()
	s.NS.Expect(ctx, s.NS.Settings.Limits.PodCreated, fmt.Sprintf("pod %s to have the label %s=%s", s.Pod(ordinal), key, value), func(st *history.State) string {
		if e := st.Get(history.Pods, s.Pod(ordinal)); e == nil || e.Labels[key] != value {
			return "it has not"
		}
		return ""
	}, s.of(options)...)
}

// VerifyEndpoint waits until the EndpointSlices of a service list the pod of that ordinal, whatever they say of it, or the pod has stopped. That they do not
// breaks the guarantee; that they do shows nothing of what they say.
func (s *Set) VerifyEndpoint(ctx context.Context, id contract.ID, service string, ordinal int) {
	GinkgoHelper()
	pod := s.NS.Pod(s.Pod(ordinal))
	err := s.NS.AwaitFrom(ctx, s.NS.Settings.Limits.DNSFollows, fmt.Sprintf("service %s to have the endpoint of %s", service, pod.Name), func(st *history.State) string {
		if now := st.Get(history.Pods, pod.Name); now == nil || now.UID != pod.UID || now.Pod.Stopped() {
			return ""
		}
		if !lists(st.List(history.Slices), service, pod.UID) {
			return "it has none"
		}
		return ""
	}, s.NS.EndpointSlices())
	if err != nil {
		s.verifyInTime(ctx, id, err, "service %s has the endpoint of %s", service, pod.Name)
	}
}

// VerifyNoEndpoint verifies that in time the EndpointSlices of the set's service list the pod no more that has that UID, and had the ordinal. Those of others
// than the endpoint slice controller may lag behind it.
func (s *Set) VerifyNoEndpoint(ctx context.Context, id contract.ID, ordinal int, uid types.UID) {
	GinkgoHelper()
	err := s.NS.AwaitFrom(ctx, s.NS.Settings.Limits.DNSFollows, fmt.Sprintf("service %s to have no endpoint of %s", s.Service, s.Pod(ordinal)), func(st *history.State) string {
		managed := slices.DeleteFunc(slices.Clone(st.List(history.Slices)), func(e *history.Event) bool { return !judge.ManagedByController(e) })
		if lists(managed, s.Service, uid) {
			return "it has one"
		}
		return ""
	}, s.NS.EndpointSlices())
	s.verifyInTime(ctx, id, err, "service %s, which does not select %s any more, has no endpoint of it", s.Service, s.Pod(ordinal))
}

// lists reports whether one of some EndpointSlices is of a service and lists the pod of that UID.
func lists(all []*history.Event, service string, uid types.UID) bool {
	return slices.ContainsFunc(all, func(e *history.Event) bool {
		return e.Slice.Service == service && slices.ContainsFunc(e.Slice.Endpoints, func(p history.Endpoint) bool { return p.TargetUID == uid })
	})
}
