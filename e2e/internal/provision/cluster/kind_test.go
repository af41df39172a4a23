package cluster

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	kind "sigs.k8s.io/kind/pkg/cluster"
	"sigs.k8s.io/kind/pkg/exec"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/container"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
)

// fakeDocker puts a docker that runs a script first on the path.
func fakeDocker(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

func testCluster(t *testing.T) *Cluster {
	t.Helper()
	c := &Cluster{
		name: "n", dir: stateDir{dir: filepath.Join(t.TempDir(), "clusters", "n")}, kind: kind.NewProvider(kind.ProviderWithDocker()),
		engine: &engine.Engine{Client: container.Client{Program: container.Docker}}, state: &state{Name: "n", Creating: true},
	}
	if err := c.dir.write(c.state); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestInterruptedCreationEndsWithItsCause(t *testing.T) {
	started := filepath.Join(t.TempDir(), "started")
	fakeDocker(t, `test "$1" = ps && exit 0; : >'`+started+`'; sleep 1; exit 1`)
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("interrupted")
	go func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for range tick.C {
			if _, err := os.Stat(started); err == nil {
				cancel(cause)
				return
			}
		}
	}()
	if err := testCluster(t).runKind(ctx, "image", []byte(plainConfig), 2); !errors.Is(err, cause) {
		t.Errorf("expected the cause, found %v", err)
	}
}

func TestFailedCreationSaysWhatFailed(t *testing.T) {
	fakeDocker(t, `test "$1" = ps && exit 0; echo "no such engine" >&2; exit 1`)
	if err := testCluster(t).runKind(t.Context(), "image", []byte(plainConfig), 2); err == nil || !strings.HasSuffix(err.Error(), "no such engine") {
		t.Errorf("expected what the engine printed, found %v", err)
	}
}

func TestDestroyRemovesAStaleLockOfTheKubeconfig(t *testing.T) {
	fakeDocker(t, `exit 0`)
	c := testCluster(t)
	if err := os.WriteFile(c.dir.kubeconfig()+".lock", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.destroy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(c.dir.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("expected the cluster's folder to be gone, found %v", err)
	}
}

// A stack trace longer than what is shown of the output must not hide the reason above it.
func TestKindErrorShowsTheReason(t *testing.T) {
	output := "[wait-control-plane] Waiting\nerror: the API server did not answer\nI1129 17:11:58.675461 236 round_trippers.go:632] Response\nto increase verbosity\n" +
		strings.Repeat("k8s.io/kubernetes/cmd/kubeadm.(*Runner).Run\n\tk8s.io/kubernetes@v1.36.3/runner.go:234\n", 30) + "main.main\n\tkubernetes/main.go:37\nexit status 1"
	err := kindError(&exec.RunError{Command: []string{"kubeadm", "init"}, Output: []byte(output), Inner: errors.New("exit status 1")})
	if text := err.Error(); !strings.Contains(text, "the API server did not answer") || strings.Contains(text, "runner.go") || strings.Contains(text, "Response") || !strings.HasSuffix(text, "exit status 1") {
		t.Errorf("expected the reason, without a stack trace, found %s", text)
	}
}
