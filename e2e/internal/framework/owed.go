package framework

import (
	"context"
	"errors"
	"fmt"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/recorder"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

type owedKey struct{}

// Owed returns a context for waits whose end the controller owes under a guarantee. What does not come within its limit leaves the
// guarantee undecided as a rule, since the cluster may be slow; it breaks the guarantee where only the controller is left to act and
// shows, by what it does for another set, that it is awake and sees.
func Owed(ctx context.Context, id contract.ID) context.Context {
	return context.WithValue(ctx, owedKey{}, id)
}

// claim records a broken guarantee for a wait that was owed and did not end, if nobody but the controller can be the reason.
func (ns *Namespace) claim(ctx context.Context, err error, cond func(*history.State) string) {
	GinkgoHelper()
	id, owed := ctx.Value(owedKey{}).(contract.ID)
	var late *recorder.TimeoutError
	if !errors.As(err, &late) {
		return
	}
	if !owed || ns.inFlight() != "" {
		ns.showController(ctx)
		return
	}
	// The controller may have missed an event, or hold back after errors: a touch of the set has it look again.
	var sets []string
	ns.View(func(s *history.State) {
		for _, e := range s.List(history.Sets) {
			sets = append(sets, e.Name)
		}
	})
	for _, name := range sets {
		ns.Mark(history.VerbOther, history.Sets, name, "", "touch set "+name)
		if err := ns.wake(ctx, name); err != nil {
			return
		}
	}
	if ns.awaken(ctx, "probe") != nil || ns.inFlight() != "" {
		return
	}
	if ns.Await(ctx, ns.Settings.Limits.Lag, late.What, cond) == nil {
		return // it needed the touch: late, which no guarantee forbids
	}
	ns.Verify(id, fmt.Errorf("found: %s; nothing but the controller was left to act, and it acted for another set meanwhile", late.Found),
		"expected %s within %v", late.What, late.Limit)
}

// showController has the recording show whether the controller is there, without which judges accuse nobody of what did not happen.
func (ns *Namespace) showController(ctx context.Context) {
	GinkgoHelper()
	l := ns.Settings.Limits
	ctx, cancel := context.WithTimeout(ctx, l.PodCreated)
	defer cancel()
	if ns.awaken(ctx, "probe") == nil {
		ns.letLagPass(ctx)
	}
}

// letLagPass waits for nothing but time: the one thing that an excuse depends on.
func (ns *Namespace) letLagPass(ctx context.Context) {
	lag := ns.Settings.Limits.Lag
	_ = ns.Await(ctx, lag+lag/4, "the lag to pass", func(*history.State) string { return "it has not" })
}

// wake has the controller look at a set, of which nothing that matters changes.
func (ns *Namespace) wake(ctx context.Context, set string) error {
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:"at-%d"}}}`, history.Prefix+"touched", ns.Now().Milliseconds())
	_, err := ns.Client.AppsV1().StatefulSets(ns.Name).Patch(ctx, set, types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}

// inFlight names a pod that somebody else than the controller still has to do something about, "" if there is none: a pod that ends
// or is being started. One that waits for its readiness gate alone is as far as it comes by itself.
func (ns *Namespace) inFlight() string {
	var found string
	ns.View(func(s *history.State) {
		for _, p := range s.List(history.Pods) {
			kept := slices.Contains(p.Finalizers, runconfig.Finalizer) && (p.Pod.Phase == corev1.PodSucceeded || p.Pod.Phase == corev1.PodFailed)
			switch {
			case kept: // it stays for the spec alone
			case p.Terminating(), p.Pod.Phase == corev1.PodPending:
				found = describe(p)
			case p.Pod.Phase == corev1.PodRunning && !p.Pod.Is(corev1.ContainersReady):
				found = describe(p)
			}
		}
	})
	return found
}

// awaken has the controller act for a new set of that name: its status counts the pod only when the controller has seen that pod, and
// with it every earlier event of pods.
func (ns *Namespace) awaken(ctx context.Context, name string) error {
	GinkgoHelper()
	o := Manifest(ctx, ns, Named(name), Replicas(1), Parallel())
	ns.Settings.Label(o)
	ns.Mark(history.VerbCreate, history.Sets, o.Name, "", fmt.Sprintf("create set %s, to see whether its controller acts", name))
	if _, err := ns.Client.AppsV1().StatefulSets(ns.Name).Create(ctx, o, metav1.CreateOptions{}); err != nil {
		return err
	}
	l := ns.Settings.Limits
	return ns.Await(ctx, l.PodCreated+l.PodReady, "the controller to act for another set", func(s *history.State) string {
		e := s.Get(history.Sets, o.Name)
		if e == nil || e.Set.Status.Replicas != 1 {
			return fmt.Sprintf("the status of set %s does not count its pod", name)
		}
		return readyPod(s, o.Name+"-0")
	})
}
