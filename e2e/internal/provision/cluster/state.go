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
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodefault"
)

// state records a cluster that this project created. It tells our clusters from other people's, and an unchanged cluster from one whose
// nodes have been restarted or removed.
type state struct {
	Name    string `json:"name"`
	Kept    bool   `json:"kept"`   // left in place by Close
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

// stateDir is the folder of a cluster's state and kubeconfig.
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

// nodesOf lists the containers of the kind cluster of that name, whoever created it, sorted by ID.
func nodesOf(ctx context.Context, e *engine.Engine, name string) ([]node, error) {
	list, err := nodefault.List(ctx, e.Client, name)
	if err != nil {
		return nil, err
	}
	var nodes []node
	for _, n := range list {
		found := node{ID: n.ID}
		if n.Status == "running" { // a paused node is not
			found.Started = n.Started
		}
		nodes = append(nodes, found)
	}
	slices.SortFunc(nodes, func(a, b node) int { return strings.Compare(a.ID, b.ID) })
	return nodes, nil
}
