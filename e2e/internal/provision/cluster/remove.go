package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
)

// Remove removes the cluster of that name, if this project made it.
func Remove(ctx context.Context, name string, progress io.Writer) (err error) {
	at, err := stateDirOf(name)
	if err != nil {
		return err
	}
	l, err := lockAlone(at)
	if err != nil {
		return err
	}
	// This also removes the lock that a killed run may have left.
	defer func() { err = errors.Join(err, l.release()) }()
	left, err := at.read()
	if err != nil {
		return err
	}
	if left == nil {
		fmt.Fprintf(progress, "cluster: there is no cluster %s of this project's\n", filepath.Base(at.dir))
		return nil
	}
	return remove(ctx, l, left, progress)
}

// RemoveAll removes every cluster that this project made, if no run uses one of them. The clusters in the engine of our own go with it:
// cleanEngine, which receives the IDs of their nodes, removes them while no run can take one of them.
func RemoveAll(ctx context.Context, progress io.Writer, cleanEngine func(nodes []string) error) (err error) {
	cache, err := engine.CacheDir()
	if err != nil {
		return err
	}
	dir := filepath.Join(cache, "clusters")
	names, err := namesIn(dir)
	if err != nil {
		return err
	}
	var locks []*lock
	defer func() {
		for _, l := range locks {
			err = errors.Join(err, l.release())
		}
		// It stays if a run has made a cluster meanwhile.
		_ = os.Remove(dir)
	}()
	for _, name := range names {
		l, err := lockAlone(stateDir{dir: filepath.Join(dir, name)})
		if err != nil {
			return err
		}
		locks = append(locks, l)
	}
	var own []stateDir
	var nodes []string
	for _, l := range locks {
		left, err := l.dir.read()
		switch {
		case err != nil:
			return err
		case left == nil:
		case engine.IsOwnHost(left.Engine):
			own = append(own, l.dir)
			for _, n := range left.nodesInOwnEngine(ctx) {
				nodes = append(nodes, n.ID)
			}
		default:
			if err := remove(ctx, l, left, progress); err != nil {
				return err
			}
		}
	}
	if err := removeNetwork(ctx); err != nil {
		return err
	}
	if err := cleanEngine(nodes); err != nil {
		return err
	}
	for _, at := range own {
		if err := at.remove(); err != nil {
			return err
		}
	}
	return nil
}

// nodesInOwnEngine are the recorded nodes and, of a creation that was cut short, those beside them.
func (s *state) nodesInOwnEngine(ctx context.Context) []node {
	found, err := engine.Find(ctx)
	if err != nil || found == nil || !found.Own() {
		return s.Nodes
	}
	now, err := nodesOf(ctx, found, s.Name)
	if err != nil || s.owned(now) != nil {
		return s.Nodes
	}
	return now
}

// namesIn lists the clusters that have a folder or a lock: one that is just being made has nothing else to show yet.
func namesIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		name := strings.TrimSuffix(entry.Name(), lockSuffix)
		if validName.MatchString(name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// remove removes a cluster that this process has for itself.
func remove(ctx context.Context, l *lock, left *state, progress io.Writer) error {
	found, err := engine.Find(ctx)
	if err != nil {
		return err
	}
	if found == nil {
		// The nodes would start again with their engine, under their own restart policy.
		return fmt.Errorf("no container engine answers: start the one that the cluster %s is in (%s) to remove it", left.Name, describeHost(left.Engine))
	}
	id, err := found.ID(ctx)
	if err != nil {
		return err
	}
	if err := left.checkEngine(l.dir, found, id); err != nil {
		return err
	}
	c := &Cluster{name: left.Name, dir: l.dir, engine: found, engineID: id, lock: l, state: left}
	fmt.Fprintf(progress, "cluster: removing %s\n", left.Name)
	if c.kind, err = kindProvider(found); err != nil {
		return err
	}
	err = c.destroy(ctx)
	if foreign := new(foreignError); errors.As(err, &foreign) && foreign.none {
		fmt.Fprintf(progress, "cluster: the nodes of %s are gone; %v\n", left.Name, err)
		return nil
	}
	return err
}
