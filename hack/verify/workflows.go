package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// workflows holds the CI workflows to actionlint, and each action that they use to a commit: a tag can be moved.
func (c *checks) workflows(ctx context.Context, out io.Writer) error {
	files, err := filepath.Glob(filepath.Join(".github", "workflows", "*.y*ml"))
	if err != nil || len(files) == 0 {
		return err
	}
	var errs []error
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, action := range unpinned(string(data)) {
			errs = append(errs, fmt.Errorf("%s: expected %s by the digest of a commit, with its version behind a #", file, action))
		}
	}
	if err := ensure(ctx, out, "shellcheck", "shellcheck"); err != nil {
		errs = append(errs, err) // actionlint would pass over the scripts in the workflows
	}
	path, err := lintTool(ctx, out, actionlintModule, "actionlint")
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	return errors.Join(append(errs, command(ctx, out, path, append([]string{"-no-color"}, files...)...))...)
}

// unpinned returns the actions of a workflow that are not named by a commit; those of the repository itself need none.
func unpinned(workflow string) []string {
	var out []string
	pinned := regexp.MustCompile(`^[^@]+@[0-9a-f]{40}\s+# v\d\S*$`)
	for _, found := range regexp.MustCompile(`(?m)^\s*(?:-\s+)?uses:\s*(.*?)\s*$`).FindAllStringSubmatch(workflow, -1) {
		if action := found[1]; !strings.HasPrefix(action, "./") && !pinned.MatchString(action) {
			out = append(out, action)
		}
	}
	return out
}
