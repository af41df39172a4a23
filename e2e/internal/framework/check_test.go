package framework

import (
	"errors"
	"fmt"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func TestOutcomeOfACheck(t *testing.T) {
	over := make(chan struct{})
	close(over)
	broken := errors.New("expected this, found that")
	unseen := fmt.Errorf("asking: %w", &inconclusiveError{broken})
	for _, c := range []struct {
		name string
		err  error
		over <-chan struct{}
		want history.Outcome
	}{
		{"held", nil, make(chan struct{}), history.Passed},
		{"held, though interrupted", nil, over, history.Passed},
		{"broken", broken, make(chan struct{}), history.Failed},
		{"broken in a spec that cannot be interrupted", broken, nil, history.Failed},
		{"broken by an interruption, for all that is known", broken, over, history.Inconclusive},
		{"not seen", unseen, make(chan struct{}), history.Inconclusive},
		{"not seen, interrupted", unseen, over, history.Inconclusive},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := outcome(c.err, c.over); got != c.want {
				t.Errorf("expected %s, found %s", c.want, got)
			}
		})
	}
}
