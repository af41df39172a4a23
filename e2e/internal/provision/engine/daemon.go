package engine

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/container"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/host"
)

// daemon is the dockerd of our own: where it lives and how it is started, found and ended.
type daemon struct {
	dir     string // data, log, settings
	runtime string // sockets and mounts
}

// longestSocket is the most that a path may have for the sockets below it to stay within the kernel's 108 bytes.
const longestSocket = 108 - len("/containerd/containerd-debug.sock") - 1

func newDaemon(dir string) *daemon {
	runtime := filepath.Join(dir, "run")
	if len(runtime) > longestSocket {
		sum := sha256.Sum256([]byte(dir))
		runtime = fmt.Sprintf("/run/%s-%x", Project, sum[:4])
	}
	return &daemon{dir: dir, runtime: runtime}
}

func (d *daemon) socket() string  { return filepath.Join(d.runtime, "docker.sock") }
func (d *daemon) pidFile() string { return filepath.Join(d.dir, "dockerd.pid") }
func (d *daemon) logFile() string { return filepath.Join(d.dir, "dockerd.log") }

func (d *daemon) engine() *Engine {
	return &Engine{Client: container.Client{Program: container.Docker, Address: "unix://" + d.socket()}, own: true}
}

// provide installs what is missing and starts the daemon, unless another process did so meanwhile.
func (d *daemon) provide(ctx context.Context, what action, progress io.Writer) (*Engine, error) {
	unlock, err := host.Lock(ctx, d.dir+".lock")
	if err != nil {
		return nil, err
	}
	defer unlock()

	if found, err := find(ctx, d); found != nil || err != nil {
		return found, err
	}
	if what == installThenStart {
		if err := install(ctx, progress); err != nil {
			return nil, err
		}
		// Where there is an init system the package has started its own daemon, which is then as good as any.
		if found, err := find(ctx, d); found != nil || err != nil {
			return found, err
		}
	}
	start := time.Now()
	fmt.Fprintln(progress, "engine: none answers, starting a docker daemon of our own")
	if err := d.start(ctx); err != nil {
		return nil, err
	}
	fmt.Fprintf(progress, "engine: started in %.1f s\n", time.Since(start).Seconds())
	ours := d.engine()
	return ours, ours.probe(ctx)
}

// install brings docker.io onto a Debian-like system.
func install(ctx context.Context, progress io.Writer) error {
	start := time.Now()
	fmt.Fprintln(progress, "engine: none is installed, installing Debian's docker.io (about a minute)")
	if err := host.Install(ctx, "docker.io"); err != nil {
		return err
	}
	fmt.Fprintf(progress, "engine: installed in %.0f s\n", time.Since(start).Seconds())
	return nil
}

// start runs dockerd in a session of its own and returns once it answers.
func (d *daemon) start(ctx context.Context) error {
	for _, dir := range []string{d.dir, d.runtime} {
		if err := os.MkdirAll(dir, 0o711); err != nil {
			return err
		}
	}
	if pid := d.pid(); pid != 0 {
		return fmt.Errorf("the docker daemon of our own runs already (pid %d)", pid)
	}
	// No daemon of our own runs, and dockerd refuses to start over a pid file whose number some other process has by now.
	if err := os.Remove(d.pidFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	args, err := d.arguments(ctx)
	if err != nil {
		return err
	}
	if err := d.saveFirewall(ctx); err != nil {
		return err
	}
	log, err := os.Create(d.logFile())
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command("dockerd", args...) //nolint:noctx // It must outlive this process and its context.
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return d.awaitAnswer(ctx, ended)
}

func (d *daemon) awaitAnswer(ctx context.Context, ended <-chan error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startsWithin, fmt.Errorf("it did not answer within %s", startsWithin))
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			return d.failure(fmt.Errorf("it ended: %w", err))
		case <-ctx.Done():
			return d.failure(context.Cause(ctx))
		case <-tick.C:
			if d.engine().probe(ctx) == nil {
				return nil
			}
		}
	}
}

// ErrSilent says that the daemon of our own runs and does not answer.
var ErrSilent = errors.New("the docker daemon of our own runs and does not answer")

// awaitRunning waits for the daemon, which runs, to answer. A slow one must not get a second one beside it on the same data.
func (d *daemon) awaitRunning(ctx context.Context) error {
	within, cancel := context.WithTimeoutCause(ctx, startsWithin, fmt.Errorf("it did not answer within %s", startsWithin))
	defer cancel()
	var last error
	err := wait.PollUntilContextCancel(within, time.Second, true, func(ctx context.Context) (bool, error) {
		last = d.engine().probe(ctx)
		return last == nil || d.pid() == 0, nil
	})
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return fmt.Errorf("%w (pid %d): %w: %w; its log is %s", ErrSilent, d.pid(), context.Cause(within), last, d.logFile())
	case last != nil:
		return fmt.Errorf("the docker daemon of our own has just ended; its log is %s", d.logFile())
	}
	return nil
}

func (d *daemon) failure(cause error) error {
	log, _ := os.ReadFile(d.logFile())
	return fmt.Errorf("the docker daemon of our own could not be started: %w; its log %s ends:\n%s", cause, d.logFile(), host.LastLines(string(log), 5))
}

// arguments are dockerd's command line; where capabilities are missing it names our runtime, which is built for it.
func (d *daemon) arguments(ctx context.Context) ([]string, error) {
	settings := filepath.Join(d.dir, "daemon.json")
	// Without a file of our own, dockerd would read the machine's.
	if err := os.WriteFile(settings, []byte("{}\n"), 0o600); err != nil {
		return nil, err
	}
	args := []string{
		"--config-file=" + settings,
		"--host=unix://" + d.socket(),
		"--data-root=" + filepath.Join(d.dir, "data"),
		"--exec-root=" + d.runtime,
		"--pidfile=" + d.pidFile(),
		"--group=" + strconv.Itoa(os.Getgid()),
		// Clusters bring their own network; a default bridge would only be one more thing left on the host.
		"--bridge=none",
		"--log-level=warn",
	}
	missing, err := CapabilitiesMissing()
	if err != nil || !missing {
		return args, err
	}
	wrapper, err := buildRuntime(ctx, d.dir)
	if err != nil {
		return nil, err
	}
	return append(args, "--add-runtime="+Project+"="+wrapper, "--default-runtime="+Project), nil
}

// pid returns the daemon's process id, or 0 when it does not run. It asks the processes: the pid file may be stale or gone.
func (d *daemon) pid() int { return processWith("dockerd", "--pidfile="+d.pidFile()) }
