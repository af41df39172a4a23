package specs

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner"
)

func TestRunRejectsSettings(t *testing.T) {
	var stderr strings.Builder
	if code := Run(t.Context(), runner.Parameters{Settings: filepath.Join(t.TempDir(), "none")}, &stderr); code != cli.ExitUsage || !strings.HasPrefix(stderr.String(), "settings: ") {
		t.Errorf("expected exit code %d and a line on settings, found %d and %q", cli.ExitUsage, code, stderr.String())
	}
}
