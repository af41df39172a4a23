package figures_test

import (
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/figures"
)

func TestObjectives(t *testing.T) {
	measured := []figures.Figure{
		{Kind: figures.PodReady, Count: 9, Median: 3, P95: 30, Max: 60}, {Kind: figures.PodReady, Of: "slow-node", Count: 2, Median: 50, P95: 60, Max: 60},
	}
	for text, want := range map[string]string{
		"pod-ready.p95=30s":       "pod-ready.p95: at most 30 s wanted, met: 30 s of 9",
		"pod-ready.p95=29.9s":     "pod-ready.p95: at most 29.9 s wanted, NOT MET: 30 s of 9",
		"pod-ready.median=1500ms": "pod-ready.median: at most 1.5 s wanted, NOT MET: 3 s of 9",
		"pod-ready.max=1m":        "pod-ready.max: at most 60 s wanted, met: 60 s of 9",
		"claim-bound.max=1m":      "claim-bound.max: at most 60 s wanted, never measured",
	} {
		got := figures.Hold([]string{text}, measured)
		if len(got) != 1 || got[0].String() != want || (got[0].Met && got[0].Count == 0) {
			t.Errorf("%s: expected %q, found %v", text, want, got)
		}
	}
	for _, text := range []string{"", "pod-ready=30s", "pod-ready.p99=30s", "pods.p95=30s", "pod-ready.p95", "pod-ready.p95=30", "pod-ready.p95=-1s"} {
		if _, err := figures.ParseObjective(text); err == nil {
			t.Errorf("%q: expected an error", text)
		}
	}
}
