package report

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

func TestLag(t *testing.T) {
	t.Parallel()
	if got := lagOf([]verdict.JudgedHistory{{Lag: 2 * time.Second}}); got != nil {
		t.Errorf("expected nothing of histories without a response, found %v", got)
	}
	got := lagOf([]verdict.JudgedHistory{
		{Lag: 2 * time.Second, Responses: []time.Duration{1_886_000_001, 40 * time.Millisecond}},
		{Lag: 2 * time.Second, Responses: []time.Duration{369 * time.Millisecond}},
	}).String()
	if want := "up to 2 s are allowed for; 3 changes of sets showed in the status after 0.369 s (median), the last to show after 1.886 s"; got != want {
		t.Errorf("expected %q, found %q", want, got)
	}
}
