package framework

import (
	"context"
	"fmt"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/recorder"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/fixtures"
)

// recordOmission records a broken guarantee for a wait that had to end and did not, if nothing but the controller can be the reason.
func (ns *Namespace) recordOmission(ctx context.Context, late *recorder.TimeoutError, condition Condition, options []WaitOption) {
	GinkgoHelper()
	var due contract.ID
	for _, option := range options {
		due = option.due
	}
	if due == "" || ns.podInFlight() != "" {
		ns.showController(ctx)
		return
	}
	began := ns.Now() - late.Limit
	for _, probe := range []func(context.Context) error{ns.probe, ns.probeAfterSync} {
		if probe(ctx) != nil || ns.podInFlight() != "" {
			return
		}
		if ns.Await(ctx, ns.Settings.Limits.Lag, late.What, condition) == nil {
			return // late, which no guarantee forbids
		}
		h, err := ns.Snapshot(ctx)
		if err != nil {
			return
		}
		if judge.MayNeedSync(h, began) == "" {
			break // a change of the set would have it synced, but the controller must not need one
		}
	}
	ns.Verify(due, fmt.Errorf("found: %s; nothing but the controller was left to act, and it acted for another set meanwhile", late.Found),
		"expected %s within %v", late.What, late.Limit)
}

// ShowController has the recording show whether the controller is running, where judges would convict it of an omission if they knew.
func (ns *Namespace) ShowController(ctx context.Context) {
	GinkgoHelper()
	if h, err := ns.Snapshot(ctx); err == nil && judge.LacksSignOfLife(h) {
		ns.showController(ctx)
	}
}

// showController has the recording show whether the controller is running, without which judges convict nobody of an omission.
func (ns *Namespace) showController(ctx context.Context) {
	GinkgoHelper()
	ctx, cancel := context.WithTimeout(ctx, ns.Settings.Limits.PodCreated)
	defer cancel()
	if ns.probeAfterSync(ctx) == nil {
		ns.AwaitLag(ctx)
	}
}

// probeAfterSync has every set synced, and waits until the controller, which must have seen that, has acted for another set. It returns an error where
// it does not. The controller may have missed an event, or a set be in its workqueue's back-off: a change of the set triggers a sync.
func (ns *Namespace) probeAfterSync(ctx context.Context) error {
	GinkgoHelper()
	var sets []string
	ns.View(func(s *history.State) {
		for _, e := range s.List(history.Sets) {
			sets = append(sets, e.Name)
		}
	})
	for _, name := range sets {
		if err := ns.TriggerSync(ctx, name); err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	ns.AwaitLag(ctx)
	return ns.probe(ctx)
}

// probe waits until the controller has acted for a new set. It returns an error where it does not.
func (ns *Namespace) probe(ctx context.Context) error {
	GinkgoHelper()
	name := "probe"
	ns.View(func(s *history.State) {
		for n := 2; s.Get(history.Sets, name) != nil; n++ {
			name = fmt.Sprintf("probe-%d", n)
		}
	})
	return ns.ProbeController(ctx, name)
}

// TriggerSync changes an annotation of a set, which has the controller sync the set and changes nothing else.
func (ns *Namespace) TriggerSync(ctx context.Context, set string) error {
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:"at-%d"}}}`, history.Prefix+"touched", ns.Now().Milliseconds())
	_, err := Send(ns, Request{Verb: history.VerbTouch, Resource: history.Sets, Name: set, Text: "touch set " + set}, func() (*appsv1.StatefulSet, error) {
		return ns.Client.AppsV1().StatefulSets(ns.Name).Patch(ctx, set, types.MergePatchType, patch, metav1.PatchOptions{})
	})
	return err
}

// podInFlight names a pod that the kubelet, the scheduler or the spec still has to do something about, "" if there is none: a pod that
// terminates or is being started. One that waits for its readiness gate alone is as far as it gets by itself.
func (ns *Namespace) podInFlight() string {
	var found string
	ns.View(func(s *history.State) {
		for _, p := range s.List(history.Pods) {
			ended := p.Pod.Phase == corev1.PodSucceeded || p.Pod.Phase == corev1.PodFailed
			switch {
			case ended && slices.Contains(p.Finalizers, runconfig.Finalizer): // only the spec's finalizer keeps it
			case p.Terminating(), p.Pod.Phase == corev1.PodPending:
				found = DescribePod(p)
			case p.Pod.Phase == corev1.PodRunning && !p.Pod.Is(corev1.ContainersReady):
				found = DescribePod(p)
			}
		}
	})
	return found
}

// ProbeController waits until the controller has acted for a new set of that name, and returns an error where it does not. The set's
// status counts the pod only when the controller's informer cache holds that pod, and with it every earlier event of pods.
func (ns *Namespace) ProbeController(ctx context.Context, name string) error {
	GinkgoHelper()
	probe := ns.probeSet(ctx, name)
	create := Request{Verb: history.VerbCreate, Resource: history.Sets, Name: name, Text: fmt.Sprintf("create set %s, to see whether its controller acts", name)}
	_, err := Send(ns, create, func() (*appsv1.StatefulSet, error) {
		return ns.Client.AppsV1().StatefulSets(ns.Name).Create(ctx, probe, metav1.CreateOptions{})
	})
	if err != nil {
		return err
	}
	l := ns.Settings.Limits
	return ns.Await(ctx, l.PodCreated+l.PodReady, "the controller to act for another set", func(s *history.State) string {
		e := s.Get(history.Sets, name)
		if e == nil || e.Set.Status.Replicas != 1 {
			return fmt.Sprintf("the status of set %s does not count its pod", name)
		}
		return PodReady(name + "-0")(s)
	})
}

// probeSet returns a set of one pod that nothing has to precede.
func (ns *Namespace) probeSet(ctx context.Context, name string) *appsv1.StatefulSet {
	GinkgoHelper()
	for _, obj := range ns.Decode(ctx, fixtures.Set) {
		set, ok := obj.(*appsv1.StatefulSet)
		if !ok {
			continue
		}
		set.Name, set.Spec.ServiceName = name, name
		set.Spec.Selector.MatchLabels = map[string]string{"app": name}
		metav1.SetMetaDataLabel(&set.Spec.Template.ObjectMeta, "app", name)
		set.Spec.Replicas = new(int32(1))
		set.Spec.PodManagementPolicy = appsv1.ParallelPodManagement
		ns.Settings.Label(set)
		return set
	}
	Fail("fixtures/" + fixtures.Set + " holds no StatefulSet")
	return nil
}
