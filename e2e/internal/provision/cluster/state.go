package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
)

// state is what is kept of a cluster that this project made: it tells our clusters from other people's, and a cluster as it was left
// from one that something has happened to.
type state struct {
	Name    string `json:"name"`
	Kept    bool   `json:"kept"`   // made to stay
	Image   string `json:"image"`  // of the nodes
	Config  string `json:"config"` // digest of the kind configuration
	Engine  string `json:"engine"` // that the nodes are in
	Nodes   []node `json:"nodes"`  // empty until the cluster was complete
	Nginx   string `json:"nginx"`
	Busybox string `json:"busybox"`
}

// node is a node's container.
type node struct {
	ID      string `json:"id"`
	Started string `json:"started"` // changes when the container is started again
}

// stateDir is where a cluster's files are: state, kubeconfig, kind configuration, kind.
type stateDir struct{ dir string }

func stateDirOf(name string) (stateDir, error) {
	cache, err := engine.CacheDir()
	if err != nil {
		return stateDir{}, err
	}
	return stateDir{dir: filepath.Join(cache, "clusters", name)}, nil
}

func (p stateDir) file(name string) string { return filepath.Join(p.dir, name) }
func (p stateDir) kubeconfig() string      { return p.file("kubeconfig") }

// read returns the state, nil when this project has made no cluster here.
func (p stateDir) read() (*state, error) {
	text, err := os.ReadFile(p.file("state.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s := new(state)
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("%s: %w", p.file("state.json"), err)
	}
	return s, nil
}

// write replaces the state in one go.
func (p stateDir) write(s *state) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return err
	}
	partial := p.file(".state.json")
	if err := os.WriteFile(partial, text, 0o600); err != nil {
		return err
	}
	return os.Rename(partial, p.file("state.json"))
}

// remove forgets the cluster.
func (p stateDir) remove() error { return os.RemoveAll(p.dir) }

// nodesOf lists the containers of the kind cluster of that name, whoever made it.
func nodesOf(ctx context.Context, e *engine.Engine, name string) ([]node, error) {
	out, err := e.Output(ctx, "ps", "--all", "--no-trunc", "--quiet", "--filter", "label=io.x-k8s.kind.cluster="+name)
	if err != nil {
		return nil, err
	}
	ids := strings.Fields(out)
	if len(ids) == 0 {
		return nil, nil
	}
	out, err = e.Output(ctx, append([]string{"inspect", "--format", "{{.Id}} {{.State.Status}} {{.State.StartedAt}}"}, ids...)...)
	if err != nil {
		return nil, err
	}
	var nodes []node
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue
		}
		found := node{ID: fields[0]}
		if fields[1] == "running" { // not so when it is paused
			found.Started = fields[2]
		}
		nodes = append(nodes, found)
	}
	slices.SortFunc(nodes, func(a, b node) int { return strings.Compare(a.ID, b.ID) })
	return nodes, nil
}
