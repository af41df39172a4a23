package engine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/host"
)

// Clean ends this project's own daemon and removes its containers, networks, mounts and data. Another engine is not touched.
func Clean(ctx context.Context, progress io.Writer) error {
	dir, err := CacheDir()
	if err != nil {
		return err
	}
	d := newDaemon(filepath.Join(dir, "engine"))
	if _, err := os.Stat(d.dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	unlock, err := host.Lock(ctx, d.dir+".lock")
	if err != nil {
		return err
	}
	defer unlock()

	if pid := d.pid(); pid != 0 {
		fmt.Fprintf(progress, "engine: stopping the docker daemon of our own (pid %d)\n", pid)
		if err := d.removeContainers(ctx); err != nil {
			fmt.Fprintf(progress, "engine: %v\n", err)
		}
		if err := terminate(ctx, pid, func() bool { return d.pid() != pid }); err != nil {
			return err
		}
	}
	if err := d.stopContainerd(ctx); err != nil {
		return err
	}
	if err := d.restoreFirewall(ctx); err != nil {
		return err
	}
	for _, root := range []string{d.dir, d.runtime} {
		if err := unmountBelow(root); err != nil {
			return err
		}
		if err := os.RemoveAll(root); err != nil {
			return err
		}
	}
	return os.Remove(d.dir + ".lock")
}

// removeContainers removes the daemon's containers and networks, whose processes and interfaces would outlive it.
func (d *daemon) removeContainers(ctx context.Context) error {
	ours := d.engine()
	if err := ours.probe(ctx); err != nil {
		return err
	}
	containers, err := ours.Output(ctx, "ps", "--all", "--quiet")
	if err != nil {
		return err
	}
	if ids := strings.Fields(containers); len(ids) > 0 {
		if _, err := ours.Output(ctx, append([]string{"rm", "--force", "--volumes"}, ids...)...); err != nil {
			return err
		}
	}
	_, err = ours.Output(ctx, "network", "prune", "--force")
	return err
}

// stopContainerd ends the containerd that dockerd had started, where dockerd did not live to do so.
func (d *daemon) stopContainerd(ctx context.Context) error {
	text, err := os.ReadFile(filepath.Join(d.runtime, "containerd", "containerd.pid"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	settings := filepath.Join(d.runtime, "containerd", "containerd.toml")
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || !commandHas(pid, settings) {
		return nil //nolint:nilerr // The file is stale: no containerd of ours runs.
	}
	return terminate(ctx, pid, func() bool { return !commandHas(pid, settings) })
}

// terminate sends SIGTERM to a process, and SIGKILL after terminatesWithin.
func terminate(ctx context.Context, pid int, gone func() bool) error {
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	killTimer := time.NewTimer(terminatesWithin)
	defer killTimer.Stop()
	for !gone() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-killTimer.C:
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				return err
			}
		case <-tick.C:
		}
	}
	return nil
}

// mountsBelow lists the mount points at or below a folder, the innermost first.
func mountsBelow(mountinfo io.Reader, dir string) ([]string, error) {
	var points []string
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	for lines := bufio.NewScanner(mountinfo); ; {
		if !lines.Scan() {
			slices.Reverse(points)
			return points, lines.Err()
		}
		fields := strings.Fields(lines.Text())
		if len(fields) < 5 {
			continue
		}
		if point := unescape.Replace(fields[4]); point == dir || strings.HasPrefix(point, dir+"/") {
			points = append(points, point)
		}
	}
}
