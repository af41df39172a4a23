package nodefault

import (
	"context"
	"errors"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestDialedScript runs the script that is run in nodes on this machine, against a server that answers each line with the same in capitals.
func TestDialedScript(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // Closed with the test.
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	accepted := make(chan net.Conn, 2)
	go func() {
		for {
			c, err := server.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	host, port, _ := net.SplitHostPort(server.Addr().String())
	dial := func(port string) (*streams, error) {
		running, stop := context.WithCancel(t.Context())
		return connect(t.Context(), exec.CommandContext(running, "bash", "-c", throughNode, "dial", host, port), stop)
	}

	c, err := dial(port)
	if err != nil {
		t.Fatal(err)
	}
	far := <-accepted
	if _, err := io.WriteString(c, "hello"); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(far, got); err != nil || string(got) != "hello" {
		t.Fatalf("the server read %q, %v", got, err)
	}
	if _, err := io.WriteString(far, "HELLO"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "HELLO" {
		t.Fatalf("the client read %q, %v", got, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	_ = far.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := far.Read(got); !errors.Is(err, io.EOF) {
		t.Errorf("a client that closed: expected the server to see the end, found %v", err)
	}

	if c, err = dial(port); err != nil {
		t.Fatal(err)
	}
	_ = (<-accepted).Close()
	if text, err := io.ReadAll(c); err != nil || len(text) > 0 {
		t.Errorf("a server that closed: expected the client to see the end, found %q, %v", text, err)
	}
	_ = c.Close()

	_ = server.Close()
	if c, err := dial(port); err == nil {
		_ = c.Close()
		t.Error("nobody listened, and the dialing succeeded")
	}
}

// TestDialGivesUp has nothing answer until its context ends.
func TestDialGivesUp(t *testing.T) {
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errors.New("too late"))
	defer cancel()
	running, stop := context.WithCancel(t.Context())
	c, err := connect(ctx, exec.CommandContext(running, "sleep", "60"), stop)
	if err == nil || !strings.Contains(err.Error(), "too late") || c != nil {
		t.Errorf("expected the cause of the context's end, found %v, %v", c, err)
	}
}
