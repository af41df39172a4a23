package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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

// LockFile locks an open file, or changes the mode of its lock, without waiting: it fails with ErrLocked where another process stands
// against it. The kernel releases the lock when the file is closed or the process ends.
func LockFile(file *os.File, mode Mode) error {
	err := syscall.Flock(int(file.Fd()), int(mode)|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("lock %s: %w", file.Name(), ErrLocked)
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", file.Name(), err)
	}
	return nil
}

// Current reports whether an open file is still the one at its path: a lock on one that was removed excludes nobody.
func Current(file *os.File) (bool, error) {
	held, err := file.Stat()
	if err != nil {
		return false, err
	}
	there, err := os.Stat(file.Name())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(held, there), err
}

// retryInterval is the time between two tries to lock a file: a blocking flock could not be given up when ctx ends.
const retryInterval = 50 * time.Millisecond

// Lock makes the file if need be, waits for its exclusive lock and holds it until unlock is called or the process ends.
func Lock(ctx context.Context, path string) (unlock func(), err error) {
	var last error
	err = wait.PollUntilContextCancel(ctx, retryInterval, true, func(context.Context) (bool, error) {
		unlock, last = TryLock(path)
		if errors.Is(last, ErrLocked) {
			return false, nil
		}
		return true, last
	})
	if err != nil && ctx.Err() != nil {
		err = errors.Join(last, context.Cause(ctx))
	}
	return unlock, err
}

// TryLock is Lock without waiting: it fails with ErrLocked where another process holds the lock.
func TryLock(path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	for {
		file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, err
		}
		if err := LockFile(file, Exclusive); err != nil {
			return nil, errors.Join(err, file.Close())
		}
		current, err := Current(file)
		if current {
			return func() { file.Close() }, nil
		}
		if err := errors.Join(err, file.Close()); err != nil {
			return nil, err
		}
	}
}
