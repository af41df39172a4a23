package statefulset

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// VerifyFinished leaves it to the judges to verify that a pod, which is deleted after it was read, has its whole grace period, and that its
// container exits by itself with that code.
func (s *Set) VerifyFinished(ctx context.Context, id contract.ID, pod *history.Event, code int32) {
	GinkgoHelper()
	s.NS.ExpectFate(ctx, history.Expectation{
		Guarantee: id, Kind: history.ExpectContainerExit, Resource: history.Pods, Name: pod.Name, UID: pod.UID, ExitCode: code, GraceSeconds: s.Grace,
		Text: fmt.Sprintf("exit code %d (%d: ended without its preStop hook; 137: killed)", code, ExitWithoutHook),
	})
}

// VerifyKilled waits until a pod, which is deleted after it was read and whose container goes on when it is told to end, is gone, for as long as pods may take.
// It leaves it to the judges to verify that the container was killed once the grace period was over. Where that takes long, pods that are made on the same
// node, one after another, show whether its kubelet is at work.
func (s *Set) VerifyKilled(ctx context.Context, id contract.ID, pod *history.Event) {
	GinkgoHelper()
	gone := func(limit time.Duration) error {
		return s.NS.Await(ctx, limit, "pod "+pod.Name+" to be gone", func(st *history.State) string {
			if e := st.Get(history.Pods, pod.Name); e != nil && e.UID == pod.UID {
				return framework.DescribePod(e)
			}
			return ""
		})
	}
	limits, start := s.NS.Settings.Limits, s.NS.Now()
	err := gone(2*time.Duration(*pod.Pod.Grace)*time.Second + limits.Lag)
	for i := 0; err != nil && s.NS.Now()-start < limits.PodGone; i++ {
		beside := fmt.Sprintf("beside-%d", i)
		s.NS.MakePod(ctx, beside, func(p *corev1.Pod) { p.Spec.NodeName = pod.Pod.Node })
		if unready := s.NS.Await(ctx, limits.PodReady, "pod "+beside+" to be Ready", framework.PodReady(beside)); unready != nil {
			s.NS.Note(unready.Error())
			break
		}
		err = gone(limits.Lag)
	}
	if err != nil {
		s.NS.Note(err.Error())
	}
	s.NS.ExpectFate(ctx, history.Expectation{
		Guarantee: id, Kind: history.ExpectContainerExit, Resource: history.Pods, Name: pod.Name, UID: pod.UID, ExitCode: 137, GraceSeconds: *pod.Pod.Grace,
		Text: "container of " + pod.Name + " is killed when its grace period is over",
	})
}

// VerifyNotFailed leaves it to the judges to verify that a pod whose container ended with that exit code, by itself, has not failed: a set's
// template allows no restart policy but Always.
func (s *Set) VerifyNotFailed(ctx context.Context, id contract.ID, old *history.Event, code int32) {
	GinkgoHelper()
	s.NS.ExpectFate(ctx, history.Expectation{
		Guarantee: id, Kind: history.ExpectNeverFailed, Resource: history.Pods, Name: old.Name, UID: old.UID, ExitCode: code,
		Text: fmt.Sprintf("container of %s, ended with exit code %d, is restarted in its pod", old.Name, code),
	})
}

// VerifyAdopted leaves it to the judges to verify that pods or controller revisions stay, and that the set has become their controller.
func (s *Set) VerifyAdopted(ctx context.Context, id contract.ID, objects []*history.Event) {
	GinkgoHelper()
	s.verifyController(ctx, id, s.UID, objects)
}

func (s *Set) verifyController(ctx context.Context, id contract.ID, uid types.UID, objects []*history.Event) {
	GinkgoHelper()
	var all []history.Expectation
	for _, e := range objects {
		x := framework.Kept(id, e)
		x.Controller = &uid
		all = append(all, x)
	}
	s.NS.ExpectFate(ctx, all...)
}
