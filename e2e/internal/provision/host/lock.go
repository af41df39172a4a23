package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// ErrLocked says that another process holds a lock.
var ErrLocked = errors.New("another process holds the lock")

// Mode says who may hold a lock at the same time.
type Mode int

// The modes of a lock.
const (
	Shared    Mode = syscall.LOCK_SH // with other processes that share it
	Exclusive Mode = syscall.LOCK_EX
)

// TryLock locks an open file, or changes the mode of its lock, without waiting: it fails with ErrLocked where another process stands
// against it. The kernel releases the lock when the file is closed or the process ends.
func TryLock(file *os.File, mode Mode) error {
	err := syscall.Flock(int(file.Fd()), int(mode)|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("lock %s: %w", file.Name(), ErrLocked)
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", file.Name(), err)
	}
	return nil
}

// retryInterval is the time between two tries to lock a file: a blocking flock could not be given up when ctx ends.
const retryInterval = 50 * time.Millisecond

// Lock makes the file if need be, waits for its exclusive lock and holds it until unlock is called or the process ends.
func Lock(ctx context.Context, path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	var last error
	err = wait.PollUntilContextCancel(ctx, retryInterval, true, func(context.Context) (bool, error) {
		last = TryLock(file, Exclusive)
		if errors.Is(last, ErrLocked) {
			return false, nil
		}
		return true, last
	})
	switch {
	case err == nil:
		return func() { file.Close() }, nil
	case ctx.Err() != nil:
		err = errors.Join(last, context.Cause(ctx))
	}
	return nil, errors.Join(err, file.Close())
}
