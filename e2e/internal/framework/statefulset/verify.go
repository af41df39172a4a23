package statefulset

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
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
		err = s.NS.UnlessMutated(ctx, fmt.Errorf("expected %q, found %q", s.Pod(ordinal), got), history.Pods, history.Sets)
	}
	s.NS.VerifySet(s.Name, id, err, "hostname of %s, printed inside its container", s.Pod(ordinal))
}

// VerifyGone verifies that the pod of that ordinal and UID is gone by now, unless a finalizer holds it.
func (s *Set) VerifyGone(ctx context.Context, id contract.ID, ordinal int, uid types.UID) {
	GinkgoHelper()
	s.NS.Recorded(ctx)
	var err error
	s.NS.View(func(st *history.State) { err = notGone(st.Get(history.Pods, s.Pod(ordinal)), uid) })
	s.NS.VerifySet(s.Name, id, err, "%s (uid %s), once the API server has answered", s.Pod(ordinal), uid)
}

// notGone says what is wrong with what there is by the name of a pod of that UID that should be gone.
func notGone(now *history.Event, uid types.UID) error {
	if now == nil || now.UID != uid || len(now.Finalizers) > 0 {
		return nil
	}
	return fmt.Errorf("expected it to be gone, found it (terminating: %t)", now.Terminating())
}

// FQDN is the start of the fully qualified domain name of the pod of that ordinal, up to the DNS zone.
func (s *Set) FQDN(ordinal int) string {
	return fmt.Sprintf("%s.%s.%s.svc.", s.Pod(ordinal), s.Service, s.NS.Name)
}

// VerifyFQDN runs a form of hostname in the pod's container and verifies that it prints the pod's fully qualified domain name.
func (s *Set) VerifyFQDN(ctx context.Context, id contract.ID, ordinal int, command ...string) {
	GinkgoHelper()
	out, err := s.NS.Exec(ctx, s.Pod(ordinal), command...)
	want, zone := s.FQDN(ordinal), s.NS.Settings.Facts.DNSZone
	if got := strings.TrimSpace(out); err == nil && (!strings.HasPrefix(got, want) || zone != "" && got != want+zone) {
		err = fmt.Errorf("expected %q, found %q: look for who changes spec.subdomain and spec.setHostnameAsFQDN, and at /etc/hosts in the container", want+zone, got)
	}
	s.NS.VerifySet(s.Name, id, err, "answer to %q inside %s", strings.Join(command, " "), s.Pod(ordinal))
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
	s.NS.VerifySet(s.Name, id, err, "%s of %s holds its own data", path, s.Pod(ordinal))
}

// ExpectOnNode fails the spec when one of the pods of those ordinals is not on that node.
func (s *Set) ExpectOnNode(node string, ordinals ...int) {
	GinkgoHelper()
	for _, n := range ordinals {
		Expect(s.NS.Pod(s.Pod(n)).Pod.Node).To(Equal(node), "the node of %s, while every other one was cordoned", s.Pod(n))
	}
}

// VerifyMoved verifies that pods are gone, which the controllers see to, and that each has a Ready replacement on another node.
func (s *Set) VerifyMoved(ctx context.Context, id contract.ID, what string, old []*history.Event, by ...framework.Controller) {
	GinkgoHelper()
	err := s.awaitTaken(ctx, old, by)
	if err == nil {
		err = s.onOtherNodes(old)
	}
	s.NS.VerifySet(s.Name, id, err, "pods of %s: %s", s.Name, what)
}

// VerifyReplaced verifies that pods are gone from a node that is disrupted, and that each has a Ready replacement, on whatever node.
func (s *Set) VerifyReplaced(ctx context.Context, id contract.ID, what string, old []*history.Event, by ...framework.Controller) {
	GinkgoHelper()
	s.NS.VerifySet(s.Name, id, s.awaitTaken(ctx, old, by), "pods of %s: %s", s.Name, what)
}

