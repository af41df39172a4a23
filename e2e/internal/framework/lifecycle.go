package framework

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	toolswatch "k8s.io/client-go/tools/watch"
	"k8s.io/client-go/util/exec"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// Fail lets the kubelet fail a pod: it may run no longer than a second since it started. It returns the UID that has to go.
func (s *Set) Fail(ctx context.Context, ordinal int) types.UID {
	GinkgoHelper()
	return s.patchPod(ctx, ordinal, "let it fail: activeDeadlineSeconds 1", `"spec":{"activeDeadlineSeconds":1}`)
}

// Relabel gives a pod other labels and returns its UID.
func (s *Set) Relabel(ctx context.Context, ordinal int, key, value string) types.UID {
	GinkgoHelper()
	return s.patchPod(ctx, ordinal, fmt.Sprintf("label %s=%s", key, value), fmt.Sprintf(`"metadata":{"labels":{%q:%q}}`, key, value))
}

// Keep has a pod, once it is deleted, stay until it is let go of, however soon its containers end. It is let go of at the end of the spec
// at the latest: a namespace could not go before.
func (s *Set) Keep(ctx context.Context, ordinal int) (letGo func(context.Context)) {
	GinkgoHelper()
	s.patchPod(ctx, ordinal, "keep it once it is deleted", fmt.Sprintf(`"metadata":{"finalizers":[%q]}`, runconfig.Finalizer))
	name, kept := s.Pod(ordinal), true
	letGo = func(ctx context.Context) {
		GinkgoHelper()
		if !kept {
			return
		}
		kept = false
		s.NS.Mark(history.VerbOther, history.Pods, name, "", "let go of "+name)
		_, err := s.NS.Client.CoreV1().Pods(s.NS.Name).Patch(ctx, name, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
		Expect(err).NotTo(HaveOccurred(), "removing the finalizer %s of pod %s", runconfig.Finalizer, name)
	}
	DeferCleanup(letGo)
	return letGo
}

func (s *Set) patchPod(ctx context.Context, ordinal int, what, patch string) types.UID {
	GinkgoHelper()
	pod := s.NS.Pod(s.Pod(ordinal))
	s.NS.Mark(history.VerbOther, history.Pods, pod.Name, pod.UID, pod.Name+": "+what)
	_, err := s.NS.Client.CoreV1().Pods(s.NS.Name).Patch(ctx, pod.Name, types.StrategicMergePatchType, []byte("{"+patch+"}"), metav1.PatchOptions{})
	Expect(err).NotTo(HaveOccurred(), "%s of pod %s", what, pod.Name)
	return pod.UID
}

// Signal sends a signal to the first process of a pod's container. Its effect is for the caller to wait for.
func (ns *Namespace) Signal(ctx context.Context, pod *history.Event, signal string) {
	GinkgoHelper()
	ns.Mark(history.VerbOther, history.Pods, pod.Name, pod.UID, fmt.Sprintf("send %s to the container of %s", signal, pod.Name))
	_, err := ns.Exec(ctx, pod.Name, "kill", "-"+signal, "1")
	// What runs in a container that ends is killed with it.
	if exit, ok := errors.AsType[exec.CodeExitError](err); ok && exit.Code == 128+int(syscall.SIGKILL) {
		return
	}
	Expect(err).NotTo(HaveOccurred(), "the container of %s must run, and let its own user signal it", pod.Name)
}

// AwaitRestarted waits until a container of that very pod has been restarted and the pod is Ready again, or it is another pod,
// which is for judges to say.
func (s *Set) AwaitRestarted(ctx context.Context, old *history.Event) {
	GinkgoHelper()
	s.NS.Expect(ctx, s.NS.Settings.Limits.PodReady, "a container of pod "+old.Name+" to be restarted", func(st *history.State) string {
		e := st.Get(history.Pods, old.Name)
		if e != nil && e.UID == old.UID && e.Pod.Restarts() <= old.Pod.Restarts() {
			return fmt.Sprintf("pod %s counts %d restarts", e.Name, e.Pod.Restarts())
		}
		return readyPod(st, old.Name)
	})
}

// VerifyNotFailed verifies that a pod whose container ended with that exit code, by itself, has not failed with it: the template of a set
// allows no restart policy but Always.
func (s *Set) VerifyNotFailed(ctx context.Context, id contract.ID, old *history.Event, code int32) {
	GinkgoHelper()
	var failed *history.Event
	for _, e := range s.NS.Recorded(ctx).Events {
		ended := func(c history.Container) bool { return c.State == history.ContainerTerminated && c.ExitCode == code }
		if e.UID == old.UID && e.Pod != nil && e.Pod.Finished() && !e.Pod.Is(corev1.DisruptionTarget) && slices.ContainsFunc(e.Pod.Containers, ended) {
			failed = e
		}
	}
	var err error
	if failed != nil {
		err = fmt.Errorf("expected it to be restarted in its pod, found the pod %s at %s: look for an admission policy that changes restartPolicy", failed.Pod.Phase, failed.Ref())
	}
	s.NS.Verify(id, err, "container of %s, ended with exit code %d", old.Name, code)
}

// AwaitCrashLoop waits until a container of that very pod has crashed again and its kubelet takes its time to restart it, or it is
// another pod, which is for judges to say.
func (s *Set) AwaitCrashLoop(ctx context.Context, old *history.Event) {
	GinkgoHelper()
	s.NS.Expect(ctx, s.NS.Settings.Limits.PodReady, "a container of pod "+old.Name+" to crash again", func(st *history.State) string {
		e := st.Get(history.Pods, old.Name)
		waits := func(c history.Container) bool {
			return c.State == history.ContainerWaiting && c.Reason == "CrashLoopBackOff"
		}
		if e != nil && e.UID == old.UID && !e.Terminating() && e.Pod.Restarts() < old.Pod.Restarts()+2 && !slices.ContainsFunc(e.Pod.Containers, waits) {
			return describe(e)
		}
		return ""
	})
}

// follow watches what the recording does not hold, from a resource version on, until done is satisfied with an event.
func follow(ctx context.Context, limit time.Duration, from string, start cache.WatchFuncWithContext, done func(watch.Event) bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	_, err := toolswatch.Until(ctx, from, &cache.ListWatch{WatchFuncWithContext: start}, func(e watch.Event) (bool, error) { return done(e), nil })
	return err
}

// Orphan deletes the set alone and waits until it is gone and its pods, all still there, belong to nobody.
func (s *Set) Orphan(ctx context.Context) {
	GinkgoHelper()
	var pods []*history.Event
	s.NS.View(func(st *history.State) { pods = st.PodsOf(s.UID) })
	s.Delete(ctx, metav1.DeletePropagationOrphan)
	s.NS.Expect(ctx, s.NS.Settings.Limits.Collected, "set "+s.Name+" to be gone and its pods to belong to nobody", func(st *history.State) string {
		if set := st.Get(history.Sets, s.Name); set != nil {
			return fmt.Sprintf("set %s is still there (finalizers %v)", s.Name, set.Finalizers)
		}
		for _, p := range pods {
			if now := st.Get(history.Pods, p.Name); now != nil && now.Controller() != nil {
				return fmt.Sprintf("pod %s still belongs to %s", p.Name, now.Controller().Name)
			}
		}
		return ""
	})
}

// AwaitReleased waits until a pod belongs to the set no more, or is gone.
func (s *Set) AwaitReleased(ctx context.Context, ordinal int, uid types.UID) {
	GinkgoHelper()
	s.NS.Expect(ctx, s.NS.Settings.Limits.PodCreated, fmt.Sprintf("pod %s to be released", s.Pod(ordinal)), func(st *history.State) string {
		if e := st.Get(history.Pods, s.Pod(ordinal)); e != nil && e.UID == uid && controllerOf(e) == s.UID {
			return "pod " + e.Name + " still belongs to the set"
		}
		return ""
	})
}

// AwaitAdopted waits until a pod belongs to the set.
func (s *Set) AwaitAdopted(ctx context.Context, pod *history.Event) {
	GinkgoHelper()
	s.NS.Expect(ctx, s.NS.Settings.Limits.PodCreated, fmt.Sprintf("pod %s to be adopted", pod.Name), func(st *history.State) string {
		if e := st.Get(history.Pods, pod.Name); e == nil || e.UID != pod.UID || controllerOf(e) != s.UID {
			return "pod " + pod.Name + " does not belong to the set"
		}
		return ""
	})
}

// VerifyAdopted verifies that the pods of the first ordinals are those of those UIDs, that the set owns them, and that they stay.
func (s *Set) VerifyAdopted(ctx context.Context, id contract.ID, pods []types.UID) {
	GinkgoHelper()
	Expect(s.NS.Sync(ctx, s.NS.Settings.Limits.RecordingComplete)).To(Succeed())
	for n, uid := range pods {
		var err error
		s.NS.View(func(st *history.State) {
			switch e := st.Get(history.Pods, s.Pod(n)); {
			case e == nil:
				err = errors.New("expected it to stay, found it gone")
			case e.UID != uid || e.Terminating():
				err = fmt.Errorf("expected uid %s to stay, found: %s (uid %s): compare its label %s with status.updateRevision of the set, which the same template should give the same name",
					uid, describe(e), e.UID, appsv1.ControllerRevisionHashLabelKey)
			case controllerOf(e) != s.UID:
				err = fmt.Errorf("expected the set of uid %s to own it, found %q", s.UID, controllerOf(e))
			}
		})
		s.NS.Verify(id, err, "pod %s, left by a set of the same name and template, is adopted and stays", s.Pod(n))
	}
}

// Touch changes a label of the set, which wakes its controller and changes nothing else.
func (s *Set) Touch(ctx context.Context) {
	GinkgoHelper()
	s.NS.Mark(history.VerbUpdate, history.Sets, s.Name, "", "touch set "+s.Name)
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{"touched":"at-%d"}}}`, s.NS.Now().Milliseconds())
	_, err := s.NS.Client.AppsV1().StatefulSets(s.NS.Name).Patch(ctx, s.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
	Expect(err).NotTo(HaveOccurred(), "touching set %s", s.Name)
}

// RunsOnce lets a pod run to its end, which is not restarted.
func RunsOnce(p *corev1.Pod) { p.Spec.RestartPolicy = corev1.RestartPolicyNever }
