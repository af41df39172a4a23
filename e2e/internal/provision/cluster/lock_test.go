package cluster

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func TestLocks(t *testing.T) {
	p := stateDir{dir: filepath.Join(t.TempDir(), "clusters", "n")}
	first, err := lockShared(p)
	if err != nil {
		t.Fatal(err)
	}
	second, err := lockShared(p)
	if err != nil {
		t.Fatalf("two runs cannot share a cluster: %v", err)
	}
	if err := second.exclusive(); err == nil || !strings.Contains(err.Error(), "another run is using the cluster n") {
		t.Errorf("a cluster was taken from under another run: %v", err)
	}
	if err := first.release(); err != nil {
		t.Fatal(err)
	}
	if err := second.exclusive(); err != nil {
		t.Errorf("the other run is over, and still: %v", err)
	}
	if _, err := lockShared(p); err == nil {
		t.Error("a cluster that is being made was shared")
	}
}

// locksIn lists the lock files beside the folders of clusters.
func locksIn(t *testing.T, p stateDir) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(filepath.Dir(p.dir), "*"+lockSuffix))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestLockGoesWithItsCluster(t *testing.T) {
	p := stateDir{dir: filepath.Join(t.TempDir(), "clusters", "n")}
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	kept, err := lockShared(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := kept.release(); err != nil || len(locksIn(t, p)) != 1 {
		t.Errorf("expected the lock of a cluster that is there to stay, found %v (%v)", locksIn(t, p), err)
	}
	first, err := lockShared(p)
	if err != nil {
		t.Fatal(err)
	}
	second, err := lockShared(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(p.dir); err != nil {
		t.Fatal(err)
	}
	if err := first.release(); err != nil || len(locksIn(t, p)) != 1 {
		t.Errorf("expected a lock that another run holds to stay, found %v (%v)", locksIn(t, p), err)
	}
	if err := second.release(); err != nil || len(locksIn(t, p)) != 0 {
		t.Errorf("expected the lock to go with its cluster, found %v (%v)", locksIn(t, p), err)
	}
}

// Lock files are created and removed all the time, and still no two processes hold the exclusive lock.
func TestRemovedLocksKeepOthersOut(t *testing.T) {
	p := stateDir{dir: filepath.Join(t.TempDir(), "clusters", "n")}
	var inside, taken atomic.Int32
	var runs sync.WaitGroup
	for range 8 {
		runs.Go(func() {
			for range 2000 {
				l, err := lockShared(p)
				if err != nil {
					continue // another run is alone with it
				}
				if l.exclusive() == nil {
					taken.Add(1)
					if n := inside.Add(1); n != 1 {
						t.Errorf("expected one run to be alone with the cluster, found %d", n)
					}
					inside.Add(-1)
				}
				if err := l.release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	runs.Wait()
	if taken.Load() == 0 {
		t.Error("expected the lock to be taken now and then, found it never was")
	}
}

func TestRemoveForgetsStaleLocks(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	stale := func() stateDir {
		t.Helper()
		p, err := stateDirOf("n")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(p.dir), 0o700); err != nil {
			t.Fatal(err)
		}
		// A run that was killed left it.
		if err := os.WriteFile(p.dir+lockSuffix, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := stale()
	if err := Remove(t.Context(), "n", io.Discard); err != nil || len(locksIn(t, p)) != 0 {
		t.Errorf("expected the lock of no cluster to go, found %v (%v)", locksIn(t, p), err)
	}
	stale()
	if err := RemoveAll(t.Context(), io.Discard, func([]string) error { return nil }); err != nil || len(locksIn(t, p)) != 0 {
		t.Errorf("expected the lock of no cluster to go with all others, found %v (%v)", locksIn(t, p), err)
	}
	stale()
	busy, err := lockShared(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := busy.exclusive(); err != nil {
		t.Fatal(err)
	}
	if err := RemoveAll(t.Context(), io.Discard, func([]string) error { return nil }); err == nil || !strings.Contains(err.Error(), "another run is using the cluster n") || len(locksIn(t, p)) != 1 {
		t.Errorf("expected a cluster that is just being made to be left alone, found %v (%v)", locksIn(t, p), err)
	}
}
