// Package version finds out which version of the suite runs: what the linker or the go command wrote into the program, else what git says
// of the checkout it runs in.
package version

import (
	"context"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"golang.org/x/mod/modfile"
)

// Unknown is the version of a suite about which nothing is known.
const Unknown = "unknown"

// Stamp is the linker's name of the variable that the version of a packed program is written into.
const Stamp = "github.com/hero-academy/statefulset-conformance/e2e/internal/version.stamp"

// stamp is empty in a program that was built in a checkout: one that named its commit would be linked anew for each.
//
//nolint:gochecknoglobals // The linker can set nothing else.
var stamp string

// OfProgram returns the version that is written into this program, or Unknown.
func OfProgram() string {
	if stamp != "" {
		return stamp
	}
	// The go command writes it for "go install ...@version".
	if info, ok := debug.ReadBuildInfo(); ok && strings.HasPrefix(info.Main.Version, "v") {
		return info.Main.Version
	}
	return Unknown
}

// OfSuite returns the version of the suite that this program carries: its own, or that of the suite's checkout in the folder dir.
func OfSuite(ctx context.Context, dir string) string {
	if v := OfProgram(); v != Unknown {
		return v
	}
	info, ok := debug.ReadBuildInfo()
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if !ok || err != nil || modfile.ModulePath(mod) != info.Main.Path {
		return Unknown
	}
	return OfCheckout(ctx, dir)
}
