package version

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
)

// Dirty ends the version of a checkout that holds more than its commit, as git and Go write it.
const Dirty = "-dirty"

// OfCheckout returns the version of the suite that a checkout holds: its commit, after the last tag if there is one, and that files differ from
// it. For a folder that is not itself a checkout, or where git does not answer, it is Unknown.
func OfCheckout(ctx context.Context, dir string) string {
	git := func(args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, "git", args...)
		cmd.Dir = dir
		out, err := cmd.Output()
		return strings.TrimSpace(string(out)), err
	}
	top, err := git("rev-parse", "--show-toplevel")
	if err != nil || !same(top, dir) {
		// Files that were unpacked below somebody else's checkout are not of their commit.
		return Unknown
	}
	commit, err := git("describe", "--tags", "--always", "--abbrev=12")
	if err != nil || commit == "" {
		return Unknown
	}
	// Nothing is written into the checkout, not even git's own notes. A file that git does not know may be part of the program too.
	changed, err := git("--no-optional-locks", "status", "--porcelain")
	if err != nil {
		return Unknown
	}
	if changed != "" {
		commit += Dirty
	}
	return commit
}

// same reports whether two paths are of one folder.
func same(a, b string) bool {
	resolve := func(path string) (string, error) {
		full, err := filepath.Abs(path)
		if err != nil {
			return "", err
		}
		return filepath.EvalSymlinks(full)
	}
	first, err := resolve(a)
	if err != nil {
		return false
	}
	second, err := resolve(b)
	return err == nil && first == second
}
