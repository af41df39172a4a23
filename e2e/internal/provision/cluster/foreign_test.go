package cluster

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodeimage"
)

// fakeNodes has docker list these containers as those of every kind cluster, and returns the file that tells whether one was removed.
func fakeNodes(t *testing.T, ids ...string) (removed string) {
	t.Helper()
	removed = filepath.Join(t.TempDir(), "removed")
	listing := ""
	for _, id := range ids {
		listing += "echo '" + id + " /" + id + " worker running t'; "
	}
	fakeDocker(t, `case "$1" in
ps) test -e '`+removed+`' || printf '%s\n' `+strings.Join(ids, " ")+` ;;
inspect) `+listing+` ;;
rm) : >'`+removed+`' ;;
version) echo 27.1.2 ;;
info) echo the-id ;;
esac`)
	return removed
}

func TestForeignClusterOfTheNameIsNotRemoved(t *testing.T) {
	for _, tt := range []struct {
		name      string
		state     state
		present   []string
		removed   bool // the nodes
		forgotten bool // the state
	}{
		{"its own nodes", state{Nodes: []node{{ID: "ours1"}, {ID: "ours2"}}}, []string{"ours1", "ours2"}, true, true},
		{"its own nodes are gone", state{Nodes: []node{{ID: "ours1"}}}, []string{"foreign1"}, false, true},
		{"it was never completed", state{Creating: true}, []string{"foreign1"}, false, true},
		{"a state of an earlier version, never completed", state{}, []string{"foreign1"}, false, true},
		{"a foreign node beside its own", state{Nodes: []node{{ID: "ours1"}}}, []string{"ours1", "foreign1"}, false, false},
		{"one that appeared when its creation was cut short", state{Creating: true, Nodes: []node{{ID: "ours1"}}}, []string{"ours1", "ours2"}, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			removed := fakeNodes(t, tt.present...)
			c := testCluster(t)
			tt.state.Name = "n"
			c.state = &tt.state
			err := c.destroy(t.Context())
			_, notRemoved := os.Stat(removed)
			_, forgotten := os.Stat(c.dir.dir)
			if (notRemoved == nil) != tt.removed || errors.Is(forgotten, os.ErrNotExist) != tt.forgotten {
				t.Errorf("expected nodes removed %v, state forgotten %v; found %v, %v", tt.removed, tt.forgotten, notRemoved == nil, forgotten)
			}
			if foreign := new(foreignError); errors.As(err, &foreign) == tt.removed {
				t.Errorf("expected an error only where foreign nodes stay, found %v", err)
			}
		})
	}
}

func TestRemoveLeavesAForeignClusterOfTheName(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("DOCKER_HOST", "")
	removed := fakeNodes(t, "foreign1")
	at, err := stateDirOf("n")
	if err != nil {
		t.Fatal(err)
	}
	if err := at.write(&state{Name: "n", Nodes: []node{{ID: "ours1"}}}); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := Remove(t.Context(), "n", &out); err != nil || !strings.Contains(out.String(), "did not create (containers foreign1), and it stays") {
		t.Errorf("expected it to say that the cluster stays, found %v, %s", err, out.String())
	}
	if _, err := os.Stat(removed); err == nil {
		t.Error("a foreign node was removed")
	}
}

func TestClusterOfAnotherEngineIsRefused(t *testing.T) {
	e := testCluster(t).engine
	t.Setenv("DOCKER_HOST", "")
	for _, tt := range []struct {
		state state
		says  string
	}{
		{state{EngineID: "one"}, ""},
		{state{}, ""}, // of an earlier version
		{state{EngineID: "two"}, "another container engine at the same address"},
		{state{Engine: "tcp://engine.invalid:2375", EngineID: "one"}, "another container engine (tcp"},
	} {
		if err := tt.state.checkEngine(stateDir{}, e, "one"); (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%+v: expected %q, found %v", tt.state, tt.says, err)
		}
	}
}

func TestNamesThatArePathsAreRefused(t *testing.T) {
	for name, want := range map[string]bool{
		"": true, "n": true, "statefulset-conformance-faults-outage": true, strings.Repeat("a", longestName): true,
		"..": false, ".": false, "../../..": false, "a/b": false, "/tmp": false, "-a": false, "a-": false, "A": false, "a.lock": false,
		strings.Repeat("a", longestName+1): false,
	} {
		if _, err := stateDirOf(name); (err == nil) != want {
			t.Errorf("%q: expected it to be a name: %v, found %v", name, want, err)
		}
	}
	if _, err := Up(t.Context(), Options{Name: "../.."}); !errors.As(err, new(*InvalidNameError)) {
		t.Errorf("expected the name to be refused first of all, found %v", err)
	}
}

