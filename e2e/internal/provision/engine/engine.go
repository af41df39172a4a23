// Package engine finds the container engine of this machine, or provides one.
//
// An engine that answers is used as it is. Where none does and the caller is root on a Debian-like system, docker.io is installed and
// a daemon of our own is started, with its data, sockets and log in the project's cache folder; it outlives the process that
// started it and is found again by the next one. Anywhere else Ensure says at once what to install or start.
package engine

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Project names everything that this project leaves on a machine: folders, labels, tags.
const Project = "statefulset-conformance"

// answerWithin is how long an engine may take to say its version before it counts as not answering.
const answerWithin = 5 * time.Second

// Engine is a container engine that answered.
type Engine struct {
	client  string
	host    string
	version string
	own     bool
}

// CacheDir returns the folder in which this project keeps all that it can make again.
func CacheDir() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder: %w; set XDG_CACHE_HOME or HOME", err)
	}
	return filepath.Join(base, Project), nil
}

// Ensure returns an engine that answers, starting one of our own where that is needed and possible. What takes time is told on progress.
func Ensure(ctx context.Context, progress io.Writer) (*Engine, error) {
	dir, err := CacheDir()
	if err != nil {
		return nil, err
	}
	daemon := newDaemon(filepath.Join(dir, "engine"))
	found, err := find(ctx, daemon)
	if found != nil || err != nil {
		return found, err
	}
	what, err := decide(observe())
	if err != nil {
		return nil, err
	}
	return daemon.provide(ctx, what, progress)
}

// Find returns the engine that Ensure would use, or nil when none answers; it starts nothing.
func Find(ctx context.Context) (*Engine, error) {
	dir, err := CacheDir()
	if err != nil {
		return nil, err
	}
	return find(ctx, newDaemon(filepath.Join(dir, "engine")))
}

func find(ctx context.Context, daemon *daemon) (*Engine, error) {
	ours := daemon.engine()
	if host := os.Getenv("DOCKER_HOST"); host != "" && host != ours.host {
		named := &Engine{client: "docker"}
		if err := named.ask(ctx); err != nil {
			return nil, fmt.Errorf("DOCKER_HOST=%s does not answer: %w; start that engine, or unset DOCKER_HOST to let another one be found", host, err)
		}
		return named, nil
	}
	// A daemon of our own comes first: it runs because there was no other, and the clusters are in it.
	for _, candidate := range []*Engine{ours, {client: "docker"}, {client: "podman"}} {
		if candidate.ask(ctx) == nil {
			return candidate, nil
		}
	}
	return nil, ctx.Err()
}

// ask has the engine say its version, and fails when it does not.
func (e *Engine) ask(ctx context.Context) error {
	if _, err := exec.LookPath(e.client); err != nil {
		return err
	}
	if socket, ok := strings.CutPrefix(e.host, "unix://"); ok {
		if _, err := os.Stat(socket); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	version, err := e.Output(ctx, "version", "--format", "{{.Server.Version}}")
	if err != nil {
		return err
	}
	e.version = strings.TrimSpace(version)
	return nil
}

// String describes the engine for a person.
func (e *Engine) String() string {
	switch {
	case e.own:
		return fmt.Sprintf("%s %s, started by this project, at %s", e.client, e.version, e.host)
	case e.client == "docker" && os.Getenv("DOCKER_HOST") != "":
		return fmt.Sprintf("docker %s at %s", e.version, os.Getenv("DOCKER_HOST"))
	}
	return fmt.Sprintf("%s %s", e.client, e.version)
}

// Own reports whether the engine is this project's own daemon.
func (e *Engine) Own() bool { return e.own }

// Host tells this engine from another one: the address that leads to it, empty for a client's default.
func (e *Engine) Host() string {
	switch {
	case e.host != "":
		return e.host
	case e.client == "podman":
		return "podman"
	}
	return os.Getenv("DOCKER_HOST")
}

// At returns the engine that an address of Host leads to, without asking whether it answers.
func At(host string) *Engine {
	switch host {
	case "":
		return &Engine{client: "docker"}
	case "podman":
		return &Engine{client: "podman"}
	}
	return &Engine{client: "docker", host: host}
}

// IsOwnHost reports whether an address that Host returned leads to the daemon of our own.
func IsOwnHost(host string) bool {
	dir, err := CacheDir()
	return err == nil && host == newDaemon(filepath.Join(dir, "engine")).engine().host
}

// Env returns the settings that lead a child process (kind, docker) to this engine; they go after those of os.Environ.
func (e *Engine) Env() []string {
	switch {
	case e.client == "podman":
		return []string{"KIND_EXPERIMENTAL_PROVIDER=podman"}
	case e.host != "":
		return []string{"DOCKER_HOST=" + e.host}
	}
	return nil
}

// Command prepares a command of the engine's client.
func (e *Engine) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, e.client, args...)
	cmd.Env = append(os.Environ(), e.Env()...)
	// A client that was told to stop may leave children which hold its pipes open.
	cmd.WaitDelay = time.Second
	return cmd
}

// Output runs a command of the engine's client and returns what it printed; the error holds what it complained of.
func (e *Engine) Output(ctx context.Context, args ...string) (string, error) {
	cmd := e.Command(ctx, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w", e.client, args[0], explain(ctx, err, stderr.String()))
	}
	return stdout.String(), nil
}

// explain prefers, of a failed command, the reason it gave itself.
func explain(ctx context.Context, err error, stderr string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if text := strings.TrimSpace(stderr); text != "" {
		return fmt.Errorf("%s", text)
	}
	return err
}

// CgroupVersion returns "1" or "2", the version of control groups that the engine's containers are under.
func (e *Engine) CgroupVersion(ctx context.Context) (string, error) {
	format := "{{.CgroupVersion}}"
	if e.client == "podman" {
		format = "{{.Host.CgroupsVersion}}"
	}
	version, err := e.Output(ctx, "info", "--format", format)
	return strings.TrimPrefix(strings.TrimSpace(version), "v"), err
}
