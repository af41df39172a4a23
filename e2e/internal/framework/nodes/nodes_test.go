package nodes

import (
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

func TestCannotDisrupt(t *testing.T) {
	if got := CannotDisrupt(new(framework.Cluster)); !strings.HasPrefix(got, "not applicable: ") || !strings.Contains(got, "make e2e LEVEL=disruptive") {
		t.Errorf("a cluster that somebody else made: expected the reason and what to do, found %q", got)
	}
	if got := CannotDisrupt(&framework.Cluster{Settings: runconfig.Settings{Kind: &runconfig.Kind{}}}); got != "" {
		t.Errorf("a cluster of the suite's own: expected it to be allowed, found %q", got)
	}
}
