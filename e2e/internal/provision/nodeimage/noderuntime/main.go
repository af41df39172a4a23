//go:build linux

// Command noderuntime stands between containerd and crun in a node. Debian's crun 1.8 refuses a container whose configuration follows any version of the OCI
// runtime specification but 1.0 ("unknown version specified"), and containerd 2 writes the newest of 1.x, which adds fields that a container may leave out.
// noderuntime writes 1.0 there and becomes crun, which starts and ends a container with less than half of the processor time that runc takes.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	crun = "/usr/bin/crun"
	// version is the newest that crun 1.8 takes.
	version = "1.0.2"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "noderuntime:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if folder := bundle(args); folder != "" {
		if err := lower(filepath.Join(folder, "config.json")); err != nil {
			return err
		}
	}
	return syscall.Exec(crun, append([]string{crun}, args...), os.Environ())
}

// bundle is the folder of the container that a command makes, "" for commands on those that there are: only they leave out the flag --bundle.
func bundle(args []string) string {
	for i, arg := range args {
		if value, joined := strings.CutPrefix(arg, "--bundle="); joined {
			return value
		}
		if arg == "--bundle" && i+1 < len(args) {
			return args[i+1]
		}
	}
	return ""
}

// lower writes a version that crun takes into a container's configuration.
func lower(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var config map[string]json.RawMessage
	if err := json.Unmarshal(text, &config); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	config["ociVersion"] = json.RawMessage(`"` + version + `"`)
	if text, err = json.Marshal(config); err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}
