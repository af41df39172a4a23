package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/host"
)

// lock excludes other processes from a cluster. The kernel releases it when the process ends, however it ends. Its file is removed with
// the cluster.
type lock struct {
	dir  stateDir
	file *os.File
}

// lockShared takes the cluster together with other processes that use it as it is.
func lockShared(p stateDir) (*lock, error) {
	l := &lock{dir: p}
	if err := l.flock(host.Shared); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

// lockAlone takes the cluster for this process only.
func lockAlone(p stateDir) (*lock, error) {
	l, err := lockShared(p)
	if err != nil {
		return nil, err
	}
	if err := l.exclusive(); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

// exclusive takes the cluster for this process only, to make or to remove it.
func (l *lock) exclusive() error { return l.flock(host.Exclusive) }

// flock locks the file. Between opening a file and locking it, or when a shared lock becomes one for this process
// alone, another process may have removed it together with the cluster: a lock on it would then exclude no process.
func (l *lock) flock(mode host.Mode) error {
	for {
		if err := l.open(); err != nil {
			return err
		}
		err := host.LockFile(l.file, mode)
		if errors.Is(err, host.ErrLocked) {
			return fmt.Errorf("another run is using the cluster %s: wait until it has ended, or set CLUSTER_NAME to have one beside it", filepath.Base(l.dir.dir))
		}
		if err != nil {
			return err
		}
		if current, err := host.Current(l.file); current || err != nil {
			return err
		}
		if err := l.close(); err != nil {
			return err
		}
	}
}

// open opens the file, unless that has been done.
func (l *lock) open() error {
	if l.file != nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(l.path()), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(l.path(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	l.file = file
	return nil
}

func (l *lock) path() string { return l.dir.dir + lockSuffix }

// lockSuffix ends the names of the lock files, which lie beside the folders of their clusters.
const lockSuffix = ".lock"

// shared lets other processes use the cluster as well.
func (l *lock) shared() error { return host.LockFile(l.file, host.Shared) }

// release unlocks the cluster. It removes the lock file of a cluster that is gone, unless another process holds it: a process that has
// it open finds it replaced and takes the new one.
func (l *lock) release() error {
	var err error
	if _, gone := os.Stat(l.dir.dir); errors.Is(gone, fs.ErrNotExist) {
		if l.exclusive() == nil {
			err = os.Remove(l.path())
		}
	}
	return errors.Join(err, l.close())
}

func (l *lock) close() error {
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	return err
}
