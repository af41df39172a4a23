// Package parentwatch tells processes that the one which started them is gone, however it ended: a killed process says nothing any more, but
// the kernel lets go of its end of a connection.
package parentwatch

import (
	"context"
	"net"
	"os"
	"path/filepath"
)

// Hold keeps a lifeline until it is let go or this process ends. Others watch it at the path.
func Hold(ctx context.Context) (path string, letGo func(), err error) {
	// A folder of its own with a short path: the address of a socket may have a hundred bytes.
	dir, err := os.MkdirTemp("", "conformance-*")
	if err != nil {
		return "", nil, err
	}
	path = filepath.Join(dir, "lifeline")
	var config net.ListenConfig
	l, err := config.Listen(ctx, "unix", path)
	if err != nil {
		_ = os.RemoveAll(dir)
		return "", nil, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var held []net.Conn
		for {
			c, err := l.Accept()
			if err != nil {
				for _, c := range held {
					_ = c.Close()
				}
				return
			}
			held = append(held, c)
		}
	}()
	return path, func() {
		_ = l.Close()
		<-done
		_ = os.RemoveAll(dir)
	}, nil
}

// Watch calls lost once, and removes what is left of the lifeline, when whoever holds the lifeline is gone, unless ctx ends before. An error says that nobody holds one at the path.
func Watch(ctx context.Context, path string, lost func()) error {
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "unix", path)
	if err != nil {
		return err
	}
	go func() {
		stop := context.AfterFunc(ctx, func() { _ = c.Close() })
		defer stop()
		_, _ = c.Read(make([]byte, 1)) // nothing is ever sent
		if ctx.Err() == nil {
			_ = os.RemoveAll(filepath.Dir(path)) // in place of the holder, who cannot any more
			lost()
		}
	}()
	return nil
}
