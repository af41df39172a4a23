package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// The linters are pinned in modules of their own, so that what they require never meets what the suite, or another, requires.
const (
	lintModule       = "hack/lint"
	actionlintModule = "hack/lint/actionlint"
)

// modules are the folders with a go.mod.
func modules() []string { return []string{".", lintModule, actionlintModule} }

// checks are the project's checks, on the checkout in the working directory.
type checks struct {
	out io.Writer
	// linter is the golangci-lint that the step before the linting has built.
	linter string
	// browser is what the step before the tests found to test the report's page in, or "none".
	browser string
	// linterCache is below the project's cache folder, which `make clean` removes.
	linterCache string
}

func newChecks(out io.Writer) (*checks, error) {
	if _, err := os.Stat(filepath.Join(lintModule, "go.mod")); err != nil {
		return nil, fmt.Errorf("expected to run in the checkout's top folder (through make): %w", err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("no cache folder: %w; set XDG_CACHE_HOME or HOME", err)
	}
	return &checks{out: out, linterCache: filepath.Join(cache, "statefulset-conformance", "lint")}, nil
}

// check lists what is held against the files of the checkout.
func (c *checks) check() []step {
	return []step{
		{name: "modules are tidy", mend: "make fmt", run: c.tidy},
		{
			name: "linters are built", note: "once for a version of them and of Go; some minutes the first time",
			run: c.buildLinter,
		},
		{name: "code is formatted", mend: "make fmt", run: func(ctx context.Context, out io.Writer) error {
			return c.lint(ctx, out, "fmt", "--diff")
		}},
		// Two checkouts may be checked at a time; the linter would refuse the second.
		{name: "lint", run: func(ctx context.Context, out io.Writer) error {
			return c.lint(ctx, out, "run", "--allow-parallel-runners", "./...")
		}},
		{name: "shell scripts", run: shellScripts},
		{name: "workflows", run: c.workflows},
	}
}

// test lists what runs the code.
func (c *checks) test() []step {
	return []step{
		{name: "go vet", run: func(ctx context.Context, out io.Writer) error { return command(ctx, out, "go", "vet", "./...") }},
		{name: "the report's page in a browser", note: "among the unit tests, if Chromium can be had", run: c.findBrowser},
		{name: "unit tests", note: "with the race detector; some minutes the first time", live: true, run: c.unitTests},
		{
			name: "legal histories", note: "ten thousand of them, their mutations and the golden verdicts, which the race detector would make too slow", live: true,
			run: func(ctx context.Context, out io.Writer) error {
				return command(ctx, out, "go", "test", "./e2e/internal/judge")
			},
		},
	}
}

// mend lists what puts right what check finds.
func (c *checks) mend() []step {
	return []step{
		{name: "tidy the modules", run: func(ctx context.Context, out io.Writer) error {
			var errs []error
			for _, dir := range modules() {
				errs = append(errs, command(ctx, out, "go", "-C", dir, "mod", "tidy"))
			}
			return errors.Join(errs...)
		}},
		{name: "build the linters", note: "some minutes the first time", run: c.buildLinter},
		{name: "format the code", run: func(ctx context.Context, out io.Writer) error { return c.lint(ctx, out, "fmt") }},
	}
}

func (c *checks) tidy(ctx context.Context, out io.Writer) error {
	var errs []error
	for _, dir := range modules() {
		errs = append(errs, command(ctx, out, "go", "-C", dir, "mod", "tidy", "-diff"))
	}
	return errors.Join(errs...)
}

// buildLinter has go build golangci-lint into its own cache, which is keyed by content, and keeps the path.
func (c *checks) buildLinter(ctx context.Context, out io.Writer) (err error) {
	c.linter, err = lintTool(ctx, out, lintModule, "golangci-lint")
	return err
}

// lintTool has go build the tool that a module pins and returns its path.
func lintTool(ctx context.Context, out io.Writer, module, name string) (string, error) {
	var path strings.Builder
	cmd := prepare(ctx, "go", "-C", module, "tool", "-n", name)
	cmd.Stdout, cmd.Stderr = &path, out
	if err := cmd.Run(); err != nil {
		return "", err
	}
	return strings.TrimSpace(path.String()), nil
}

func (c *checks) lint(ctx context.Context, out io.Writer, args ...string) error {
	if c.linter == "" {
		return errors.New("the linters could not be built, see above")
	}
	cmd := prepare(ctx, c.linter, args...)
	cmd.Env = append(os.Environ(), "GOLANGCI_LINT_CACHE="+c.linterCache)
	cmd.Stdout, cmd.Stderr = out, out
	return cmd.Run()
}

// unitTests runs all tests that need no cluster. The race detector needs a C compiler.
func (c *checks) unitTests(ctx context.Context, out io.Writer) error {
	if os.Getenv("CC") == "" {
		if err := ensure(ctx, out, "gcc", "gcc", "libc6-dev"); err != nil {
			return err
		}
	}
	cmd := prepare(ctx, "go", "test", "-race", "./...")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1", browserVariable+"="+c.browser)
	cmd.Stdout, cmd.Stderr = out, out
	return cmd.Run()
}
