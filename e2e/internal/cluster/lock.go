package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lock keeps a cluster to the processes that may use it at a time. The kernel gives it back when a process ends, however it ends.
type lock struct{ file *os.File }

// share takes the cluster together with other processes that use it as it is.
func share(p place) (*lock, error) {
	if err := os.MkdirAll(filepath.Dir(p.dir), 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(p.dir+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	l := &lock{file: file}
	if err := l.take(p, syscall.LOCK_SH); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return l, nil
}

// alone takes the cluster for this process only, to make or to remove it.
func (l *lock) alone(p place) error { return l.take(p, syscall.LOCK_EX) }

func (l *lock) take(p place, how int) error {
	err := syscall.Flock(int(l.file.Fd()), how|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("another run is using the cluster %s: wait until it has ended, or set CLUSTER_NAME to have one beside it", filepath.Base(p.dir))
	}
	return err
}

// share lets other processes use the cluster as well.
func (l *lock) share() error { return syscall.Flock(int(l.file.Fd()), syscall.LOCK_SH) }

func (l *lock) release() error { return l.file.Close() }
