package main

import (
	"bufio"
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// shellScripts holds every shell script of the checkout to shellcheck.
func shellScripts(ctx context.Context, out io.Writer) error {
	scripts, err := findScripts(".")
	if err != nil || len(scripts) == 0 {
		return err
	}
	if err := ensure(ctx, out, "shellcheck", "shellcheck"); err != nil {
		return err
	}
	return command(ctx, out, "shellcheck", scripts...)
}

// findScripts returns the files below a folder that a shell is to read, by their name or their first line.
func findScripts(root string) ([]string, error) {
	var scripts []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			switch filepath.ToSlash(path) {
			case ".git", ".bin", "report":
				return filepath.SkipDir
			}
			return nil
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		is, err := isScript(path)
		if is {
			scripts = append(scripts, path)
		}
		return err
	})
	return scripts, err
}

func isScript(path string) (bool, error) {
	if strings.HasSuffix(path, ".sh") || strings.HasSuffix(path, ".bash") {
		return true, nil
	}
	if filepath.Ext(path) != "" {
		return false, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	first, _ := bufio.NewReader(io.LimitReader(file, 200)).ReadString('\n')
	return regexp.MatchString(`^#!\s*\S*/(env\s+)?(ba|da|k)?sh\b`, first)
}
