package host

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// errorLines is how many of its last lines the error of a failed program holds.
const errorLines = 10

// waitDelay is how long the children of a program that was stopped may keep its output open.
const waitDelay = 2 * time.Second

// Run runs a program and returns its standard output. The error names the program and holds the last lines of its standard error, or of
// its standard output where that is empty; after ctx has ended it is the cause.
func Run(ctx context.Context, cmd *exec.Cmd) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = waitDelay
	err := cmd.Run()
	if err == nil {
		return stdout.String(), nil
	}
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	text := stderr.String()
	if strings.TrimSpace(text) == "" {
		text = stdout.String()
	}
	return "", fmt.Errorf("%s: %w\n%s", name(cmd), err, LastLines(text, errorLines))
}

// name is a program with its first argument that is no flag, as in "go build".
func name(cmd *exec.Cmd) string {
	program := filepath.Base(cmd.Path)
	if len(cmd.Args) > 1 && !strings.HasPrefix(cmd.Args[1], "-") {
		return program + " " + cmd.Args[1]
	}
	return program
}

// LastLines returns the last n lines of a text.
func LastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// Install installs a Debian package with apt-get, which only root can do.
func Install(ctx context.Context, pkg string) error {
	for _, args := range [][]string{{"update"}, {"install", "--yes", "--no-install-recommends", pkg}} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if _, err := Run(ctx, cmd); err != nil {
			return err
		}
	}
	return nil
}