// awaitTaken waits until pods that are to leave their node are gone, and then until they have Ready replacements. Each of them begins the limits anew.
func (s *Set) awaitTaken(ctx context.Context, old []*history.Event, by []framework.Controller) error {
	l := s.NS.Settings.Limits
	still := func(st *history.State, o *history.Event) bool {
		e := st.Get(history.Pods, o.Name)
		return e != nil && e.UID == o.UID
	}
	count := func(is func(*history.State, *history.Event) bool) func(*history.State) int {
		return func(st *history.State) (n int) {
			for _, o := range old {
				if is(st, o) {
					n++
				}
			}
			return n
		}
	}
	left := count(still)
	err := s.NS.AwaitEachFrom(ctx, l.PodsTaken, fmt.Sprintf("each pod of %s to leave its node", s.Name), func(st *history.State) string {
		for _, o := range old {
			if still(st, o) {
				return fmt.Sprintf("%s (uid %s) is still there, on node %s", o.Name, o.UID, o.Pod.Node)
			}
		}
		return ""
	}, func(st *history.State) int { return len(old) - left(st) }, by...)
	if err != nil {
		return err
	}
	return s.NS.AwaitEachFrom(ctx, l.PodReady, fmt.Sprintf("each pod of %s to be replaced", s.Name), func(st *history.State) string {
		for _, o := range old {
			if why := framework.PodReady(o.Name)(st); why != "" {
				return why
			}
		}
		return ""
	}, count(func(st *history.State, o *history.Event) bool { return framework.PodReady(o.Name)(st) == "" }), s.NS.SetController())
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
	err := s.NS.AwaitFrom(ctx, s.NS.Settings.Limits.PodCreated, "pod "+s.Pod(ordinal)+" to be created", func(st *history.State) string {
		if st.Get(history.Pods, s.Pod(ordinal)) == nil {
			return s.whyNotCreated(st, ordinal)
		}
		return ""
	}, s.NS.SetController())
	s.verifyInTime(ctx, id, err, "pod %s is created once nothing blocks it", s.Pod(ordinal))
}

// VerifyDeletedWithPods verifies that the deleted set and those pods are gone in time.
func (s *Set) VerifyDeletedWithPods(ctx context.Context, id contract.ID, pods []types.UID) {
	GinkgoHelper()
	l := s.NS.Settings.Limits
	err := s.NS.AwaitFrom(ctx, l.PodGone+l.Collected, fmt.Sprintf("set %s, its pods and its controller revisions to be gone", s.Name), func(st *history.State) string {
		// By UID, since an orphaned pod has no controller and is not deleted.
		for _, e := range st.List(history.Pods) {
			if slices.Contains(pods, e.UID) {
				return fmt.Sprintf("pod %s is still there (terminating: %t, controlled: %t)", e.Name, e.Terminating(), e.Controller() != nil)
			}
		}
		if kept := s.revisions(st); len(kept) > 0 {
			return fmt.Sprintf("controller revisions are still there: %s", names(kept))
		}
		return s.deleted(st)
	}, s.NS.GarbageCollector())
	s.NS.VerifySet(s.Name, id, err, "pods and controller revisions of the deleted set %s", s.Name)
}

// VerifyOutlives verifies that the set, deleted with foreground propagation, is still there while the pod of that ordinal is.
func (s *Set) VerifyOutlives(id contract.ID, ordinal int) {
	GinkgoHelper()
	var err error
	s.NS.View(func(st *history.State) {
		if st.Get(history.Pods, s.Pod(ordinal)) != nil && s.deleted(st) == "" {
			err = fmt.Errorf("the set is gone, and %s is still there", s.Pod(ordinal))
		}
	})
	s.NS.VerifySet(s.Name, id, err, "set %s, deleted with %s propagation, goes after its pods", s.Name, metav1.DeletePropagationForeground)
}

// VerifyOrphaned verifies that the set, deleted with orphan propagation, is gone in time, and leaves it to the judges to verify that those pods
// stay and have no controller.
func (s *Set) VerifyOrphaned(ctx context.Context, id contract.ID, pods []*history.Event) {
	GinkgoHelper()
	err := s.NS.AwaitFrom(ctx, s.NS.Settings.Limits.Collected, "set "+s.Name+" to be gone", s.deleted, s.NS.GarbageCollector())
	s.NS.VerifySet(s.Name, id, err, "set %s, deleted with %s propagation", s.Name, metav1.DeletePropagationOrphan)
	s.verifyController(ctx, id, "", pods)
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
	s.NS.VerifySet(s.Name, id, err, what, args...)
}
