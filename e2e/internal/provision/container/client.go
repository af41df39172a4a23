// Package container runs the commands of a container engine's client, docker or podman. It stands on os/exec alone and finds, installs and
// starts no engine (package engine does): the users' command links it, for the node faults of the disruptive specs.
package container

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// The programs that are a container engine's client.
const (
	Docker = "docker"
	Podman = "podman"
)

// Client is a container engine's client.
type Client struct {
	// Program is Docker or Podman.
	Program string
	// Address is that of the engine, as in DOCKER_HOST; empty for the client's default.
	Address string
}

// At returns the client that reaches the engine at an address of Host, without asking whether the engine answers.
func At(host string) Client {
	switch host {
	case "":
		return Client{Program: Docker}
	case Podman:
		return Client{Program: Podman}
	}
	return Client{Program: Docker, Address: host}
}

// Host distinguishes this engine from another one: its address, empty for a client's default.
func (c Client) Host() string {
	switch {
	case c.Address != "":
		return c.Address
	case c.Program == Podman:
		return Podman
	}
	return os.Getenv("DOCKER_HOST")
}

// Env returns the settings that lead a child process (kind, docker) to this engine; they go after those of os.Environ.
func (c Client) Env() []string {
	switch {
	case c.Program == Podman:
		return []string{"KIND_EXPERIMENTAL_PROVIDER=podman"}
	case c.Address != "":
		return []string{"DOCKER_HOST=" + c.Address}
	}
	return nil
}

// Command prepares a command of the client.
func (c Client) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.Program, args...)
	cmd.Env = append(os.Environ(), c.Env()...)
	// A client that was stopped may leave children which hold its pipes open.
	cmd.WaitDelay = time.Second
	return cmd
}

// Output runs a command of the client and returns its standard output; the error holds its standard error.
func (c Client) Output(ctx context.Context, args ...string) (string, error) {
	cmd := c.Command(ctx, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w", c.Program, args[0], explain(ctx, err, stderr.String()))
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
