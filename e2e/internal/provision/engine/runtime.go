package engine

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"math/bits"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strconv"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/host"
)

// The runtime's source travels in this package, so that it can be built wherever this package runs.
//
//go:embed ociruntime/main.go ociruntime/args.go ociruntime/capabilities.go
var runtimeSource embed.FS

// CapabilitiesMissing reports whether this process may not have every capability that the kernel knows.
func CapabilitiesMissing() (bool, error) {
	if goruntime.GOOS != "linux" {
		return false, nil // containers run in a machine of their own there
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false, err
	}
	last, err := os.ReadFile("/proc/sys/kernel/cap_last_cap")
	if err != nil {
		return false, err
	}
	return capabilitiesMissing(string(status), strings.TrimSpace(string(last)))
}

func capabilitiesMissing(status, lastCapability string) (bool, error) {
	last, err := strconv.Atoi(lastCapability)
	if err != nil {
		return false, fmt.Errorf("the kernel's last capability is %q, not a number", lastCapability)
	}
	for line := range strings.Lines(status) {
		hex, found := strings.CutPrefix(line, "CapBnd:")
		if !found {
			continue
		}
		mask, err := strconv.ParseUint(strings.TrimSpace(hex), 16, 64)
		if err != nil {
			return false, fmt.Errorf("the bounding set %q is not a hexadecimal number", strings.TrimSpace(hex))
		}
		return bits.OnesCount64(mask) < last+1, nil
	}
	return false, fmt.Errorf("the process status has no line CapBnd")
}

// buildRuntime builds the runtime wrapper below dir and returns its path.
func buildRuntime(ctx context.Context, dir string) (string, error) {
	build := filepath.Join(dir, "ociruntime")
	sources, err := fs.Sub(runtimeSource, "ociruntime")
	if err != nil {
		return "", err
	}
	if err := os.RemoveAll(build); err != nil {
		return "", err
	}
	if err := os.CopyFS(build, sources); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(build, "go.mod"), []byte("module ociruntime\n\ngo 1.26\n"), 0o644); err != nil {
		return "", err
	}
	binary := filepath.Join(build, "ociruntime")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, ".")
	cmd.Dir = build
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if _, err := host.Run(ctx, cmd); err != nil {
		return "", fmt.Errorf("the runtime wrapper could not be built: %w", err)
	}
	return binary, nil
}
