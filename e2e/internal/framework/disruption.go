package framework

import (
	"context"
	"errors"
	"fmt"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// LeaveLostNodes has pods tolerate a node that does not answer for a second only, not for the five minutes that are the default.
func LeaveLostNodes() Option {
	return func(s *appsv1.StatefulSet) {
		for _, key := range []string{corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable} {
			s.Spec.Template.Spec.Tolerations = append(s.Spec.Template.Spec.Tolerations, corev1.Toleration{
				Key: key, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: new(int64(1)),
			})
		}
	}
}

// ForceDelete deletes a pod's object without waiting for its kubelet, and returns its UID.
func (s *Set) ForceDelete(ctx context.Context, ordinal int) types.UID {
	GinkgoHelper()
	return s.NS.DeletePod(ctx, s.Pod(ordinal), metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))})
}

// Remain returns a condition for HoldStill: it tells when one of the pods that now have those ordinals is gone, whether another has
// its name or not. One that is terminating remains.
func (s *Set) Remain(ordinals ...int) func(*history.State) string {
	GinkgoHelper()
	uids := s.UIDs(ordinals...)
	return func(st *history.State) string {
		for i, n := range ordinals {
			if e := st.Get(history.Pods, s.Pod(n)); e == nil || e.UID != uids[i] {
				return fmt.Sprintf("expected %s (uid %s) to remain, but it is gone", s.Pod(n), uids[i])
			}
		}
		return ""
	}
}

// AwaitDeletionOnLostNode waits until the pods of those ordinals are marked for deletion, because their node does not answer.
func (s *Set) AwaitDeletionOnLostNode(ctx context.Context, ordinals ...int) {
	GinkgoHelper()
	s.NS.Expect(ctx, s.NS.Settings.Limits.NodeLost, fmt.Sprintf("the pods of %s to be marked for deletion", s.Name), func(st *history.State) string {
		for _, n := range ordinals {
			if e := st.Get(history.Pods, s.Pod(n)); e != nil && !e.Terminating() {
				return e.Name + " exists and is not being deleted"
			}
		}
		return ""
	})
}

// OnNode fails the spec when one of the pods of those ordinals is not on that node.
func (s *Set) OnNode(node string, ordinals ...int) {
	GinkgoHelper()
	for _, n := range ordinals {
		Expect(s.NS.Pod(s.Pod(n)).Pod.Node).To(Equal(node), "the node of %s, when every other one was closed to new pods", s.Pod(n))
	}
}

// VerifyMoved verifies that pods which were on a node are gone, and that each is followed by a Ready one of its name on another.
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
			if why := readyPod(st, o.Name); why != "" {
				return why
			}
		}
		return ""
	})
	if err == nil {
		err = s.elsewhere(old)
	}
	s.NS.Verify(id, err, "pods of %s: %s", s.Name, what)
}

// elsewhere says which of the pods that followed others are still on their node.
func (s *Set) elsewhere(old []*history.Event) error {
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

// VerifyHolds verifies that a condition for HoldStill has nothing to tell.
func (s *Set) VerifyHolds(id contract.ID, cond func(*history.State) string, what string) {
	GinkgoHelper()
	var err error
	s.NS.View(func(st *history.State) {
		if why := cond(st); why != "" {
			err = errors.New(why)
		}
	})
	s.NS.Verify(id, err, "%s", what)
}

// Pods returns the newest recorded versions of the pods of those ordinals.
func (s *Set) Pods(ordinals ...int) []*history.Event {
	GinkgoHelper()
	out := make([]*history.Event, 0, len(ordinals))
	for _, n := range ordinals {
		out = append(out, s.NS.Pod(s.Pod(n)))
	}
	return out
}

// AnyOf makes one condition for HoldStill of several.
func AnyOf(conditions ...func(*history.State) string) func(*history.State) string {
	return func(st *history.State) string {
		i := slices.IndexFunc(conditions, func(c func(*history.State) string) bool { return c(st) != "" })
		if i < 0 {
			return ""
		}
		return conditions[i](st)
	}
}
