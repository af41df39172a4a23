package engine

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/container"
)

func TestEnginesOfOtherMachinesAreRefused(t *testing.T) {
	for host, refused := range map[string]bool{
		"": false, "unix:///var/run/docker.sock": false, "npipe:////./pipe/docker_engine": false, "tcp://127.0.0.1:2375": false, "tcp://[::1]:2375": false,
		"tcp://localhost:2375": false, "tcp://docker:2375": true, "ssh://me@build.example": true, "tcp://192.0.2.1:2376": true,
	} {
		if err := notRemote("DOCKER_HOST", host, "unset it"); (err != nil) != refused {
			t.Errorf("%q: expected refused %t, found %v", host, refused, err)
		}
	}
}

// Docker's contexts and podman's variable lead to other machines as DOCKER_HOST does.
func TestClientsThatLeadToOtherMachinesAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		engine Engine
		said   string // by "docker context inspect"
		host   string // of CONTAINER_HOST
		want   string // "" where it is used
	}{
		"the default context":         {engine: *at(container.Docker), said: "echo default unix:///var/run/docker.sock", host: "ssh://me@build.example"},
		"colima":                      {engine: *at(container.Docker), said: "echo colima unix:///Users/me/.colima/default/docker.sock"},
		"a client without contexts":   {engine: *at(container.Docker), said: "exit 1"},
		"a context elsewhere":         {engine: *at(container.Docker), said: "echo build ssh://me@build.example", want: "docker context build=ssh://me@build.example: expected an engine on this machine"},
		"our own daemon beside it":    {engine: Engine{Client: container.Client{Program: container.Docker, Address: "unix:///run/ours.sock"}}, said: "echo build ssh://me@build.example"},
		"podman":                      {engine: *at(container.Podman), said: "echo build ssh://me@build.example"},
		"podman machine":              {engine: *at(container.Podman), host: "ssh://core@127.0.0.1:50000/run/podman/podman.sock"},
		"podman on another machine":   {engine: *at(container.Podman), host: "ssh://me@build.example/run/podman/podman.sock", want: "CONTAINER_HOST=ssh://me@build.example"},
		"an address without a scheme": {engine: *at(container.Podman), host: "/run/podman.sock"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "docker"), []byte("#!/bin/sh\n"+c.said+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
		t.Setenv("CONTAINER_HOST", c.host)
		err := c.engine.onThisMachine(t.Context())
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: expected one line with %q, found %v", name, c.want, err)
		}
	}
}

// The engine that answers is not used before it is known to be on this machine.
func TestEnsureRefusesAContextOfAnotherMachine(t *testing.T) {
	dir := t.TempDir()
	script := `case "$1" in version) echo 29.0.0;; context) echo build ssh://me@build.example;; esac`
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("XDG_CACHE_HOME", dir)
	t.Setenv("DOCKER_HOST", "")
	if _, err := Ensure(t.Context(), io.Discard); err == nil || !strings.Contains(err.Error(), `choose another with "docker context use"`) {
		t.Errorf("expected the context to be refused, found %v", err)
	}
}
