package runner

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// listenerVariable has this test program listen at the socket of that path, until it is killed.
const listenerVariable = "RUNNER_TEST_SOCKET"

func TestKilledCommandIsNoticed(t *testing.T) {
	dir, err := os.MkdirTemp("", folderPrefix+"*") //nolint:usetesting // The path of a socket must be short.
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
	lost := make(chan struct{})
	for deadline := time.Now().Add(30 * time.Second); ; {
		_, err := Connect(t.Context(), socket, func() { close(lost) })
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("expected the command to listen, found: %v", err)
		}
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

// awaitAccepted waits until the command has accepted a connection: one that waits to be accepted when the socket is closed is lost.
func awaitAccepted(t *testing.T, c *channel) {
	t.Helper()
	accepted := func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.conns) > 0
	}
	for !accepted() {
		select {
		case <-t.Context().Done():
			t.Fatal("expected the connection to be accepted")
		case <-time.After(time.Millisecond):
		}
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
	var printing sync.WaitGroup
	broken := 0
	printing.Go(func() { follow(c.events, &out, func() { broken++ }) })
	awaitAccepted(t, c)
	for process := 1; process <= 2; process++ {
		for _, e := range []Event{
			{Process: process, Total: 12, Began: "a spec"},
			{Process: process, Waits: "waits for something"},
			{Process: process, Broken: "found while it goes on: a spec"},
			{Process: process, Ended: "a spec", State: map[int]string{1: "passed", 2: "failed"}[process], Seconds: 4.25, Message: map[int]string{2: "ordering/create broken: too early\nsecond line"}[process]},
		} {
			if err := conn.Send(e); err != nil {
				t.Fatal(err)
			}
		}
	}
	c.close()
	printing.Wait()
	const early = "          found while it goes on: a spec\n"
	want := early + "[ 1/12] pass   4.2 s  a spec\n" + early + "[ 2/12] FAIL   4.2 s  a spec\n          ordering/create broken: too early\n          second line\n"
	if out.String() != want || broken != 2 {
		t.Errorf("expected what is broken to be told twice, and\n%s\nfound it told %d times, and\n%s", want, broken, out.String())
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

// A line that was cut short, or that is none, interrupts no process and keeps nothing else from being printed.
func TestCutEventIsSkipped(t *testing.T) {
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
	var printing sync.WaitGroup
	printing.Go(func() { follow(c.events, &out, func() {}) })
	awaitAccepted(t, c)
	if _, err := conn.conn.Write([]byte("{\"process\": 1, \"ended\": \"a sp\n")); err != nil {
		t.Fatal(err)
	}
	if err := conn.Send(Event{Process: 1, Ended: "another spec", State: "passed"}); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.conn.Write([]byte("{\"process\": 1")); err != nil {
		t.Fatal(err)
	}
	select {
	case <-lost:
		t.Error("expected a line that cannot be read to interrupt no process")
	case <-time.After(50 * time.Millisecond):
	}
	c.close()
	printing.Wait()
	if !strings.Contains(out.String(), "another spec") {
		t.Errorf("expected what followed the cut line to be printed, found %q", out.String())
	}
}

// The socket's path comes in a flag: whatever it says, nothing goes that the command did not make.
func TestOnlyTheCommandsOwnFolderIsRemoved(t *testing.T) {
	top := t.TempDir()
	for name, keeps := range map[string]string{
		"run/docker.sock":           "run/docker.sock",
		"run/socket":                "run/socket",
		"conformance-1/socket":      "",
		"conformance-2/socket":      "conformance-2/notes",
		"conformance-3/docker.sock": "conformance-3/docker.sock",
	} {
		for _, file := range []string{name, keeps} {
			if file == "" {
				continue
			}
			if err := os.MkdirAll(filepath.Join(top, filepath.Dir(file)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(top, file), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if name == "conformance-1/socket" {
			if err := os.WriteFile(filepath.Join(top, "conformance-1", SettingsFile), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		removeFolder(filepath.Join(top, name))
		if _, err := os.Stat(filepath.Join(top, keeps)); keeps != "" && err != nil {
			t.Errorf("%s: expected %s to stay, found %v", name, keeps, err)
		}
		if _, err := os.Stat(filepath.Join(top, filepath.Dir(name))); keeps == "" && err == nil {
			t.Errorf("%s: expected the command's folder to go", name)
		}
	}
}

type unwritable struct{}

func (unwritable) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestUnwritableConsoleEndsNoRun(t *testing.T) {
	events := make(chan Event, 2)
	events <- Event{Ended: "a spec", State: "passed"}
	events <- Event{Ended: "another spec", State: "passed"}
	close(events)
	follow(events, unwritable{}, func() {})
	if len(events) > 0 {
		t.Errorf("expected all events to be read, found %d left", len(events))
	}
}
