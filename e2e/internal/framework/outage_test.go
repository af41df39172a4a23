package framework

import (
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

func TestOnlyAClusterOfTheSuitesOwnIsHurt(t *testing.T) {
	if got := new(Cluster).BeyondHurt(); !strings.HasPrefix(got, "not applicable: ") || !strings.Contains(got, "make e2e LEVEL=disruptive") {
		t.Errorf("a cluster that is somebody's: expected the reason and what to do, found %q", got)
	}
	if got := (&Cluster{Settings: runconfig.Settings{Kind: &runconfig.Kind{}}}).BeyondHurt(); got != "" {
		t.Errorf("a cluster of the suite's own: expected it to be hurt, found %q", got)
	}
}
