package statefulset

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// FailPod has the kubelet fail a pod by activeDeadlineSeconds 1, and returns the pod's UID.
func (s *Set) FailPod(ctx context.Context, ordinal int) types.UID {
	GinkgoHelper()
	return s.patchPod(ctx, ordinal, "let it fail: activeDeadlineSeconds 1", `"spec":{"activeDeadlineSeconds":1}`)
}

// RelabelPod changes a label of a pod and returns the pod's UID.
func (s *Set) RelabelPod(ctx context.Context, ordinal int, key, value string) types.UID {
	GinkgoHelper()
	return s.patchPod(ctx, ordinal, fmt.Sprintf("label %s=%s", key, value), fmt.Sprintf(`"metadata":{"labels":{%q:%q}}`, key, value))
}

// UnlabelPod takes a label from a pod and returns the pod's UID.
func (s *Set) UnlabelPod(ctx context.Context, ordinal int, key string) types.UID {
	GinkgoHelper()
	return s.patchPod(ctx, ordinal, "take its label "+key, fmt.Sprintf(`"metadata":{"labels":{%q:null}}`, key))
}

// AddFinalizer gives a pod a finalizer, so that once it is deleted it stays Terminating until the finalizer is removed: by the returned
// function, or at the end of the spec, since the namespace could not be deleted before.
func (s *Set) AddFinalizer(ctx context.Context, ordinal int) (removeFinalizer func(context.Context)) {
	GinkgoHelper()
	s.patchPod(ctx, ordinal, "add a finalizer", fmt.Sprintf(`"metadata":{"finalizers":[%q]}`, runconfig.Finalizer))
	name, present := s.Pod(ordinal), true
	removeFinalizer = func(ctx context.Context) {
		GinkgoHelper()
		if !present {
			return
		}
		present = false
		Expect(s.NS.RemoveFinalizers(ctx, name)).To(Succeed(), "removing the finalizer %s of pod %s", runconfig.Finalizer, name)
	}
	DeferCleanup(removeFinalizer)
	return removeFinalizer
}

func (s *Set) patchPod(ctx context.Context, ordinal int, what, patch string) types.UID {
	GinkgoHelper()
	pod := s.NS.Pod(s.Pod(ordinal))
	request := framework.Request{Verb: history.VerbOther, Resource: history.Pods, Name: pod.Name, UID: pod.UID, Text: pod.Name + ": " + what}
	_, err := framework.Send(s.NS, request, func() (*corev1.Pod, error) {
		return s.NS.Client.CoreV1().Pods(s.NS.Name).Patch(ctx, pod.Name, types.StrategicMergePatchType, []byte("{"+patch+"}"), metav1.PatchOptions{})
	})
	Expect(err).NotTo(HaveOccurred(), "%s of pod %s", what, pod.Name)
	return pod.UID
}

// ForceDelete deletes a pod with grace period 0 and returns its UID.
func (s *Set) ForceDelete(ctx context.Context, ordinal int) types.UID {
	GinkgoHelper()
	uid, err := s.TryForceDelete(ctx, ordinal)
	Expect(err).NotTo(HaveOccurred(), "deleting pod %s by force", s.Pod(ordinal))
	return uid
}

// TryForceDelete is ForceDelete, and returns the API server's answer too, which may be a rejection.
func (s *Set) TryForceDelete(ctx context.Context, ordinal int) (types.UID, error) {
	GinkgoHelper()
	return s.NS.TryDeletePod(ctx, s.Pod(ordinal), metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))})
}

// Evict creates an eviction of a pod, and returns the pod's UID and the API server's answer.
func (s *Set) Evict(ctx context.Context, ordinal int) (types.UID, error) {
	GinkgoHelper()
	pod := s.NS.Pod(s.Pod(ordinal))
	request := framework.Request{Verb: history.VerbEvict, Resource: history.Pods, Name: pod.Name, UID: pod.UID, Text: "evict pod " + pod.Name}
	return pod.UID, s.NS.Evict(ctx, request)
}

// LetEnd lets the first pod of a set with HoldShutdownOfFirst end: at once where it has been told to, otherwise as soon as it is.
func (s *Set) LetEnd(ctx context.Context) {
	GinkgoHelper()
	s.NS.SendSignal(ctx, s.NS.Pod(s.Pod(0)), "USR1")
}

// WriteFile writes a line to a file of the pod.
func (s *Set) WriteFile(ctx context.Context, ordinal int, path, line string) {
	GinkgoHelper()
	request := framework.Request{Verb: history.VerbOther, Resource: history.Pods, Name: s.Pod(ordinal), Text: fmt.Sprintf("write %q to %s of %s", line, path, s.Pod(ordinal))}
	err := s.NS.Do(request, func() error {
		_, err := s.NS.Exec(ctx, s.Pod(ordinal), "sh", "-c", `printf '%s\n' "$1" > "$2" && sync`, "write", line, path)
		return err
	})
	Expect(err).NotTo(HaveOccurred(), "the volume of %s must be writable", s.Pod(ordinal))
}

// DeleteAndAwaitObserved deletes a pod that is slow to stop and waits as HoldAndAwaitObserved does. It returns the pod's UID.
func (s *Set) DeleteAndAwaitObserved(ctx context.Context, ordinal int) types.UID {
	GinkgoHelper()
	counted := func(st *history.State) int32 {
		status := st.Get(history.Sets, s.Name).Set.Status
		return status.Current + status.Updated
	}
	var before int32
	// A controller may write its status in steps: the Ready pods first, and then those of each revision.
	s.NS.Expect(ctx, s.NS.Settings.Limits.StatusSettled, "the status to count the pods by their revisions", func(st *history.State) string {
		if before = counted(st); before < s.ofRevisions(st) {
			return fmt.Sprintf("currentReplicas and updatedReplicas are %d together, expected %d", before, s.ofRevisions(st))
		}
		return ""
	})
	uid := s.NS.DeletePod(ctx, s.Pod(ordinal))
	s.NS.Expect(ctx, s.NS.Settings.Limits.StatusSettled, "the status to count the terminating pod no longer by its revision", func(st *history.State) string {
		if now := counted(st); now >= before {
			return fmt.Sprintf("currentReplicas and updatedReplicas are %d together, and were %d before", now, before)
		}
		if e := st.Get(history.Pods, s.Pod(ordinal)); e != nil && !e.Terminating() {
			return e.Name + " is not recorded as terminating yet"
		}
		return ""
	})
	s.awaitLag(ctx)
	return uid
}

// ofRevisions returns how many pods have the set's current revision, and how many its update revision, together.
func (s *Set) ofRevisions(st *history.State) (n int32) {
	status := st.Get(history.Sets, s.Name).Set.Status
	for _, p := range st.PodsOf(s.UID) {
		for _, revision := range []string{status.CurrentRevision, status.UpdateRevision} {
			if p.Labels[appsv1.ControllerRevisionHashLabelKey] == revision && !p.Terminating() {
				n++
			}
		}
	}
	return n
}
