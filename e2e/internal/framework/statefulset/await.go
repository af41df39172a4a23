package statefulset

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// AwaitReady waits until exactly the pods of the set's range exist, all Running and Ready, and the set's status says so.
func (s *Set) AwaitReady(ctx context.Context, options ...framework.WaitOption) {
	GinkgoHelper()
	l := s.NS.Settings.Limits
	s.NS.ExpectEach(ctx, l.PodReady+l.StatusSettled, "all pods of "+s.Name+" to be Ready and its status to show it", s.allReady, s.ready, s.of(options)...)
}

// AwaitQuiescent waits until all pods of the set are Ready, and then as AwaitQuiescent of its namespace does.
func (s *Set) AwaitQuiescent(ctx context.Context) {
	GinkgoHelper()
	s.AwaitReady(ctx)
	s.NS.AwaitQuiescent(ctx)
}

// AwaitAvailable waits until all pods of the set's range are Ready and its status counts them all as available.
func (s *Set) AwaitAvailable(ctx context.Context, options ...framework.WaitOption) {
	GinkgoHelper()
	l := s.NS.Settings.Limits
	s.NS.ExpectEach(ctx, l.PodReady+l.StatusSettled, "all pods of "+s.Name+" to be available", func(st *history.State) string {
		if why := s.allReady(st); why != "" {
			return why
		}
		if set := st.Get(history.Sets, s.Name).Set; set.Status.Available != set.Replicas {
			return fmt.Sprintf("the status counts %d available pods of %d", set.Status.Available, set.Replicas)
		}
		return ""
	}, s.ready, s.of(options)...)
}

// AwaitReplicas waits as AwaitReady does, and until the set asks for that many replicas.
func (s *Set) AwaitReplicas(ctx context.Context, replicas int32, options ...framework.WaitOption) {
	GinkgoHelper()
	l := s.NS.Settings.Limits
	s.NS.ExpectEach(ctx, l.PodReady+l.PodGone, s.haveReplicas(replicas), s.hasReplicas(replicas), s.rescaled(), s.of(options)...)
}

func (s *Set) haveReplicas(replicas int32) string {
	return fmt.Sprintf("%s to have exactly %d pods, all Ready", s.Name, replicas)
}

// rescaled counts the steps of a scale up or down.
func (s *Set) rescaled() func(*history.State) int {
	most := 0
	return func(st *history.State) int {
		// Scaled down, each pod that goes is a step. It was Ready, as a rule, so that it has to count for more than that.
		there := len(st.PodsOf(s.UID))
		most = max(most, there)
		return 2*(most-there) + s.ready(st)
	}
}

// AwaitUpdated waits until all pods are at the update revision, Ready, and the set's current revision has become it.
func (s *Set) AwaitUpdated(ctx context.Context, options ...framework.WaitOption) {
	GinkgoHelper()
	l := s.NS.Settings.Limits
	s.NS.ExpectEach(ctx, 2*l.PodReady+l.PodGone, "the rollout of "+s.Name+" to be complete", s.rolledOut, s.updated, s.of(options)...)
}

// Settled is met where exactly the pods of that many replicas exist, all Ready and at the update revision, and the status says so.
func (s *Set) Settled(replicas int32) framework.Condition {
	return framework.AllOf(s.hasReplicas(replicas), s.rolledOut)
}

// AwaitUpdatedFrom waits until all pods are Ready and those from that ordinal on are at the update revision.
func (s *Set) AwaitUpdatedFrom(ctx context.Context, ordinal int, options ...framework.WaitOption) {
	GinkgoHelper()
	l := s.NS.Settings.Limits
	s.NS.ExpectEach(ctx, 2*l.PodReady+l.PodGone, fmt.Sprintf("the pods of %s from ordinal %d on to be updated", s.Name, ordinal), func(st *history.State) string {
		if why := s.allReady(st); why != "" {
			return why
		}
		want := st.Get(history.Sets, s.Name).Set.Status.UpdateRevision
		for _, p := range st.PodsOf(s.UID) {
			if got := p.Labels[appsv1.ControllerRevisionHashLabelKey]; history.Ordinal(p.Name) >= ordinal && got != want {
				return fmt.Sprintf("%s is at revision %s, the update revision is %s", p.Name, got, want)
			}
		}
		return ""
	}, s.updated, s.of(options)...)
}

// ready counts the set's pods that are Ready, since an ordered set gets them one after another.
func (s *Set) ready(st *history.State) int {
	n := 0
	for _, p := range st.PodsOf(s.UID) {
		if framework.PodReady(p.Name)(st) == "" {
			n++
		}
	}
	return n
}

// updated counts those of them that are at the update revision.
func (s *Set) updated(st *history.State) int {
	set, n := st.Get(history.Sets, s.Name), 0
	for _, p := range st.PodsOf(s.UID) {
		if set != nil && p.Labels[appsv1.ControllerRevisionHashLabelKey] == set.Set.Status.UpdateRevision && framework.PodReady(p.Name)(st) == "" {
			n++
		}
	}
	return n
}

