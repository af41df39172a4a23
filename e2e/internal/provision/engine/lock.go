package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Lock holds the lock file of that name until the returned function is called; a process that ends gives its locks back. Other
// processes wait for theirs.
func Lock(ctx context.Context, file string) (unlock func(), err error) { return lock(ctx, file) }

func lock(ctx context.Context, file string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, err
	}
	handle, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		// A blocking flock could not be given up when ctx ends.
		err := syscall.Flock(int(handle.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { handle.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			handle.Close()
			return nil, fmt.Errorf("lock %s: %w", file, err)
		}
		select {
		case <-ctx.Done():
			handle.Close()
			return nil, fmt.Errorf("lock %s is held by another process: %w", file, context.Cause(ctx))
		case <-tick.C:
		}
	}
}
