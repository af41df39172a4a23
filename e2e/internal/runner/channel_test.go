package runner

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// listenerVariable has this test program listen at the socket of that path, until it is killed.
const listenerVariable = "RUNNER_TEST_SOCKET"

func TestKilledCommandIsNoticed(t *testing.T) {
	dir, err := os.MkdirTemp("", "runner-*") //nolint:usetesting // The path of a socket must be short.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "socket")
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), listenerVariable+"="+socket)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; {
		if _, err := os.Stat(socket); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("expected the command to listen, found no socket")
		}
	}
	lost := make(chan struct{})
	if _, err := Connect(t.Context(), socket, func() { close(lost) }); err != nil {
		t.Fatal(err)
	}
	select {
	case <-lost:
		t.Fatal("the command was taken for ended while it ran")
	case <-time.After(50 * time.Millisecond):
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	select {
	case <-lost:
	case <-time.After(10 * time.Second):
		t.Fatal("expected the end of the command to be noticed")
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("expected nothing to be left of a killed command, found %v", err)
	}
}

func TestEventsArePrinted(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	c, err := listen(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	lost := make(chan struct{}, 1)
	conn, err := Connect(t.Context(), socket, func() { lost <- struct{}{} })
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	printed := make(chan error, 1)
	go func() { printed <- follow(c.events, &out) }()
	for process := 1; process <= 2; process++ {
		for _, e := range []Event{
			{Process: process, Total: 12, Began: "a spec"},
			{Process: process, Waits: "waits for something"},
			{Process: process, Ended: "a spec", State: map[int]string{1: "passed", 2: "failed"}[process], Seconds: 4.25, Message: map[int]string{2: "ordering/create broken: too early\nsecond line"}[process]},
		} {
			if err := conn.Send(e); err != nil {
				t.Fatal(err)
			}
		}
	}
	c.close()
	if err := <-printed; err != nil {
		t.Fatal(err)
	}
	want := "[ 1/12] pass   4.2 s  a spec\n[ 2/12] FAIL   4.2 s  a spec\n          ordering/create broken: too early\n          second line\n"
	if out.String() != want {
		t.Errorf("expected\n%s\nfound\n%s", want, out.String())
	}
	select {
	case <-lost:
	case <-time.After(10 * time.Second):
		t.Error("expected a process of the suite to notice that the command closed its socket")
	}
	if _, err := Connect(t.Context(), socket, func() {}); err == nil {
		t.Error("expected an error where nobody listens, found none")
	}
}

// A command that still runs does not interrupt a process which has ended its part.
func TestEndedProcessIsNotInterrupted(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	c, err := listen(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := Connect(ctx, socket, func() { t.Error("a process that had ended was interrupted") }); err != nil {
		t.Fatal(err)
	}
	cancel()
	c.close()
}
