package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodefault"
)

// state records a cluster that this project created. It distinguishes our clusters from other people's, and an unchanged cluster from one whose
// nodes have been restarted or removed.
type state struct {
	Name   string `json:"name"`
	Kept   bool   `json:"kept"`   // left in place by Close
	Image  string `json:"image"`  // of the nodes
	Config string `json:"config"` // digest of the kind configuration
	Engine string `json:"engine"` // address of the engine that the nodes are in
	// EngineID is the engine's own: another engine may answer at the address. Empty in the state of an earlier version.
	EngineID string `json:"engineID,omitempty"`
	// Creating is set until the cluster was complete; Nodes are then those that have been seen so far.
	Creating bool   `json:"creating,omitempty"`
	Nodes    []node `json:"nodes"`
	Nginx    string `json:"nginx"`
	Busybox  string `json:"busybox"`
}

// node is a node's container.
type node struct {
	ID      string `json:"id"`
	Started string `json:"started"` // changes when the container is started again
}

// stateDir is the folder of a cluster's state and kubeconfig.
type stateDir struct{ dir string }

// InvalidNameError says that a cluster cannot have a name.
type InvalidNameError struct{ Name string }

func (e *InvalidNameError) Error() string {
	return fmt.Sprintf("CLUSTER_NAME=%s: expected at most %d small letters, digits and dashes, with no dash at either end", e.Name, longestName)
}

// longestName leaves room for the rest of a run's name, which is the value of a label.
const longestName = 42

var validName = regexp.MustCompile(fmt.Sprintf(`^[a-z0-9]([a-z0-9-]{0,%d}[a-z0-9])?$`, longestName-2))

// CheckName fails with an InvalidNameError for what cannot be the name of a cluster, which is also the name of its folder. Empty stands for DefaultName.
func CheckName(name string) error {
	if name == "" || validName.MatchString(name) {
		return nil
	}
	return &InvalidNameError{Name: name}
}

func stateDirOf(name string) (stateDir, error) {
	if err := CheckName(name); err != nil {
		return stateDir{}, err
	}
	if name == "" {
		name = DefaultName
	}
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

// remove forgets the cluster. Only a folder that holds the state of the cluster of its name is removed.
func (p stateDir) remove() error {
	if _, err := os.Lstat(p.dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	s, err := p.read()
	if err != nil {
		return err
	}
	if s == nil || s.Name != filepath.Base(p.dir) {
		return fmt.Errorf("%s holds no state of the cluster %s and stays", p.dir, filepath.Base(p.dir))
	}
	parent, err := os.OpenRoot(filepath.Dir(p.dir))
	if err != nil {
		return err
	}
	return errors.Join(parent.RemoveAll(filepath.Base(p.dir)), parent.Close())
}

// owned fails with a foreignError unless all the nodes are of this cluster.
func (s *state) owned(now []node) error {
	recorded := map[string]bool{}
	for _, n := range s.Nodes {
		recorded[n.ID] = true
	}
	foreign := &foreignError{name: s.Name, none: true}
	for _, n := range now {
		if recorded[n.ID] {
			foreign.none = false
		} else {
			foreign.ids = append(foreign.ids, n.ID)
		}
	}
	// kind creates no cluster while there is a node of its name: beside a node of a creation that was cut short, all are of that creation.
	if len(foreign.ids) == 0 || s.Creating && !foreign.none {
		return nil
	}
	return foreign
}

// foreignError says that nodes of a kind cluster are not of the cluster that this project created under its name.
type foreignError struct {
	name string
	ids  []string
	none bool // no node of ours is left
}

func (e *foreignError) Error() string {
	var short []string
	for _, id := range e.ids {
		short = append(short, id[:min(12, len(id))])
	}
	return fmt.Sprintf("there is a kind cluster %s which this project did not create (containers %s), and it stays: remove it (kind delete cluster --name %s), or set CLUSTER_NAME to another name",
		e.name, strings.Join(short, ", "), e.name)
}

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
