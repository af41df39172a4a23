package hack

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A run that takes too long, or is told to end and does not, is killed with all that it started.
func TestCIRunKillsTheWholeGroup(t *testing.T) {
	t.Run("too slow", func(t *testing.T) { ciRun(t, "1s", nil) })
	t.Run("interrupted", func(t *testing.T) {
		ciRun(t, "5m", func(p *os.Process) error { return p.Signal(syscall.SIGTERM) })
	})
}

// ciRun runs .ci/run with a make that does not end, and ends it once that runs.
func ciRun(t *testing.T, limit string, end func(*os.Process) error) {
	t.Helper()
	if _, err := exec.LookPath("timeout"); err != nil {
		t.Skip("timeout is not installed")
	}
	script, err := os.ReadFile("../.ci/run")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	const stub = "#!/bin/sh\n[ \"$1\" = e2e ] || exit 0\ntrap '' TERM\nsleep 300 &\necho $! >child\nwait\nsleep 300\n"
	for name, content := range map[string]string{".ci/run": string(script), "bin/make": stub} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, ".ci", "run"))
	cmd.Env = append(os.Environ(), "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"), "CI_LIMIT="+limit, "CI_GRACE=1s")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	child := 0
	for deadline := time.Now().Add(time.Minute); child == 0 && time.Now().Before(deadline); <-time.After(10 * time.Millisecond) {
		text, _ := os.ReadFile(filepath.Join(dir, "child"))
		child, _ = strconv.Atoi(strings.TrimSpace(string(text)))
	}
	if child == 0 {
		t.Fatal("expected the step to have begun")
	}
	if end != nil {
		if err := end(cmd.Process); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Error("expected a run that did not end by itself to fail")
	}
	for deadline := time.Now().Add(10 * time.Second); running(child); {
		if time.Now().After(deadline) {
			_ = syscall.Kill(child, syscall.SIGKILL)
			t.Fatal("expected nothing to outlive the run, found its child")
		}
		<-time.After(10 * time.Millisecond)
	}
}

// running reports whether a process is there and has not ended.
func running(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, after, _ := strings.Cut(string(stat), ") ")
	return err == nil && !strings.HasPrefix(after, "Z")
}
