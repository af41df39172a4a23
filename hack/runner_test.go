package hack

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"go.yaml.in/yaml/v3"
)

// runnerID is the user and the group of a runner: nobody's on any machine.
const runnerID = 54321

// workflow is what a simulated runner takes of a workflow.
type workflow struct {
	Jobs map[string]struct {
		Env      map[string]string
		Strategy struct{ Matrix map[string]any }
		Steps    []struct {
			Name, Uses, Run, If string
			Env, With           map[string]string
		}
	}
}

// TestOnARunner runs jobs of the workflows as a runner of GitHub does: as a user without rights, with a fresh home and a container engine, on a clean checkout of
// what is committed. It takes as long as the jobs do, and root to become another user, so that it runs where it is asked for alone:
//
//	RUNNER_JOBS=ci/e2e RUNNER_ENV='K8S_VERSION=v1.37' DOCKER_HOST=unix:///path go test ./hack -run TestOnARunner -v -timeout 3h
//
// RUNNER_ENV stands for what a matrix or the form of a workflow sets. What an action of somebody else does is stood in for, so far as a later step needs it: the
// checkout is a clone, a cache is empty, and an artifact must be there.
func TestOnARunner(t *testing.T) {
	jobs := strings.FieldsFunc(os.Getenv("RUNNER_JOBS"), func(r rune) bool { return r == ',' || r == ' ' })
	if len(jobs) == 0 {
		t.Skip("RUNNER_JOBS names no job")
	}
	for _, job := range jobs {
		file, name, _ := strings.Cut(job, "/")
		t.Run(file+" "+name, func(t *testing.T) {
			text, err := os.ReadFile("../.github/workflows/" + file + ".yaml")
			if err != nil {
				t.Fatal(err)
			}
			var w workflow
			if err := yaml.Unmarshal(text, &w); err != nil {
				t.Fatal(err)
			}
			one, is := w.Jobs[name]
			if !is {
				t.Fatalf("expected one of the jobs %v", slices.Sorted(maps.Keys(w.Jobs)))
			}
			r := newRunner(t, one.Env)
			for _, step := range one.Steps {
				what := cmp.Or(step.Name, step.Uses, step.Run)
				switch {
				case r.failed && !strings.Contains(step.If, "!cancelled()"):
					fmt.Fprintf(t.Output(), "-- %s: left out, since a step failed\n", what)
				case step.Run != "":
					r.run(t, what, step.Run, step.Env)
				case strings.HasPrefix(step.Uses, "actions/checkout@"):
					r.checkout(t)
				case strings.HasPrefix(step.Uses, "actions/upload-artifact@"):
					r.artifact(t, step.With["path"])
				}
			}
			summary, err := os.ReadFile(r.env["GITHUB_STEP_SUMMARY"])
			if err != nil {
				t.Error(err)
			}
			fmt.Fprintf(t.Output(), "-- summary: %d bytes\n%s\n", len(summary), first(string(summary), 20))
		})
	}
}

// runner is a machine of one job.
type runner struct {
	dir    string
	env    map[string]string
	failed bool
}

// newRunner makes the home of a runner, and a way to the container engine that its user may take.
func newRunner(t *testing.T, job map[string]string) *runner {
	t.Helper()
	dir, err := os.MkdirTemp("", "runner-*") //nolint:usetesting // the test's own folder is its user's alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	r := &runner{dir: dir, env: map[string]string{
		"HOME": filepath.Join(dir, "home"), "PATH": os.Getenv("PATH"), "TMPDIR": filepath.Join(dir, "tmp"), "CI": "true", "GITHUB_ACTIONS": "true",
		"GITHUB_STEP_SUMMARY": filepath.Join(dir, "summary.md"),
	}}
	for _, folder := range []string{"home", "tmp", "work"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(r.env["GITHUB_STEP_SUMMARY"], nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// Where modules come from is the machine's.
	for _, name := range []string{"GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOSUMCHECK", "GOFLAGS"} {
		if out, err := exec.CommandContext(t.Context(), "go", "env", name).Output(); err == nil {
			r.env[name] = strings.TrimSpace(string(out))
		}
	}
	for name, value := range job {
		if !strings.Contains(value, "${{") {
			r.env[name] = value
		} else if fallback := regexp.MustCompile(`\|\| '(.*?)'`).FindStringSubmatch(value); fallback != nil {
			r.env[name] = fallback[1]
		}
	}
	for pair := range strings.FieldsSeq(os.Getenv("RUNNER_ENV")) {
		name, value, _ := strings.Cut(pair, "=")
		r.env[name] = value
	}
	r.env["DOCKER_HOST"] = "unix://" + passOn(t, strings.TrimPrefix(os.Getenv("DOCKER_HOST"), "unix://"), filepath.Join(dir, "docker.sock"))
	for _, path := range []string{"", "home", "tmp", "work", "docker.sock", "summary.md"} {
		if err := os.Chown(filepath.Join(dir, path), runnerID, runnerID); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// passOn has a socket lead to another one, which the runner's user may not reach.
func passOn(t *testing.T, from, at string) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := new(net.Dialer).DialContext(t.Context(), "unix", from)
			if err != nil {
				_ = client.Close()
				continue
			}
			// Each half ends by itself: an engine answers after its client has sent all.
			half := func(to, from net.Conn) {
				_, _ = io.Copy(to, from)
				_ = to.(*net.UnixConn).CloseWrite()
			}
			go half(server, client)
			go half(client, server)
		}
	}()
	return at
}

// run runs a step. Output goes to the test's.
func (r *runner) run(t *testing.T, what, script string, env map[string]string) {
	t.Helper()
	fmt.Fprintf(t.Output(), "-- %s\n", what)
	cmd := exec.CommandContext(t.Context(), "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script)
	cmd.Dir = filepath.Join(r.dir, "work")
	all := maps.Clone(r.env)
	maps.Copy(all, env)
	for name, value := range all {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: runnerID, Gid: runnerID}}
	if err := cmd.Run(); err != nil {
		r.failed = true
		t.Errorf("step %s: %v", what, err)
	}
}

// checkout clones what is committed here.
func (r *runner) checkout(t *testing.T) {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	clone := exec.CommandContext(t.Context(), "git", "clone", "--quiet", "--no-hardlinks", root, filepath.Join(r.dir, "work"))
	if out, err := clone.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	own := exec.CommandContext(t.Context(), "chown", "-R", fmt.Sprintf("%d:%d", runnerID, runnerID), filepath.Join(r.dir, "work"))
	if out, err := own.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// artifact wants something at each of the paths of an upload.
func (r *runner) artifact(t *testing.T, paths string) {
	t.Helper()
	for path := range strings.FieldsSeq(paths) {
		entries, err := os.ReadDir(filepath.Join(r.dir, "work", path))
		if err != nil || len(entries) == 0 {
			t.Errorf("expected something to upload at %s, found %v", path, err)
			continue
		}
		fmt.Fprintf(t.Output(), "-- upload of %s: %d entries\n", path, len(entries))
	}
}

// first returns the first lines of a text.
func first(text string, n int) string {
	lines := strings.SplitAfterN(text, "\n", n+1)
	return strings.Join(lines[:min(n, len(lines))], "")
}
