package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// processes calls visit with the id and the command line of every process, until it returns false. Where there is no /proc it sees none.
func processes(visit func(pid int, command []string) bool) {
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if command := commandOf(pid); len(command) > 0 && !visit(pid, command) {
			return
		}
	}
}

// commandOf returns a process's command line, nothing when it has ended.
func commandOf(pid int) []string {
	line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if len(line) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
}

// processWith returns the id of the process that runs a program with an argument, 0 when there is none.
func processWith(program, argument string) int {
	found := 0
	processes(func(pid int, command []string) bool {
		if runs(command, program, argument) {
			found = pid
		}
		return found == 0
	})
	return found
}

func runs(command []string, program, argument string) bool {
	return len(command) > 0 && filepath.Base(command[0]) == program && slices.Contains(command[1:], argument)
}

// terminate ends the process that runs a program with an argument: SIGTERM, and SIGKILL after terminatesWithin.
func terminate(ctx context.Context, pid int, program, argument string) error {
	// The handle stays with this process: one that gets the same id later cannot be hit.
	process, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	defer func() { _ = process.Release() }()
	if !runs(commandOf(pid), program, argument) {
		return nil
	}
	if err := process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	killTimer := time.NewTimer(terminatesWithin)
	defer killTimer.Stop()
	for runs(commandOf(pid), program, argument) {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-killTimer.C:
			if err := process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
				return err
			}
		case <-tick.C:
		}
	}
	return nil
}

// otherDaemon describes a dockerd, where ours has ended, that shares this process's network, "" when there is none.
func otherDaemon() string {
	network, _ := os.Readlink("/proc/self/ns/net")
	found := ""
	processes(func(pid int, command []string) bool {
		if filepath.Base(command[0]) != "dockerd" {
			return true
		}
		if its, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", pid)); err == nil && its != network {
			return true
		}
		found = fmt.Sprintf("another docker daemon runs (pid %d)", pid)
		return false
	})
	return found
}
