package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// TestKilledInTime: a container that goes on after its stop signal is killed when the grace period is over.
func TestKilledInTime(t *testing.T) {
	const grace = historytest.Grace
	for name, c := range map[string]struct {
		after time.Duration // until the container ends, 0 for never
		code  int32
		want  history.Outcome
	}{
		"when it was over":                     {grace * time.Second, 137, history.Passed},
		"some seconds later":                   {(grace + 10) * time.Second, 137, history.Passed},
		"after twice that":                     {(2*grace + 20) * time.Second, 137, history.Failed},
		"never":                                {0, 0, history.Failed},
		"sooner, by anybody":                   {10 * time.Second, 137, history.Inconclusive},
		"not at all, since it ended by itself": {10 * time.Second, 7, history.Inconclusive},
	} {
		b := historytest.New()
		b.Operation(history.VerbCreate, history.Sets, "web")
		b.Running("web", 1)
		pod := b.Get(history.Pods, "web-0")
		scaleToZero(b)
		b.Terminate("web-0")
		if c.after > 0 {
			end(b, c.after, c.code)
		} else {
			b.Wait(2 * time.Minute)
		}
		b.ExpectOf(pod, history.Expectation{Guarantee: expectedGuarantee, Kind: history.ExpectContainerExit, ExitCode: 137, GraceSeconds: grace, Text: "killed"})
		r := resultOf(judge.History(b.History()))
		if found := outcomeOf(r); found != c.want {
			t.Errorf("killed %s: expected %s, found %s: %+v", name, c.want, found, r)
		}
	}
}
