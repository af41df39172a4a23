package engine

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// machine is what the decision about an engine of our own rests on.
type machine struct {
	root      bool
	debian    bool
	installed bool // docker's daemon and client are on the machine
}

// action is what provides an engine.
type action int

const (
	startDaemon action = iota
	installThenStart
)

// decide says how an engine can be had on a machine where none answers, or what its person has to do for one.
func decide(h machine) (action, error) {
	switch {
	case h.root && h.installed:
		return startDaemon, nil
	case h.root && h.debian:
		return installThenStart, nil
	case h.installed:
		return 0, errors.New("no container engine answers and only root can start one: start Docker (for instance: sudo systemctl start docker) and join the docker group, or set DOCKER_HOST to an engine that runs")
	case h.debian:
		return 0, errors.New("no container engine answers and only root can install one: install and start Docker (sudo apt-get install docker.io) and join the docker group, or set DOCKER_HOST to an engine that runs")
	}
	return 0, errors.New("no container engine answers: install and start Docker (https://docs.docker.com/engine/install/) or podman, or set DOCKER_HOST to an engine that runs")
}

func observe() machine {
	release, _ := os.ReadFile("/etc/os-release")
	_, noDaemon := exec.LookPath("dockerd")
	_, noClient := exec.LookPath("docker")
	return machine{
		root:      os.Geteuid() == 0,
		debian:    debianLike(string(release)),
		installed: noDaemon == nil && noClient == nil,
	}
}

// debianLike reads from the text of /etc/os-release whether the system is Debian or descends from it.
func debianLike(osRelease string) bool {
	for line := range strings.Lines(osRelease) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if key != "ID" && key != "ID_LIKE" {
			continue
		}
		if slices.Contains(strings.Fields(strings.Trim(value, `"'`)), "debian") {
			return true
		}
	}
	return false
}
