package framework

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/recorder"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/fixtures"
)

// Rest waits until all pods of the set are Ready, and then until nothing has happened in the namespace's sets and pods for as
// long as judges want before they speak of rest.
func (s *Set) Rest(ctx context.Context) {
	GinkgoHelper()
	s.AwaitReady(ctx)
	s.NS.Still(ctx)
}

// Still waits until nothing has happened to the namespace's sets and pods for as long as judges want before they speak of rest.
func (ns *Namespace) Still(ctx context.Context) {
	GinkgoHelper()
	length := judge.SettleTime(ns.History())
	// A margin, since judges ask for more than the length, not for the length itself.
	length += length / 20
	for until := ns.Now() + ns.Settings.Limits.StatusSettled + length; ns.Now() < until; {
		var seen string
		ns.View(func(st *history.State) { seen = versions(st) })
		left := length - (ns.Now() - ns.lastEvent())
		if left <= 0 {
			return
		}
		err := ns.Await(ctx, left, "nothing to happen", func(st *history.State) string {
			if versions(st) != seen {
				return ""
			}
			return "nothing has happened"
		})
		if _, quiet := errors.AsType[*recorder.TimeoutError](err); quiet {
			return
		}
		Expect(err).NotTo(HaveOccurred())
	}
	Fail(fmt.Sprintf("expected a stretch of %v in which nothing happens to the sets and pods of %s, found none in %v: "+
		"look for what changes them again and again (kubectl get pods,statefulsets -n %s -w)", length, ns.Name, ns.Settings.Limits.StatusSettled, ns.Name))
}

// lastEvent returns when something last happened to the namespace's sets and pods.
func (ns *Namespace) lastEvent() time.Duration {
	for _, e := range slices.Backward(ns.History().Events) {
		if e.Resource == history.Sets || e.Resource == history.Pods {
			return e.At
		}
	}
	return 0
}

// versions tells two states of the sets and pods apart.
func versions(st *history.State) string {
	var b strings.Builder
	for _, r := range []history.Resource{history.Sets, history.Pods} {
		for _, e := range st.List(r) {
			fmt.Fprintf(&b, "%s/%s ", e.UID, e.ResourceVersion)
		}
	}
	return b.String()
}

// StartPod starts a pod of that name made from fixtures/asker.yaml and the changes, and waits until it runs.
func (ns *Namespace) StartPod(ctx context.Context, name string, changes ...func(*corev1.Pod)) *history.Event {
	GinkgoHelper()
	for _, obj := range ns.decode(ctx, fixtures.Asker) {
		pod := obj.(*corev1.Pod)
		pod.Name = name
		for _, change := range changes {
			change(pod)
		}
		ns.Mark(history.VerbCreate, history.Pods, name, "", "create pod "+name)
		ns.Settings.Label(pod)
		_, err := ns.Client.CoreV1().Pods(ns.Name).Create(ctx, pod, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred(), "creating the pod %s", name)
	}
	ns.Expect(ctx, ns.Settings.Limits.PodReady, "pod "+name+" to run", func(st *history.State) string {
		if e := st.Get(history.Pods, name); e == nil || e.Pod.Phase != corev1.PodRunning {
			return "pod " + name + " does not run"
		}
		return ""
	})
	return ns.Pod(name)
}

// Labelled gives a pod the labels that a selector asks for.
func Labelled(selector map[string]string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Labels = selector }
}

// SelectingAs gives a set the selector of another one.
func SelectingAs(other *Set) Option {
	return func(s *appsv1.StatefulSet) {
		s.Spec.Selector.MatchLabels, s.Spec.Template.Labels = other.Selector, other.Selector
	}
}

// OtherController makes an object that can own others and is no set, and returns the reference by which it controls them.
func (ns *Namespace) OtherController(ctx context.Context) metav1.OwnerReference {
	GinkgoHelper()
	made := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "controller"}}
	ns.Settings.Label(made)
	owner, err := ns.Client.CoreV1().ConfigMaps(ns.Name).Create(ctx, made, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred(), "creating the object that stands for another controller")
	return metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: owner.Name, UID: owner.UID, Controller: new(true)}
}

// Owned gives a pod an owner.
func Owned(by metav1.OwnerReference) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.OwnerReferences = []metav1.OwnerReference{by} }
}

// VerifyLeftAlone verifies that pods which are not the set's to touch are still the same, in the same hands.
func (ns *Namespace) VerifyLeftAlone(id contract.ID, pods ...*history.Event) {
	GinkgoHelper()
	for _, pod := range pods {
		now := pod
		for _, e := range ns.History().Events {
			if e.Resource == history.Pods && e.UID == pod.UID {
				now = e
			}
		}
		if now.Pod.Is(corev1.DisruptionTarget) {
			ns.Check(id, history.Inconclusive, fmt.Sprintf("pod %s was evicted or preempted at %s, so that nobody can tell what the set would have done",
				now.Name, now.Ref()))
			continue
		}
		var err error
		switch {
		case now.Gone() || now.Terminating():
			err = fmt.Errorf("expected it to stay, found it deleted at %s: see the API server's audit log for who did it", now.Ref())
		case controllerOf(now) != controllerOf(pod):
			err = fmt.Errorf("expected the controller to stay the one of UID %q, found %q at %s", controllerOf(pod), controllerOf(now), now.Ref())
		}
		ns.Verify(id, err, "pod %s of UID %s, which is not the set's, is left alone", pod.Name, pod.UID)
	}
}

func controllerOf(e *history.Event) types.UID {
	if c := e.Controller(); c != nil {
		return c.UID
	}
	return ""
}
