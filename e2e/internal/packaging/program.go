// Package packaging packs the suite for places that have no Go, no registry or no network: its program, a container image of it, and one
// archive with everything that a run needs. Only the developers' command links it.
package packaging

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/version"
)

// Command is the name of the suite's program, which is whole: the specs are compiled into it.
const Command = "conformance"

// Architectures are those that the suite can be packed for, as GOARCH names them.
func Architectures() []string { return []string{"amd64", "arm64"} }

// Build compiles the program into dir, for Linux on an architecture. It is static: an empty image can run it. Build must run in
// the checkout, whose version is written into the program.
func Build(ctx context.Context, dir, architecture string) error {
	return BuildFor(ctx, dir, Platform{"linux", architecture})
}

// BuildFor is Build for any platform.
func BuildFor(ctx context.Context, dir string, p Platform) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -X "+version.Stamp+"="+version.OfCheckout(ctx, "."),
		"-o", filepath.Join(dir, Command), "./e2e/cmd/conformance")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+p.OS, "GOARCH="+p.Arch)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}
