package statefulset

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// VerifyHostname runs hostname in the pod's container and verifies that it prints the pod's name.
func (s *Set) VerifyHostname(ctx context.Context, id contract.ID, ordinal int) {
	GinkgoHelper()
	out, err := s.NS.Exec(ctx, s.Pod(ordinal), "hostname")
	if got := strings.TrimSpace(out); err == nil && got != s.Pod(ordinal) {
		err = fmt.Errorf("expected %q, found %q: look for a webhook or a template that sets spec.hostname", s.Pod(ordinal), got)
	}
	s.NS.Verify(id, err, "hostname of %s, printed inside its container", s.Pod(ordinal))
}

// VerifyFile verifies that a file of the pod holds exactly that line.
func (s *Set) VerifyFile(ctx context.Context, id contract.ID, ordinal int, path, line string) {
	GinkgoHelper()
	out, err := s.NS.Exec(ctx, s.Pod(ordinal), "cat", path)
	if got := strings.TrimSpace(out); err != nil {
		err = fmt.Errorf("expected %q: %w: is the volume the one that it was written to (see spec.volumeName of the claim)?", line, err)
	} else if got != line {
		err = fmt.Errorf("expected %q, found %q: the volume is not the one that it was written to, or another pod has it too (see spec.volumeName of the claim)", line, got)
	}
	s.NS.Verify(id, err, "%s of %s holds its own data", path, s.Pod(ordinal))
}

// ExpectOnNode fails the spec when one of the pods of those ordinals is not on that node.
func (s *Set) ExpectOnNode(node string, ordinals ...int) {
	GinkgoHelper()
	for _, n := range ordinals {
		Expect(s.NS.Pod(s.Pod(n)).Pod.Node).To(Equal(node), "the node of %s, while every other one was cordoned", s.Pod(n))
	}
}

// VerifyMoved verifies that pods are gone and that each has a Ready replacement on another node.
func (s *Set) VerifyMoved(ctx context.Context, id contract.ID, what string, old []*history.Event) {
	GinkgoHelper()
	l := s.NS.Settings.Limits
	limit := l.PodsTaken + l.PodReady
	err := s.NS.Await(ctx, limit, fmt.Sprintf("each pod of %s to be replaced on another node", s.Name), func(st *history.State) string {
		for _, o := range old {
			e := st.Get(history.Pods, o.Name)
			if e != nil && e.UID == o.UID {
				return fmt.Sprintf("%s (uid %s) is still there, on node %s", o.Name, o.UID, o.Pod.Node)
			}
			if why := framework.PodReady(o.Name)(st); why != "" {
				return why
			}
		}
		return ""
	})
	if err == nil {
		err = s.onOtherNodes(old)
	}
	s.NS.Verify(id, err, "pods of %s: %s", s.Name, what)
}

// onOtherNodes returns an error for each replacement that is on the node of the pod that it replaces.
func (s *Set) onOtherNodes(old []*history.Event) error {
	var wrong []error
	s.NS.View(func(st *history.State) {
		for _, o := range old {
			if e := st.Get(history.Pods, o.Name); e != nil && e.Pod.Node == o.Pod.Node {
				wrong = append(wrong, fmt.Errorf("expected %s on another node than %s, found it there again", e.Name, o.Pod.Node))
			}
		}
	})
	return errors.Join(wrong...)
}

// VerifyCreated verifies that the pod of that ordinal is created, now that nothing blocks it.
func (s *Set) VerifyCreated(ctx context.Context, id contract.ID, ordinal int) {
	GinkgoHelper()
	err := s.NS.Await(ctx, s.NS.Settings.Limits.PodCreated, "pod "+s.Pod(ordinal)+" to be created", func(st *history.State) string {
		if st.Get(history.Pods, s.Pod(ordinal)) == nil {
			return s.whyNotCreated(st, ordinal)
		}
		return ""
	})
	s.verifyInTime(ctx, id, err, "pod %s is created once nothing blocks it", s.Pod(ordinal))
}

// VerifyAdopted verifies that the pods of the first ordinals are those of those UIDs, that the set is their controller, and that they stay.
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
					uid, framework.DescribePod(e), e.UID, appsv1.ControllerRevisionHashLabelKey)
			case framework.ControllerUID(e) != s.UID:
				err = fmt.Errorf("expected the set of uid %s to own it, found %q", s.UID, framework.ControllerUID(e))
			}
		})
		s.NS.Verify(id, err, "pod %s, left by a set of the same name and template, is adopted and stays", s.Pod(n))
	}
}

// VerifyDeletedWithPods verifies that the deleted set and those pods are gone in time.
func (s *Set) VerifyDeletedWithPods(ctx context.Context, id contract.ID, pods []types.UID) {
	GinkgoHelper()
	l := s.NS.Settings.Limits
	err := s.NS.Await(ctx, l.PodGone+l.Collected, fmt.Sprintf("set %s and its pods to be gone", s.Name), func(st *history.State) string {
		// By UID, since an orphaned pod has no controller and is not deleted.
		for _, e := range st.List(history.Pods) {
			if slices.Contains(pods, e.UID) {
				return fmt.Sprintf("pod %s is still there (terminating: %t, controlled: %t)", e.Name, e.Terminating(), e.Controller() != nil)
			}
		}
		return s.deleted(st)
	})
	s.NS.Verify(id, err, "pods of the deleted set %s", s.Name)
}

// VerifyOrphaned verifies that the set, deleted with orphan propagation, is gone in time, and that those pods stay and have no controller.
func (s *Set) VerifyOrphaned(ctx context.Context, id contract.ID, pods []types.UID) {
	GinkgoHelper()
	var wrong []error
	if err := s.NS.Await(ctx, s.NS.Settings.Limits.Collected, "set "+s.Name+" to be gone", s.deleted); err != nil {
		wrong = append(wrong, err)
	}
	// The pods' watch may trail that of the sets.
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

// deleted is met where the set does not exist any more.
func (s *Set) deleted(st *history.State) string {
	if e := st.Get(history.Sets, s.Name); e != nil && e.UID == s.UID {
		return fmt.Sprintf("set %s is still there (finalizers %v)", e.Name, e.Finalizers)
	}
	return ""
}

// verifyInTime records whether a wait ended within its limit; an interrupted wait records nothing.
func (s *Set) verifyInTime(ctx context.Context, id contract.ID, err error, what string, args ...any) {
	GinkgoHelper()
	Expect(ctx.Err()).NotTo(HaveOccurred(), "the spec was interrupted while it waited for this: %s", fmt.Sprintf(what, args...))
	s.NS.Verify(id, err, what, args...)
}
