package runner

import (
	"strings"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

func TestFittingLimits(t *testing.T) {
	tests := []struct {
		name, changes string
		start         time.Duration
		ready         time.Duration
		said          string
	}{
		{"a fast cluster", "", 3 * time.Second, 2 * time.Minute, ""},
		{"a slow one", "", 75 * time.Second, 5 * time.Minute, "limits: claim-bound=5m0s, pod-ready=5m0s, four times what the cluster took (a pod 75.0 s to start); LIMITS= sets others\n"},
		{"a slow one, and what a person has set", "pod-ready=3m claim-bound=90s", 75 * time.Second, 3 * time.Minute, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var said strings.Builder
			got, err := fittingLimits(runconfig.Measured{Started: tt.start.Seconds()}, tt.changes, &said)
			if err != nil || got.PodReady != tt.ready || said.String() != tt.said {
				t.Errorf("expected %v and %q, found %v, %q, %v", tt.ready, tt.said, got.PodReady, said.String(), err)
			}
		})
	}
}
