package statefulset

import (
	"context"
	"fmt"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// VerifyFinished verifies from the recording that the deleted pod of that UID had its whole grace period and that its container exited by
// itself with that code.
func (s *Set) VerifyFinished(ctx context.Context, id contract.ID, uid types.UID, code int32) {
	GinkgoHelper()
	var deletion, ended *history.Event
	for _, e := range s.NS.Recorded(ctx).Events {
		if e.UID != uid {
			continue
		}
		if deletion == nil && e.DeletionGrace != nil {
			deletion = e
		}
		if len(e.Pod.Containers) > 0 && e.Pod.Containers[0].State == history.ContainerTerminated {
			ended = e
		}
	}
	Expect(deletion).NotTo(BeNil(), "expected the deletion of the pod of uid %s to be recorded", uid)
	grace, granted := *deletion.Pod.Grace, *deletion.DeletionGrace
	switch {
	case deletion.Pod.Is(corev1.DisruptionTarget):
		s.NS.Check(id, history.Inconclusive, fmt.Sprintf("%s was evicted or preempted at %s, with a grace period that is not the set's to choose", deletion.Name, deletion.Ref()))
		return
	case grace < s.Grace:
		s.NS.Verify(id, fmt.Errorf("expected the template's grace period of %d s in the pod, found %d s: look for an admission policy that changes pods", s.Grace, grace),
			"deletion of %s", deletion.Name)
		return
	case granted < grace:
		s.NS.Verify(id, fmt.Errorf("expected the pod's own grace period of %d s, found %d s at %s: look for who deletes pods with another one", grace, granted, deletion.Ref()),
			"deletion of %s", deletion.Name)
		return
	case ended == nil:
		s.NS.Check(id, history.Inconclusive, fmt.Sprintf("%s was gone before its kubelet reported how its container ended", deletion.Name))
		return
	}
	c := ended.Pod.Containers[0]
	took := c.Finished.Sub(deletion.DeletionTimestamp.Add(-time.Duration(granted) * time.Second))
	what := fmt.Sprintf("end of %s, %v after its deletion, of a grace period of %d s", deletion.Name, took, grace)
	switch {
	case c.ExitCode == code:
		s.NS.Verify(id, nil, "%s", what)
	case took >= time.Duration(grace)*time.Second-time.Second-s.NS.Settings.Limits.ClockSkew:
		// Both times have a resolution of one second and come from two clocks.
		s.NS.Check(id, history.Inconclusive, fmt.Sprintf("%s: it ended with exit code %d, but only when all of its grace period was over, so its node %s was too slow to tell",
			what, c.ExitCode, ended.Pod.Node))
	default:
		s.NS.Verify(id, fmt.Errorf("expected exit code %d (%d: ended without its preStop hook; 137: killed), found %d (%s) at %s: see the container runtime and the kubelet of node %s",
			code, ExitWithoutHook, c.ExitCode, c.Reason, ended.Ref(), ended.Pod.Node), "%s", what)
	}
}

// VerifyNotFailed verifies that a pod whose container ended with that exit code, by itself, has not failed: a set's template allows no restart
// policy but Always.
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
