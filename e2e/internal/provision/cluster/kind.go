package cluster

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"sigs.k8s.io/e2e-framework/support"
	"sigs.k8s.io/e2e-framework/support/kind"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
)

// configName is the kind configuration at the top of the project.
const configName = "kind-config.yaml"

// projectDir finds the folder of this project's go.mod and kind configuration, at or above the current one.
func projectDir() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		_, noMod := os.Stat(filepath.Join(dir, "go.mod"))
		_, noConfig := os.Stat(filepath.Join(dir, configName))
		if noMod == nil && noConfig == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no folder at or above %s holds go.mod and %s: a cluster is made from within the project", start, configName)
		}
	}
}

// kindBinary has the go command build the kind that go.mod names, and returns its path in the build cache.
func kindBinary(ctx context.Context, project string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "tool", "-n", "kind")
	cmd.Dir = project
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		return "", fmt.Errorf("kind cannot be built: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(string(out)), nil
}

// installKind puts into the cluster's folder a kind that talks to the given engine and knows no kubeconfig but the cluster's own: the
// framework has no way to hand settings to the kind it runs, other than through the environment of this whole process. It runs as a
// process group of its own, whose number it leaves in a file, so that the clients it has started can be ended together with it.
func (p stateDir) installKind(binary string, e *engine.Engine) error {
	if strings.ContainsAny(p.dir, " \t'\"") {
		return fmt.Errorf("the folder %s has a space or a quote in its path, with which the framework cannot run kind: set XDG_CACHE_HOME", p.dir)
	}
	var script strings.Builder
	script.WriteString("#!/bin/sh\n")
	for _, setting := range append(e.Env(), "KUBECONFIG="+p.kubeconfig()) {
		key, value, _ := strings.Cut(setting, "=")
		fmt.Fprintf(&script, "export %s=%s\n", key, shellQuote(value))
	}
	// Where there is no setsid, on a Mac, kind stays in this process's group and is stopped by itself.
	fmt.Fprintf(&script, "echo $$ >%s\nif command -v setsid >/dev/null; then exec setsid %[2]s \"$@\"; fi\nexec %[2]s \"$@\"\n",
		shellQuote(p.file("kind.pid")), shellQuote(binary))
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(p.file("kind"), []byte(script.String()), 0o700)
}

// stopKind ends the process group of a kind that is at work.
func (p stateDir) stopKind() {
	text, err := os.ReadFile(p.file("kind.pid"))
	if err != nil {
		return
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 1 {
		return
	}
	if syscall.Kill(-pid, syscall.SIGKILL) != nil {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

func shellQuote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// provider is the framework's handle on the kind cluster of that name.
func (p stateDir) provider(name, image string) support.E2EClusterProvider {
	return kind.NewProvider().WithName(name).WithPath(p.file("kind")).WithOpts(kind.WithImage(image))
}

// create has kind make the cluster and leaves its kubeconfig at its place.
func (p stateDir) create(ctx context.Context, name, image string, config []byte) error {
	file := p.file(configName)
	if err := os.WriteFile(file, config, 0o600); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, p.stopKind)
	defer stop()
	copied, err := p.provider(name, image).Create(ctx, "--config", file, "--kubeconfig", p.kubeconfig())
	if copied != "" {
		// The framework takes a copy of its own into the folder for temporary files.
		err = errors.Join(err, os.Remove(copied))
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// digest tells one kind configuration from another.
func digest(config []byte) string {
	sum := sha256.Sum256(config)
	return hex.EncodeToString(sum[:6])
}
