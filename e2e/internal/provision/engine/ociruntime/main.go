// Command ociruntime stands between a container engine and runc on hosts that withhold capabilities.
//
// A privileged container asks for every capability there is, and runc refuses a container that asks for one the host does not
// grant. ociruntime drops those from the container's configuration, then becomes runc. Where nothing is withheld it changes nothing.
//
// It is built alone, from this folder's files, and therefore uses the standard library only.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "ociruntime:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	runc, err := exec.LookPath("runc")
	if err != nil {
		return fmt.Errorf("runc is not installed: %w", err)
	}
	for _, file := range configurations(args) {
		granted, err := grantedCapabilities("/proc/self/status")
		if err != nil {
			return err
		}
		if err := dropFromFile(file, granted); err != nil {
			return err
		}
	}
	return syscall.Exec(runc, append([]string{"runc"}, args...), os.Environ())
}

// configurations names the files in which the given runc command line asks for capabilities: the bundle's config.json for create and
// run, the process file for exec, none for any other command.
func configurations(args []string) []string {
	command, rest := splitCommand(args)
	switch command {
	case "create", "run":
		bundle := flagValue(rest, "bundle", "b")
		if bundle == "" {
			bundle = "."
		}
		return []string{filepath.Join(bundle, "config.json")}
	case "exec":
		if process := flagValue(rest, "process", "p"); process != "" {
			return []string{process}
		}
	}
	return nil
}
