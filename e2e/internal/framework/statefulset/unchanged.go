package statefulset

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

const (
	// LongUnchanged is meant to catch a controller that halts only for a while. It is a compromise, since no stretch shows what happens
	// after it.
	LongUnchanged = 6 * time.Second
	// PodGCPeriod is longer than the 20 s between two runs of kube-controller-manager's pod garbage collector.
	PodGCPeriod = 25 * time.Second

	// maxUnchanged bounds the stretch after a controller that was away for long, since its absence counts as its reaction. Judges find the
	// stretch too short to decide then.
	maxUnchanged = 2 * time.Minute
	// watchSkew is more than two watches can be out of step.
	watchSkew = time.Second
	// syncs is how often a sync of the set is triggered in a stretch without change.
	syncs = 6
)

// ExpectUnchanged waits through a stretch in which a condition should stay met. The stretch is long against the reaction of the controller
// that this recording shows, so that a controller which does not halt would have acted. Syncs are triggered meanwhile, since a controller
// that is idle would seem to halt. It returns at once when the condition is not met any more, which judges decide on.
func (s *Set) ExpectUnchanged(ctx context.Context, condition framework.Condition) {
	GinkgoHelper()
	s.ExpectUnchangedFor(ctx, 0, condition)
}

// ExpectUnchangedFor is ExpectUnchanged for at least that long.
func (s *Set) ExpectUnchangedFor(ctx context.Context, least time.Duration, condition framework.Condition) {
	GinkgoHelper()
	length, reaction := judge.Hold(s.NS.Recorded(ctx))
	Expect(reaction).To(BeNumerically(">", 0), "a stretch without change proves something only against a reaction that was seen: let the controller act once first")
	// A margin over what judges ask for, since they count from events, not from here.
	length = max(min(length+length/4, maxUnchanged), least)
	s.NS.Note(fmt.Sprintf("expect no change for %.1f s, %.0f times the reaction of %.2f s", length.Seconds(), float64(length)/float64(reaction), reaction.Seconds()))
	for range syncs {
		err := s.NS.Await(ctx, length/syncs, "nothing to happen", func(st *history.State) string {
			if condition(st) != "" {
				return "" // it changed, so there is nothing to wait for
			}
			return "nothing has happened"
		})
		if err == nil {
			// Judges can name the violation from the history if what the spec does next comes clearly after it.
			_ = s.NS.Await(ctx, watchSkew, "some time to pass", func(*history.State) string { return "the change may still mix with what comes next" })
			return
		}
		if err := s.NS.TriggerSync(ctx, s.Name); !apierrors.IsNotFound(err) {
			Expect(err).NotTo(HaveOccurred(), "triggering a sync of set %s", s.Name)
		}
	}
	// What a silent watch still holds back would be taken for the effect of what the spec does next.
	s.NS.AwaitComplete(ctx)
}

// PodsExist is met while the pods that now have those ordinals exist, terminating or not.
func (s *Set) PodsExist(ordinals ...int) framework.Condition {
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

// NotTerminating is met while the pods that now have those ordinals exist and nobody has deleted them.
func (s *Set) NotTerminating(ordinals ...int) framework.Condition {
	was := map[int]*history.Event{}
	s.NS.View(func(st *history.State) {
		for _, n := range ordinals {
			was[n] = st.Get(history.Pods, s.Pod(n)) // nil where it is gone already: judges decide on that as well
		}
	})
	return func(st *history.State) string {
		for _, n := range ordinals {
			switch e := st.Get(history.Pods, s.Pod(n)); {
			case e == nil || was[n] == nil || e.UID != was[n].UID:
				return fmt.Sprintf("expected %s to stay, but it is gone", s.Pod(n))
			case e.Terminating():
				return fmt.Sprintf("expected %s to stay, found it terminating at %s", e.Name, e.Ref())
			}
		}
		return ""
	}
}

// NotCreated is met while no pod of that ordinal exists.
func (s *Set) NotCreated(ordinal int) framework.Condition {
	return func(st *history.State) string {
		if e := st.Get(history.Pods, s.Pod(ordinal)); e != nil {
			return fmt.Sprintf("expected %s not to be created, found it at %s", e.Name, e.Ref())
		}
		return ""
	}
}

// Pending is met while the phase of the pod of that ordinal is Pending.
func (s *Set) Pending(ordinal int) framework.Condition {
	return func(st *history.State) string {
		if e := st.Get(history.Pods, s.Pod(ordinal)); e == nil || e.Pod.Phase != corev1.PodPending {
			return fmt.Sprintf("expected %s to stay Pending, found: %s", s.Pod(ordinal), framework.PodReady(s.Pod(ordinal))(st))
		}
		return ""
	}
}

// ClaimNotTerminating is met while the claim of that ordinal exists and nobody has deleted it.
func (s *Set) ClaimNotTerminating(template string, ordinal int) framework.Condition {
	return func(st *history.State) string {
		if e := st.Get(history.Claims, s.Claim(template, ordinal)); e == nil || e.Terminating() {
			return fmt.Sprintf("expected claim %s to stay, found it deleted", s.Claim(template, ordinal))
		}
		return ""
	}
}
