// Package packaging packs the suite for places that have no Go, no registry or no network: its programs, a container image of them, and
// one archive with everything that a run needs.
package packaging

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// The programs of the suite, below the folder that they are packed into. The command finds the other two beside itself.
const (
	Command = "conformance"
	Suite   = "suite/e2e.test"
	Ginkgo  = "suite/ginkgo"
)

// Programs are the names of all programs.
func Programs() []string { return []string{Command, Suite, Ginkgo} }

// Packed returns the folder that the running program was packed into with its companions, "" if it was not.
func Packed() string {
	self, err := os.Executable()
	if err != nil {
		return ""
	}
	if self, err = filepath.EvalSymlinks(self); err != nil {
		return ""
	}
	dir := filepath.Dir(self)
	for _, program := range []string{Suite, Ginkgo} {
		if _, err := os.Stat(filepath.Join(dir, program)); err != nil {
			return ""
		}
	}
	return dir
}

// Build compiles the programs into dir, for Linux on this machine's architecture. They need no library: an empty image can run them.
// It wants to run in the checkout, whose version it has the command name.
func Build(ctx context.Context, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	const flags = "-s -w"
	for _, args := range [][]string{
		// Nothing but the command is linked anew for another commit.
		{"build", "-ldflags=" + flags + " -X main.stamp=" + Version(ctx, "."), "-o", filepath.Join(dir, Command), "./e2e/cmd/conformance"},
		{"test", "-c", "-ldflags=" + flags, "-o", filepath.Join(dir, Suite), "./e2e/specs"},
		{"build", "-ldflags=" + flags, "-o", filepath.Join(dir, Ginkgo), "github.com/onsi/ginkgo/v2/ginkgo"},
	} {
		args = slices.Concat(args[:1], []string{"-trimpath", "-buildvcs=false"}, args[1:])
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go %s: %w\n%s", args[0], err, out)
		}
	}
	return nil
}
