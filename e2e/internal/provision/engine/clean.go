package engine

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/host"
)

// Clean ends this project's own daemon and removes its containers, networks, mounts and data. Another engine is not touched. It refuses where
// the daemon holds something that is not this project's: a container of none of the given IDs, or a volume with a name.
func Clean(ctx context.Context, made []string, progress io.Writer) error {
	dir, err := CacheDir()
	if err != nil {
		return err
	}
	d := newDaemon(filepath.Join(dir, "engine"))
	if _, err := os.Stat(d.dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	unlock, err := host.TryLock(d.dir + ".lock")
	if err != nil {
		return fmt.Errorf("another run is starting the container engine: %w", err)
	}
	defer unlock()

	if err := d.checkForeign(made); err != nil {
		return err
	}
	if pid := d.pid(); pid != 0 {
		fmt.Fprintf(progress, "engine: stopping the docker daemon of our own (pid %d)\n", pid)
		if err := d.removeContainers(ctx, made); err != nil {
			fmt.Fprintf(progress, "engine: %v\n", err)
		}
		if err := terminate(ctx, pid, "dockerd", "--pidfile="+d.pidFile()); err != nil {
			return err
		}
	}
	if err := d.stopContainerd(ctx); err != nil {
		return err
	}
	if err := d.restoreFirewall(ctx, progress); err != nil {
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

// checkForeign fails for containers other than those of the given IDs and for volumes with a name: a person put them there, with what
// the command engine prints. It reads the daemon's data, because the daemon may not run.
func (d *daemon) checkForeign(made []string) error {
	var foreign []string
	containers, err := os.ReadDir(filepath.Join(d.dir, "data", "containers"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, c := range containers {
		if !slices.Contains(made, c.Name()) {
			foreign = append(foreign, d.describeContainer(c.Name()))
		}
	}
	volumes, err := os.ReadDir(filepath.Join(d.dir, "data", "volumes"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, v := range volumes {
		if v.IsDir() && !unnamed.MatchString(v.Name()) {
			foreign = append(foreign, "volume "+v.Name())
		}
	}
	if len(foreign) == 0 {
		return nil
	}
	return fmt.Errorf("the container engine that this project started holds what this project did not make, and stays as it is: %s; "+
		"remove it (docker --host=%s ...) and clean again", strings.Join(foreign, ", "), d.engine().Address)
}

// unnamed matches the names of volumes that nobody named.
var unnamed = regexp.MustCompile(`^[0-9a-f]{64}$`)

// describeContainer names a container for a person.
func (d *daemon) describeContainer(id string) string {
	var c struct {
		Name   string
		Config struct{ Image string }
	}
	text, err := os.ReadFile(filepath.Join(d.dir, "data", "containers", id, "config.v2.json"))
	if err != nil || json.Unmarshal(text, &c) != nil {
		return fmt.Sprintf("container %.12s", id)
	}
	return fmt.Sprintf("container %s of %s", strings.TrimPrefix(c.Name, "/"), c.Config.Image)
}

// removeContainers removes the containers of the given IDs and the daemon's networks, whose processes and interfaces would outlive it.
func (d *daemon) removeContainers(ctx context.Context, made []string) error {
	ours := d.engine()
	if err := ours.probe(ctx); err != nil {
		return err
	}
	all, err := ours.Output(ctx, "ps", "--all", "--quiet", "--no-trunc")
	if err != nil {
		return err
	}
	present := slices.DeleteFunc(strings.Fields(all), func(id string) bool { return !slices.Contains(made, id) })
	if len(present) > 0 {
		if _, err := ours.Output(ctx, append([]string{"rm", "--force", "--volumes"}, present...)...); err != nil {
			return err
		}
	}
	_, err = ours.Output(ctx, "network", "prune", "--force")
	return err
}

// stopContainerd ends the containerd that dockerd had started, where dockerd did not live to do so.
func (d *daemon) stopContainerd(ctx context.Context) error {
	settings := filepath.Join(d.runtime, "containerd", "containerd.toml")
	pid := processWith("containerd", settings)
	if pid == 0 {
		return nil
	}
	return terminate(ctx, pid, "containerd", settings)
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