func TestOnlyAFolderWithItsStateIsRemoved(t *testing.T) {
	for name, other := range map[string]*state{"no state": nil, "another's state": {Name: "other"}} {
		p := stateDir{dir: filepath.Join(t.TempDir(), "clusters", "n")}
		if err := os.MkdirAll(p.dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if other != nil {
			if err := p.write(other); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.remove(); err == nil {
			t.Errorf("%s: expected an error", name)
		}
		if _, err := os.Stat(p.dir); err != nil {
			t.Errorf("%s: expected the folder to stay, found %v", name, err)
		}
	}
}

// ownCluster writes the state of a cluster in the engine of our own.
func ownCluster(t *testing.T) stateDir {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("DOCKER_HOST", "")
	fakeDocker(t, "exit 1")
	at, err := stateDirOf("n")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := engine.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	host := "unix://" + filepath.Join(cache, "engine", "run", "docker.sock")
	if !engine.IsOwnHost(host) {
		t.Skip("the folder for tests is too long for a socket")
	}
	if err := at.write(&state{Name: "n", Engine: host, Nodes: []node{{ID: "ours1"}}}); err != nil {
		t.Fatal(err)
	}
	return at
}

func TestRemoveAllEndsNoRunInTheEngineOfOurOwn(t *testing.T) {
	at := ownCluster(t)
	cleaned := 0
	clean := func(nodes []string) error {
		if len(nodes) != 1 || nodes[0] != "ours1" {
			t.Errorf("expected the node that was made, found %v", nodes)
		}
		if _, err := lockShared(at); err == nil {
			t.Error("a run could take the cluster while its engine is cleaned")
		}
		cleaned++
		return nil
	}
	run, err := lockShared(at)
	if err != nil {
		t.Fatal(err)
	}
	if err := RemoveAll(t.Context(), io.Discard, clean); err == nil || cleaned != 0 || !strings.Contains(err.Error(), "another run is using") {
		t.Errorf("expected the run to be left alone, found %v", err)
	}
	if err := run.release(); err != nil {
		t.Fatal(err)
	}
	if err := RemoveAll(t.Context(), io.Discard, clean); err != nil || cleaned != 1 {
		t.Errorf("expected the engine to be cleaned, found %v", err)
	}
	if _, err := os.Stat(filepath.Dir(at.dir)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("expected nothing to be left of clusters, found %v", err)
	}
}

func TestKeptClusterThatIsNotReadyIsNotReplaced(t *testing.T) {
	removed := fakeNodes(t, "ours1")
	c := testCluster(t)
	want := &state{Name: "n", Kept: true, Image: "i", Config: digest([]byte(plainConfig)), Nodes: []node{{ID: "ours1", Started: "t"}}}
	if err := c.dir.write(want); err != nil {
		t.Fatal(err)
	}
	// Nothing answers there.
	kubeconfig := `{"apiVersion":"v1","kind":"Config","current-context":"c","contexts":[{"name":"c","context":{"cluster":"c"}}],"clusters":[{"name":"c","cluster":{"server":"https://127.0.0.1:1"}}]}`
	if err := os.WriteFile(c.dir.kubeconfig(), []byte(kubeconfig), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if c.lock, err = lockShared(c.dir); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	var out strings.Builder
	err = c.ensure(ctx, Options{Progress: &out}, nodeimage.Image{Name: "i"}, []byte(plainConfig))
	if err == nil || !strings.Contains(err.Error(), "make cluster-down CLUSTER_NAME=n") || !strings.Contains(out.String(), "is not ready") {
		t.Errorf("expected it to be left for the person to remove, found %v, %s", err, out.String())
	}
	if _, err := os.Stat(removed); err == nil {
		t.Error("the cluster was removed")
	}
}

func TestExclusiveUseKeepsOthersOffAKeptCluster(t *testing.T) {
	fakeNodes(t, "ours1")
	c := testCluster(t)
	other, err := lockShared(c.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer other.release()
	if c.lock, err = lockShared(c.dir); err != nil {
		t.Fatal(err)
	}
	err = c.ensure(t.Context(), Options{Exclusive: true, Progress: io.Discard}, nodeimage.Image{Name: "i"}, []byte(plainConfig))
	if err == nil || !strings.Contains(err.Error(), "another run is using the cluster n") {
		t.Errorf("expected the other run to be left alone, found %v", err)
	}
}
