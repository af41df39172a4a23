package load

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/streaming/pkg/httpstream"
)

// closing is a connection that is only closed.
type closing struct {
	httpstream.Connection
	closed atomic.Bool
}

func (c *closing) Close() error {
	c.closed.Store(true)
	return nil
}

func TestDeadlineClosesTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &closing{}
		f := &forwarded{connection: c}
		after := func(wait time.Duration, want bool) {
			t.Helper()
			<-time.After(wait)
			synctest.Wait()
			if got := c.closed.Load(); got != want {
				t.Errorf("expected closed %t, found %t", want, got)
			}
		}
		_ = f.SetDeadline(time.Now().Add(time.Second))
		_ = f.SetDeadline(time.Time{})
		after(time.Minute, false)
		_ = f.SetReadDeadline(time.Now().Add(time.Second))
		_ = f.SetReadDeadline(time.Now().Add(time.Minute))
		after(time.Second, false)
		after(time.Minute, true)
	})
}
