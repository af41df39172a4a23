package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
)

// Remove removes the cluster of that name, if this project made it.
func Remove(ctx context.Context, name string, progress io.Writer) error {
	if name == "" {
		name = DefaultName
	}
	at, err := stateDirOf(name)
	if err != nil {
		return err
	}
	left, err := at.read()
	if err != nil {
		return err
	}
	if left == nil {
		if l, err := lockShared(at); err == nil {
			// A run that was killed may have left its lock.
			if err := l.release(); err != nil {
				return err
			}
		}
		fmt.Fprintf(progress, "cluster: there is no cluster %s of this project's\n", name)
		return nil
	}
	return remove(ctx, at, left, progress)
}

// RemoveAll removes every cluster that this project made.
func RemoveAll(ctx context.Context, progress io.Writer) error {
	cache, err := engine.CacheDir()
	if err != nil {
		return err
	}
	dir := filepath.Join(cache, "clusters")
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var failed []error
	for _, entry := range entries {
		if name, is := strings.CutSuffix(entry.Name(), lockSuffix); is {
			// Of a cluster that is there, it goes with that one. One that is just being made has nothing else to show yet.
			l, err := lockShared(stateDir{dir: filepath.Join(dir, name)})
			if err == nil {
				err = l.release()
			}
			failed = append(failed, err)
			continue
		}
		at := stateDir{dir: filepath.Join(dir, entry.Name())}
		left, err := at.read()
		if err != nil || left == nil {
			failed = append(failed, err)
			continue
		}
		if engine.IsOwnHost(left.Engine) {
			continue // it goes with the engine
		}
		failed = append(failed, Remove(ctx, entry.Name(), progress))
	}
	failed = append(failed, removeNetwork(ctx))
	if err := errors.Join(failed...); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

func remove(ctx context.Context, at stateDir, left *state, progress io.Writer) error {
	l, err := lockShared(at)
	if err != nil {
		return err
	}
	defer l.release()
	if err := l.exclusive(); err != nil {
		return err
	}
	found, err := engine.Find(ctx)
	if err != nil {
		return err
	}
	if found == nil {
		// The nodes would start again with their engine, under their own restart policy.
		return fmt.Errorf("no container engine answers: start the one that the cluster %s is in (%s) to remove it", left.Name, describeHost(left.Engine))
	}
	if err := left.checkEngine(found); err != nil {
		return err
	}
	c := &Cluster{name: left.Name, dir: at, engine: found, lock: l, state: left}
	fmt.Fprintf(progress, "cluster: removing %s\n", left.Name)
	if c.kind, err = kindProvider(found); err != nil {
		return err
	}
	return c.destroy(ctx)
}
