package framework

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// The exit codes of a container that Deliberate makes: it ended by itself after its hook, or without it.
const (
	EndedAfterHook   = 7
	EndedWithoutHook = 8
)

// Deliberate makes pods need that many seconds in a preStop hook and then in their handler of SIGTERM. The exit code tells
// how it went; a container that was killed has another one.
func Deliberate(hook, handler int) Option {
	// The termination log is a file that every container may write, whatever its root file system.
	const trace = "/dev/termination-log"
	script := fmt.Sprintf("trap 'sleep %d; [ -s %s ] && exit %d; exit %d' TERM; while :; do sleep 3600 & wait; done", handler, trace, EndedAfterHook, EndedWithoutHook)
	return func(s *appsv1.StatefulSet) {
		Command(script)(s)
		s.Spec.Template.Spec.Containers[0].Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Exec: &corev1.ExecAction{
			Command: []string{"sh", "-c", fmt.Sprintf("sleep %d; echo the hook ran > %s", hook, trace)},
		}}}
	}
}

// VerifyFinished verifies, from the recording, that the pod of that UID, which is gone, was given its whole grace period and
// that its container ended by itself with that exit code.
func (s *Set) VerifyFinished(ctx context.Context, id contract.ID, uid types.UID, code int32) {
	GinkgoHelper()
	var asked, ended *history.Event
	for _, e := range s.NS.Recorded(ctx).Events {
		if e.UID != uid {
			continue
		}
		if asked == nil && e.DeletionGrace != nil {
			asked = e
		}
		if len(e.Pod.Containers) > 0 && e.Pod.Containers[0].State == history.ContainerTerminated {
			ended = e
		}
	}
	Expect(asked).NotTo(BeNil(), "expected the deletion of the pod of uid %s to be recorded", uid)
	grace, granted := *asked.Pod.Grace, *asked.DeletionGrace
	switch {
	case asked.Pod.Is(corev1.DisruptionTarget):
		s.NS.Check(id, history.Inconclusive, fmt.Sprintf("%s was evicted or preempted at %s, with a grace period that is not the set's to choose", asked.Name, asked.Ref()))
		return
	case grace < s.Grace:
		s.NS.Verify(id, fmt.Errorf("expected the template's grace period of %d s in the pod, found %d s: look for an admission policy that changes pods", s.Grace, grace),
			"deletion of %s", asked.Name)
		return
	case granted < grace:
		s.NS.Verify(id, fmt.Errorf("expected the pod's own grace period of %d s, found %d s at %s: look for who deletes pods with another one", grace, granted, asked.Ref()),
			"deletion of %s", asked.Name)
		return
	case ended == nil:
		s.NS.Check(id, history.Inconclusive, fmt.Sprintf("%s was gone before its kubelet told how its container ended", asked.Name))
		return
	}
	c := ended.Pod.Containers[0]
	took := c.Finished.Sub(asked.DeletionTimestamp.Add(-time.Duration(granted) * time.Second))
	what := fmt.Sprintf("end of %s, %v after its deletion, of a grace period of %d s", asked.Name, took, grace)
	switch {
	case c.ExitCode == code:
		s.NS.Verify(id, nil, "%s", what)
	case took >= time.Duration(grace)*time.Second-time.Second-s.NS.Settings.Limits.ClockSkew:
		// Both times have a resolution of one second and come from two clocks.
		s.NS.Check(id, history.Inconclusive, fmt.Sprintf("%s: it ended with exit code %d, but only when all of its grace period was over, so its node %s was too slow to tell",
			what, c.ExitCode, ended.Pod.Node))
	default:
		s.NS.Verify(id, fmt.Errorf("expected exit code %d (%d: ended without its preStop hook; 137: killed), found %d (%s) at %s: see the container runtime and the kubelet of node %s",
			code, EndedWithoutHook, c.ExitCode, c.Reason, ended.Ref(), ended.Pod.Node), "%s", what)
	}
}

// FirstSlow makes the pod of ordinal 0 need that many seconds to end, and the others none.
func FirstSlow(seconds int) Option {
	return Command(fmt.Sprintf("trap 'case $(hostname) in *-0) sleep %d;; esac; exit 0' TERM; while :; do sleep 3600 & wait; done", seconds))
}

// VerifyRemoved verifies that the set, which was deleted, goes and takes those pods along.
func (s *Set) VerifyRemoved(ctx context.Context, id contract.ID, pods []types.UID) {
	GinkgoHelper()
	l := s.NS.Settings.Limits
	err := s.NS.Await(ctx, l.PodGone+l.Collected, fmt.Sprintf("set %s and its pods to be gone", s.Name), func(st *history.State) string {
		// Not only those that the set still controls: pods that were let go instead are not removed.
		for _, e := range st.List(history.Pods) {
			if slices.Contains(pods, e.UID) {
				return fmt.Sprintf("pod %s is still there (terminating: %t, controlled: %t)", e.Name, e.Terminating(), e.Controller() != nil)
			}
		}
		return s.exists(st)
	})
	s.NS.Verify(id, err, "pods of the deleted set %s", s.Name)
}

// VerifyOrphaned verifies that the set, which was deleted with its pods to be left, goes, and that those pods then run on
// without it.
func (s *Set) VerifyOrphaned(ctx context.Context, id contract.ID, pods []types.UID) {
	GinkgoHelper()
	var wrong []error
	if err := s.NS.Await(ctx, s.NS.Settings.Limits.Collected, "set "+s.Name+" to be gone", s.exists); err != nil {
		wrong = append(wrong, err)
	}
	// What became of the pods may still be on its way to the recording.
	s.NS.Recorded(ctx)
	s.NS.View(func(st *history.State) {
		for n, uid := range pods {
			switch e := st.Get(history.Pods, s.Pod(n)); {
			case e == nil || e.UID != uid:
				wrong = append(wrong, fmt.Errorf("expected %s (uid %s) to stay, but it is gone", s.Pod(n), uid))
			case e.Terminating():
				wrong = append(wrong, fmt.Errorf("expected %s to stay, found it terminating at %s", e.Name, e.Ref()))
			case e.Controller() != nil:
				wrong = append(wrong, fmt.Errorf("expected %s to have no controller, found %s of uid %s", e.Name, e.Controller().Name, e.Controller().UID))
			}
		}
	})
	s.NS.Verify(id, errors.Join(wrong...), "pods of the set %s, deleted with %s propagation", s.Name, metav1.DeletePropagationOrphan)
}

// exists says that the set is still there.
func (s *Set) exists(st *history.State) string {
	if e := st.Get(history.Sets, s.Name); e != nil && e.UID == s.UID {
		return fmt.Sprintf("set %s is still there (finalizers %v)", e.Name, e.Finalizers)
	}
	return ""
}
