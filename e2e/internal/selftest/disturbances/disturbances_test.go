package disturbances

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// echo answers every connection with what it is sent, and returns its address.
func echo(t *testing.T) string {
	t.Helper()
	var listen net.ListenConfig
	l, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				_ = c.Close()
			}()
		}
	}()
	return l.Addr().String()
}

// dial starts the proxy in front of an echo server and connects to it.
func dial(t *testing.T, w *proxy) net.Conn {
	t.Helper()
	w.to = echo(t)
	if err := w.listen(t.Context(), "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	var dialer net.Dialer
	c, err := dialer.DialContext(t.Context(), "tcp", w.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestProxyDelays(t *testing.T) {
	const delay = 60 * time.Millisecond
	p := &proxy{}
	c := dial(t, p)
	p.delay.Store(int64(delay)) // from now on
	begin := time.Now()
	if _, err := c.Write([]byte("there and back")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len("there and back"))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "there and back" {
		t.Fatalf("expected what was sent, found %q, %v", got, err)
	}
	if took := time.Since(begin); took < 2*delay {
		t.Errorf("expected at least %v there and back, found %v", 2*delay, took)
	}
}

func TestProxyCutsConnections(t *testing.T) {
	c := dial(t, &proxy{life: 50 * time.Millisecond})
	begin := time.Now()
	if n, err := c.Read(make([]byte, 1)); err == nil {
		t.Fatalf("expected the connection to be cut, found %d bytes", n)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("expected the connection to be cut after 50 ms, found %v", took)
	}
}

func TestRepeatReportsAnActionThatNeverSucceeded(t *testing.T) {
	failure := errors.New("nothing there")
	for _, c := range []struct {
		name string
		act  action
		want error
	}{
		{"done", func(context.Context, *Env, *rand.Rand) error { return nil }, nil},
		{"never", func(context.Context, *Env, *rand.Rand) error { return failure }, failure},
	} {
		t.Run(c.name, func(t *testing.T) {
			called := make(chan struct{}, 1)
			undo, err := repeat(time.Millisecond, always, func(ctx context.Context, s *Env, r *rand.Rand) error {
				select {
				case called <- struct{}{}:
				default:
				}
				return c.act(ctx, s, r)
			})(t.Context(), &Env{})
			if err != nil {
				t.Fatal(err)
			}
			<-called
			<-called
			if err := undo(t.Context()); !errors.Is(err, c.want) {
				t.Errorf("expected %v, found %v", c.want, err)
			}
		})
	}
}

func TestNamesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range All() {
		if seen[a.Name] || a.Name == "" || a.Summary == "" || a.begin == nil {
			t.Errorf("expected a name of its own, what happens, and how; found %+v", a)
		}
		seen[a.Name] = true
	}
}

func TestRepeatEndsByItself(t *testing.T) {
	done := make(chan struct{}, 10)
	undo, err := repeat(time.Millisecond, 2, func(context.Context, *Env, *rand.Rand) error {
		done <- struct{}{}
		return nil
	})(t.Context(), &Env{})
	if err != nil {
		t.Fatal(err)
	}
	<-done
	<-done
	// It would go on within a millisecond and a half.
	if pause(t.Context(), 50*time.Millisecond); len(done) > 0 {
		t.Errorf("expected it to be done twice, found %d times more", len(done))
	}
	if err := undo(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestWatchesLagByTimesOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lags := map[time.Duration]bool{}
		for seed := range uint64(4) {
			body, sent := io.Pipe()
			l, began := newLagging(t.Context(), body, seed), time.Now()
			go func() {
				for range lagLasts {
					_, _ = io.WriteString(sent, "pods")
					pause(t.Context(), mostLag/lagLasts)
				}
				_ = sent.Close()
			}()
			late := []time.Duration{}
			for n := range lagLasts {
				got := make([]byte, len("pods"))
				if _, err := io.ReadFull(l, got); err != nil || string(got) != "pods" {
					t.Fatalf("expected what was delivered, found %q, %v", got, err)
				}
				late = append(late, time.Since(began)-time.Duration(n)*mostLag/lagLasts)
			}
			if _, err := l.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
				t.Errorf("expected the end, found %v", err)
			}
			if late[0] >= mostLag || slices.Max(late) != slices.Min(late) {
				t.Errorf("expected one lag below %s that does not grow, found %v", mostLag, late)
			}
			lags[late[0]] = true
		}
		if len(lags) != 4 {
			t.Errorf("expected four watches to lag by four times, found %v", lags)
		}
	})
}