// AwaitObserved waits until observedGeneration is the generation of the spec's last change.
func (s *Set) AwaitObserved(ctx context.Context, options ...framework.WaitOption) {
	GinkgoHelper()
	s.NS.Expect(ctx, s.NS.Settings.Limits.StatusSettled, "the controller to observe the last change of "+s.Name, s.observed, s.of(options)...)
}

// AwaitCounted waits until the status has observed the last change of the set and counts its pods, and those of them that are Ready, whether there are more or
// fewer than it asks for, or the set is gone.
func (s *Set) AwaitCounted(ctx context.Context, options ...framework.WaitOption) {
	GinkgoHelper()
	s.NS.Expect(ctx, s.NS.Settings.Limits.StatusSettled, "the status of "+s.Name+" to count its pods", func(st *history.State) string {
		if s.deleted(st) == "" {
			return ""
		}
		if why := s.observed(st); why != "" {
			return why
		}
		pods, ready := st.PodsOf(s.UID), int32(0)
		for _, p := range pods {
			if p.Pod.RunningAndReady() {
				ready++
			}
		}
		if got := st.Get(history.Sets, s.Name).Set.Status; int(got.Replicas) != len(pods) || got.Ready != ready {
			return fmt.Sprintf("the status counts %d pods of %d, and %d Ready ones of %d", got.Replicas, len(pods), got.Ready, ready)
		}
		return ""
	}, s.of(options)...)
}

// AwaitRevisions waits until no more than that many revisions of the set are left.
func (s *Set) AwaitRevisions(ctx context.Context, most int, options ...framework.WaitOption) {
	GinkgoHelper()
	s.NS.Expect(ctx, s.NS.Settings.Limits.Collected, fmt.Sprintf("no more than %d revisions of %s to be left", most, s.Name), func(st *history.State) string {
		if kept := s.revisions(st); len(kept) > most {
			return fmt.Sprintf("there are %d: %s", len(kept), names(kept))
		}
		return ""
	}, s.of(options)...)
}

// AwaitUpdateRevision waits until the controller has observed the last change of the set and its update revision is recorded, which a watch
// of its own delivers, and returns that revision.
func (s *Set) AwaitUpdateRevision(ctx context.Context) *history.Event {
	GinkgoHelper()
	var revision *history.Event
	s.NS.Expect(ctx, s.NS.Settings.Limits.StatusSettled, "the update revision of "+s.Name+" to be recorded", func(st *history.State) string {
		if why := s.observed(st); why != "" {
			return why
		}
		name := st.Get(history.Sets, s.Name).Set.Status.UpdateRevision
		if revision = st.Get(history.Revisions, name); revision == nil {
			return "revision " + name + " is not recorded yet"
		}
		return ""
	})
	return revision
}

// revisions returns the set's controller revisions.
func (s *Set) revisions(st *history.State) []*history.Event {
	var kept []*history.Event
	for _, e := range st.List(history.Revisions) {
		if e.ControllerUID() == s.UID {
			kept = append(kept, e)
		}
	}
	return kept
}

// AwaitNothingLeft waits until the namespace holds nothing of the set: no pod, claim, revision, service or set.
func (s *Set) AwaitNothingLeft(ctx context.Context) {
	GinkgoHelper()
	selector := labels.SelectorFromSet(s.Selector)
	s.NS.Expect(ctx, s.NS.Settings.Limits.Collected, "nothing of "+s.Name+" to be left", func(st *history.State) string {
		for _, r := range history.Resources() {
			for _, e := range st.List(r) {
				if e.Name == s.Name || e.Name == s.Service || selector.Matches(labels.Set(e.Labels)) {
					return fmt.Sprintf("%s %s is still there (terminating: %t, finalizers %v)", r, e.Name, e.Terminating(), e.Finalizers)
				}
			}
		}
		return ""
	})
}

// hasReplicas is met where allReady is and the set asks for that many replicas.
func (s *Set) hasReplicas(replicas int32) framework.Condition {
	return func(st *history.State) string {
		if set := st.Get(history.Sets, s.Name); set == nil || set.Set.Replicas != replicas {
			return fmt.Sprintf("the set does not ask for %d replicas yet", replicas)
		}
		return s.allReady(st)
	}
}

// rolledOut is met where allReady is, all pods are at the update revision, and the set's current revision has become it.
func (s *Set) rolledOut(st *history.State) string {
	if why := s.allReady(st); why != "" {
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
}

// observed is met where observedGeneration is the set's generation, and that is not older than the spec's last change.
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

// allReady is met where exactly the pods of the set's range exist, all Ready, and the set's status counts them.
func (s *Set) allReady(st *history.State) string {
	if why := s.observed(st); why != "" {
		return why
	}
	set := st.Get(history.Sets, s.Name)
	first, last := int(set.Set.Start), int(set.Set.Start+set.Set.Replicas)-1
	for n := first; n <= last; n++ {
		if why := framework.PodReady(s.Pod(n))(st); why != "" {
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
