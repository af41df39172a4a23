package framework

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/recorder"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/fixtures"
)

// Controller is what has to bring about the end of a wait: a controller of the control plane, or a server that follows it.
type Controller struct {
	Name string
	// Busy says what others still have to do before it can act, "" for nothing.
	Busy func() string
	// Sign returns nil once it has been seen at work now, on something that nobody has asked of it before.
	Sign func(context.Context) error
	// urge is Sign after whatever may be needed to have it act: nil where it must need nothing. It takes the moment since which something is due.
	urge func(context.Context, time.Duration) error
}

// AwaitFrom waits as Await does, for what controllers have to bring about. Its error accuses them only as Overdue says.
func (ns *Namespace) AwaitFrom(ctx context.Context, limit time.Duration, what string, condition Condition, by ...Controller) error {
	return ns.overdueWait(ctx, ns.Await(ctx, limit, what, condition), ns.Now()-limit, condition, by)
}

// AwaitEachFrom is AwaitFrom for something that comes about step by step, as ExpectEach describes.
func (ns *Namespace) AwaitEachFrom(ctx context.Context, limit time.Duration, what string, condition Condition, done func(*history.State) int, by ...Controller) error {
	err := awaitEach(func(condition Condition) error { return ns.Await(ctx, limit, what, condition) }, condition, done)
	return ns.overdueWait(ctx, err, ns.Now()-limit, condition, by)
}

func (ns *Namespace) overdueWait(ctx context.Context, err error, since time.Duration, condition Condition, by []Controller) error {
	if _, timedOut := errors.AsType[*recorder.TimeoutError](err); !timedOut {
		return err
	}
	return ns.Overdue(ctx, err, since, func(ctx context.Context) error {
		return ns.Await(ctx, ns.Settings.Limits.Lag, "what is late", condition)
	}, by...)
}

// Overdue takes the error of a wait for something that is due since a moment, and says what it shows. A limit that has passed shows nothing: the cluster
// may be slow, or a controller away for a while. It returns an error made by Inconclusive where something else may still be in the way, where one of
// the controllers gives no sign of life, or where the wait would have ended after all, which still finds out again: no guarantee forbids what is
// late. It returns an accusing error where nothing but the controllers was left to act, and each proved by another act to be at work.
func (ns *Namespace) Overdue(ctx context.Context, err error, since time.Duration, still func(context.Context) error, by ...Controller) error {
	if err == nil || IsInconclusive(err) || ctx.Err() != nil {
		return err
	}
	if len(by) == 0 {
		return Inconclusive(fmt.Errorf("%w; but nobody in particular had to bring it about", err))
	}
	for _, c := range by {
		if why := c.Busy(); why != "" {
			return Inconclusive(fmt.Errorf("%w; but something else may be in the way: %s", err, why))
		}
	}
	var names []string
	for _, c := range by {
		names = append(names, c.Name)
		for _, sign := range []func(context.Context) error{c.Sign, func(ctx context.Context) error {
			if c.urge == nil {
				return nil
			}
			return c.urge(ctx, since)
		}} {
			if missing := sign(ctx); missing != nil {
				return Inconclusive(fmt.Errorf("%w; but nothing shows that %s was at work: %w", err, c.Name, missing))
			}
			if why := c.Busy(); why != "" {
				return Inconclusive(fmt.Errorf("%w; but something else may be in the way: %s", err, why))
			}
			if still(ctx) == nil {
				return Inconclusive(fmt.Errorf("%w; it came about later, which no guarantee forbids", err))
			}
		}
	}
	return fmt.Errorf("%w; nothing but %s was left to act, and acted otherwise meanwhile", err, strings.Join(names, " or "))
}

// recordOmission records a broken guarantee for a wait that had to end and did not, if nothing but the controller can be the reason.
func (ns *Namespace) recordOmission(ctx context.Context, late *recorder.TimeoutError, condition Condition, options []WaitOption) {
	GinkgoHelper()
	var due WaitOption
	for _, option := range options {
		due = option
	}
	by := due.by
	if len(by) == 0 {
		by = []Controller{ns.SetController()}
	}
	if due.id == "" || by[0].Busy() != "" {
		ns.showController(ctx)
		return
	}
	if err := ns.overdueWait(ctx, late, ns.Now()-late.Limit, condition, by); !IsInconclusive(err) {
		ns.VerifySet(due.set, due.id, err, "awaited %s", late.What)
	}
}

// SetController is the StatefulSet controller. Pods that are being started or stopped are for the scheduler, the kubelet or the spec.
func (ns *Namespace) SetController() Controller {
	return Controller{Name: "the StatefulSet controller", Busy: ns.PodInFlight, Sign: ns.probe, urge: func(ctx context.Context, since time.Duration) error {
		h, err := ns.Snapshot(ctx)
		if err != nil {
			return err
		}
		if judge.MayNeedSync(h, since) == "" {
			return nil // a change of the set would have it synced, but the controller must not need one
		}
		return ns.probeAfterSync(ctx)
	}}
}

// ShowController has the recording show whether the controller is running, where judges would convict it of an omission if they knew.
func (ns *Namespace) ShowController(ctx context.Context) {
	GinkgoHelper()
	if h, err := ns.Snapshot(ctx); err == nil && len(judge.Omissions(h)) > 0 {
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
	return ns.ProbeController(ctx, ns.free(history.Sets))
}

// TriggerSync changes an annotation of a set, which has the controller sync the set and changes nothing else.
func (ns *Namespace) TriggerSync(ctx context.Context, set string) error {
	_, err := ns.Annotate(ctx, set, history.Prefix+"touched", fmt.Sprintf("at-%d", ns.Now().Milliseconds()))
	return err
}

// Annotate gives a set an annotation and returns the set that the API server answered with.
func (ns *Namespace) Annotate(ctx context.Context, set, annotation, value string) (*appsv1.StatefulSet, error) {
	request := Request{Verb: history.VerbTouch, Resource: history.Sets, Name: set, Text: fmt.Sprintf("touch set %s: annotation %s", set, annotation)}
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, annotation, value)
	return Send(ns, request, func() (*appsv1.StatefulSet, error) {
		return ns.Client.AppsV1().StatefulSets(ns.Name).Patch(ctx, set, types.MergePatchType, patch, metav1.PatchOptions{})
	})
}

// PodInFlight names a pod that the kubelet, the scheduler or the spec still has to do something about, "" if there is none: a pod that
// terminates or is being started. One that waits for its readiness gate alone is as far as it gets by itself.
func (ns *Namespace) PodInFlight() string {
	var found string
	ns.View(func(s *history.State) {
		for _, p := range s.List(history.Pods) {
			switch {
			case p.Pod.Finished() && slices.Contains(p.Finalizers, runconfig.Finalizer): // only the spec's finalizer keeps it
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

// probeLabel marks the sets that only show whether the controller acts, which no failure of a spec is about.
const probeLabel = runconfig.Group + "/probe"

// probeSet returns a set of one pod that nothing has to precede.
func (ns *Namespace) probeSet(ctx context.Context, name string) *appsv1.StatefulSet {
	GinkgoHelper()
	for _, obj := range ns.Decode(ctx, fixtures.Set) {
		set, ok := obj.(*appsv1.StatefulSet)
		if !ok {
			continue
		}
		set.Name, set.Spec.ServiceName = name, name
		metav1.SetMetaDataLabel(&set.ObjectMeta, probeLabel, "controller")
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
