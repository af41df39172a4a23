package framework

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// HoldStill lets time pass in which, if the guarantee holds, nothing happens: long against the reaction that this recording has
// shown, so that a controller which did not halt would have acted. The controller is woken again and again meanwhile: one that only
// slept would seem to halt. It ends at once when cond returns a reason, which says that something did happen.
func (s *Set) HoldStill(ctx context.Context, cond func(*history.State) string) {
	GinkgoHelper()
	s.hold(ctx, 0, cond)
}

// HoldLong is HoldStill for at least that long.
func (s *Set) HoldLong(ctx context.Context, least time.Duration, cond func(*history.State) string) {
	GinkgoHelper()
	s.hold(ctx, least, cond)
}

const (
	// Patience tells a controller that halts from one which halts only for a while: a compromise, since no hold shows what happens after it.
	Patience = 6 * time.Second
	// PodGC is longer than the pod garbage collector of kube-controller-manager takes from one look at the pods to the next, 20 s.
	PodGC = 25 * time.Second
)

func (s *Set) hold(ctx context.Context, least time.Duration, cond func(*history.State) string) {
	GinkgoHelper()
	length, reaction := judge.Hold(s.NS.Recorded(ctx))
	Expect(reaction).To(BeNumerically(">", 0), "a hold proves something only against a reaction that was seen: let the controller act once first")
	// A margin over what judges ask for, since they count from events, not from here.
	length = max(min(length+length/4, longestHold), least)
	s.NS.Mark(history.VerbOther, "", "", "", fmt.Sprintf("hold still for %.1f s, %.0f times the reaction of %.2f s", length.Seconds(), float64(length)/float64(reaction), reaction.Seconds()))
	for range wakes {
		err := s.NS.Await(ctx, length/wakes, "nothing to happen", func(st *history.State) string {
			if cond(st) != "" {
				return "" // decided: it happened, so there is nothing to wait for
			}
			return "nothing has happened"
		})
		if err == nil {
			// The judges tell it better, from the history, if what the spec does next comes clearly after it.
			_ = s.NS.Await(ctx, apart, "some time to pass", func(*history.State) string { return "what happened may still mix with what comes next" })
			return
		}
		// It is not marked as an act: there is nothing that anybody could owe to it.
		if err := s.NS.wake(ctx, s.Name); !apierrors.IsNotFound(err) {
			Expect(err).NotTo(HaveOccurred(), "waking the controller of set %s", s.Name)
		}
	}
}

// longestHold ends what a controller that was away for long would draw out: its absence counts as a reaction. Judges say then that the hold
// was too short to decide.
const longestHold = 2 * time.Minute

// apart is more than two watches can be out of step.
const apart = time.Second

// wakes is how often a controller is woken in a stretch in which it is to do nothing.
const wakes = 6
