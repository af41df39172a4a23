package host

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestRunReturnsTheOutputAndTheReasonOfAFailure(t *testing.T) {
	out, err := Run(t.Context(), exec.CommandContext(t.Context(), "sh", "-c", "echo out; echo err >&2"))
	if err != nil || out != "out\n" {
		t.Errorf("expected standard output alone, found %q, %v", out, err)
	}
	for script, want := range map[string]string{
		"echo out; echo reason >&2; exit 3": "sh: exit status 3\nreason",
		"echo only-output; exit 3":          "sh: exit status 3\nonly-output",
	} {
		if _, err := Run(t.Context(), exec.CommandContext(t.Context(), "sh", "-c", script)); err == nil || err.Error() != want {
			t.Errorf("%s: expected %q, found %v", script, want, err)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("interrupted")
	cancel(cause)
	if _, err := Run(ctx, exec.CommandContext(ctx, "sh", "-c", "exit 3")); !errors.Is(err, cause) {
		t.Errorf("expected the cause, found %v", err)
	}
}

func TestLastLines(t *testing.T) {
	if got := LastLines("one\ntwo\nthree\n", 2); got != "two\nthree" {
		t.Errorf("found %q", got)
	}
	if got := LastLines("one\n", 2); got != "one" {
		t.Errorf("found %q", got)
	}
}

func TestLockKeepsOthersOut(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a", "lock")
	unlock, err := Lock(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := Lock(ctx, file); !errors.Is(err, ErrLocked) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), file) {
		t.Errorf("expected an error that says the file is locked, found %v", err)
	}
	unlock()
	again, err := Lock(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	again()
}

func TestLockOfARemovedFileIsNotTaken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lock")
	first, err := Lock(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	second := make(chan func(), 1)
	go func() {
		unlock, err := Lock(t.Context(), file)
		if err != nil {
			t.Error(err)
		}
		second <- unlock
	}()
	// The waiting process has the file open by the time it is removed.
	<-time.After(4 * retryInterval)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	first()
	unlock := <-second
	defer unlock()
	if _, err := TryLock(file); !errors.Is(err, ErrLocked) {
		t.Errorf("expected one holder of the lock, found another: %v", err)
	}
}
