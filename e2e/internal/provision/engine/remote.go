package engine

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/container"
)

// onThisMachine refuses an engine that a client reaches on another machine by its own settings. Virtual machines of this one, as of Docker Desktop, colima
// and podman machine, are reached through sockets or the loopback.
func (e *Engine) onThisMachine(ctx context.Context) error {
	switch {
	case e.Address != "":
		return nil // the daemon of our own
	case e.Program == container.Podman:
		return notRemote("CONTAINER_HOST", os.Getenv("CONTAINER_HOST"), "unset it")
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	// The endpoint of the context that is in force; a client without contexts has the local engine alone.
	said, err := e.Output(ctx, "context", "inspect", "--format", "{{.Name}} {{.Endpoints.docker.Host}}")
	name, host, found := strings.Cut(strings.TrimSpace(said), " ")
	if err != nil || !found {
		return nil
	}
	return notRemote("docker context "+name, host, `choose another with "docker context use"`)
}

// notRemote refuses an address of another machine, which a setting has: kind publishes a cluster's API server on the loopback of the machine that the engine
// runs on.
func notRemote(setting, host, instead string) error {
	address, _ := url.Parse(host) // the client says what is wrong with it
	if address == nil || address.Hostname() == "" || address.Hostname() == "localhost" {
		return nil
	}
	if ip := net.ParseIP(address.Hostname()); ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("%s=%s: expected an engine on this machine, since kind clusters are reached through its loopback: %s, run the suite there, "+
		"or make a cluster by other means and use make certify", setting, host, instead)
}
