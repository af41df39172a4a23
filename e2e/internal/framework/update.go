package framework

import (
	"context"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// HistoryLimit sets how many old revisions are kept.
func HistoryLimit(n int32) Option {
	return func(s *appsv1.StatefulSet) { s.Spec.RevisionHistoryLimit = &n }
}

// All makes one change of several.
func All(changes ...Option) Option {
	return func(s *appsv1.StatefulSet) {
		for _, change := range changes {
			change(s)
		}
	}
}

// AwaitObserved waits until the set's status tells that its controller has seen the last change of the spec.
func (s *Set) AwaitObserved(ctx context.Context) {
	GinkgoHelper()
	s.NS.Expect(ctx, s.NS.Settings.Limits.StatusSettled, "the controller to observe the last change of "+s.Name, s.observed)
}

// AwaitUpdatedFrom waits until all pods are Ready and those from that ordinal on are at the update revision.
func (s *Set) AwaitUpdatedFrom(ctx context.Context, ordinal int) {
	GinkgoHelper()
	l := s.NS.Settings.Limits
	s.NS.Expect(ctx, 2*l.PodReady+l.PodGone, fmt.Sprintf("the pods of %s from ordinal %d on to be updated", s.Name, ordinal), func(st *history.State) string {
		if why := s.atRest(st); why != "" {
			return why
		}
		want := st.Get(history.Sets, s.Name).Set.Status.UpdateRevision
		for _, p := range st.PodsOf(s.UID) {
			if got := p.Labels[appsv1.ControllerRevisionHashLabelKey]; history.Ordinal(p.Name) >= ordinal && got != want {
				return fmt.Sprintf("%s is at revision %s, the update revision is %s", p.Name, got, want)
			}
		}
		return ""
	})
}

// Revision returns the revision that the pod's label names, as recorded.
func (s *Set) Revision(ordinal int) string {
	GinkgoHelper()
	return s.NS.Pod(s.Pod(ordinal)).Labels[appsv1.ControllerRevisionHashLabelKey]
}

// UIDs returns the UIDs of the pods that now have those ordinals, as recorded.
func (s *Set) UIDs(ordinals ...int) []types.UID {
	GinkgoHelper()
	out := make([]types.UID, 0, len(ordinals))
	for _, n := range ordinals {
		out = append(out, s.NS.Pod(s.Pod(n)).UID)
	}
	return out
}

// Stay returns a condition for HoldStill: it tells when one of the pods that now have those ordinals is deleted.
func (s *Set) Stay(ordinals ...int) func(*history.State) string {
	GinkgoHelper()
	uids := s.UIDs(ordinals...)
	return func(st *history.State) string {
		for i, n := range ordinals {
			name, uid := s.Pod(n), uids[i]
			switch e := st.Get(history.Pods, name); {
			case e == nil || e.UID != uid:
				return fmt.Sprintf("expected %s (uid %s) to stay, but it is gone", name, uid)
			case e.Terminating():
				return fmt.Sprintf("expected %s to stay, found it terminating at %s", name, e.Ref())
			}
		}
		return ""
	}
}

// Holds reports whether a condition says that nothing stands against it, as recorded now.
func (s *Set) Holds(cond func(*history.State) string) bool {
	holds := false
	s.NS.View(func(st *history.State) { holds = cond(st) == "" })
	return holds
}

// AwaitRevisions waits until no more than that many revisions of the set are left.
func (s *Set) AwaitRevisions(ctx context.Context, most int) {
	GinkgoHelper()
	s.NS.Expect(ctx, s.NS.Settings.Limits.Collected, fmt.Sprintf("no more than %d revisions of %s to be left", most, s.Name), func(st *history.State) string {
		var kept []string
		for _, e := range st.List(history.Revisions) {
			if c := e.Controller(); c != nil && c.UID == s.UID {
				kept = append(kept, e.Name)
			}
		}
		if len(kept) > most {
			return fmt.Sprintf("there are %d: %s", len(kept), strings.Join(kept, ", "))
		}
		return ""
	})
}
