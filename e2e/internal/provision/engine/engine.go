package engine

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/container"
)

// Project names everything that this project leaves on a machine: folders, labels, tags.
const Project = "statefulset-conformance"

// Engine is a container engine that answered.
type Engine struct {
	container.Client
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

// Ensure returns an engine that answers, starting one of our own where that is needed and possible. progress receives a line for each step that takes time.
func Ensure(ctx context.Context, progress io.Writer) (*Engine, error) {
	dir, err := CacheDir()
	if err != nil {
		return nil, err
	}
	// Before it is asked: an address that does not answer is refused as well.
	if err := notRemote("DOCKER_HOST", os.Getenv("DOCKER_HOST"), "unset it"); err != nil {
		return nil, err
	}
	daemon := newDaemon(filepath.Join(dir, "engine"))
	found, err := find(ctx, daemon)
	if err != nil {
		return nil, err
	}
	if found != nil {
		return found, found.onThisMachine(ctx)
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
	if host := os.Getenv("DOCKER_HOST"); host != "" && host != ours.Address {
		named := at(container.Docker)
		if err := named.probe(ctx); err != nil {
			return nil, fmt.Errorf("DOCKER_HOST=%s does not answer: %w; start that engine, or unset DOCKER_HOST to let another one be found", host, err)
		}
		return named, nil
	}
	// A daemon of our own comes first: it runs because there was no other, and the clusters are in it.
	if daemon.pid() != 0 {
		if err := daemon.awaitRunning(ctx); err != nil {
			return nil, err
		}
	}
	for _, candidate := range []*Engine{ours, at(container.Docker), at(container.Podman)} {
		if candidate.probe(ctx) == nil {
			return candidate, nil
		}
	}
	return nil, ctx.Err()
}

// probe reads the version of the engine, and fails when it does not answer.
func (e *Engine) probe(ctx context.Context) error {
	if _, err := exec.LookPath(e.Program); err != nil {
		return err
	}
	if socket, ok := strings.CutPrefix(e.Address, "unix://"); ok {
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
		return fmt.Sprintf("%s %s, started by this project, at %s", e.Program, e.version, e.Address)
	case e.Program == container.Docker && os.Getenv("DOCKER_HOST") != "":
		return fmt.Sprintf("docker %s at %s", e.version, os.Getenv("DOCKER_HOST"))
	}
	return fmt.Sprintf("%s %s", e.Program, e.version)
}

// Own reports whether the engine is this project's own daemon.
func (e *Engine) Own() bool { return e.own }

// at returns the engine that a client reaches by default.
func at(program string) *Engine { return &Engine{Client: container.Client{Program: program}} }

// IsOwnHost reports whether an address that Host returned leads to the daemon of our own.
func IsOwnHost(host string) bool {
	dir, err := CacheDir()
	return err == nil && host == newDaemon(filepath.Join(dir, "engine")).engine().Address
}

// ID returns what distinguishes the engine from another one that answers at its address later.
func (e *Engine) ID(ctx context.Context) (string, error) {
	format := "{{.ID}}"
	if e.Program == container.Podman {
		format = "{{.Store.GraphRoot}}"
	}
	id, err := e.Output(ctx, "info", "--format", format)
	return strings.TrimSpace(id), err
}

// CgroupVersion returns "1" or "2", the version of control groups that the engine's containers are under.
func (e *Engine) CgroupVersion(ctx context.Context) (string, error) {
	format := "{{.CgroupVersion}}"
	if e.Program == container.Podman {
		format = "{{.Host.CgroupsVersion}}"
	}
	version, err := e.Output(ctx, "info", "--format", format)
	return strings.TrimPrefix(strings.TrimSpace(version), "v"), err
}
