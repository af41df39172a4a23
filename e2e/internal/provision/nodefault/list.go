package nodefault

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/container"
)

// kind's labels of the containers that are its nodes.
const (
	clusterLabel = "io.x-k8s.kind.cluster"
	roleLabel    = "io.x-k8s.kind.role"
	controlPlane = "control-plane"
)

// Node is a node of a kind cluster as the container engine sees it.
type Node struct {
	ID string
	// Name is the name of the container and of the Node object.
	Name string
	Role string
	// Status is the container's, as the engine writes it: running, paused, exited.
	Status string
	// Started is when the container was last started, in RFC 3339.
	Started string
}

// startTime is when the node was last started.
func (n Node) startTime() (time.Time, error) {
	at, err := time.Parse(time.RFC3339Nano, n.Started)
	if err != nil {
		return at, fmt.Errorf("node %s: start: %w", n.Name, err)
	}
	return at, nil
}

// List returns the nodes of the kind cluster of that name, none if there is no such cluster. kind's own list has names only, not whether
// a container runs and since when.
func List(ctx context.Context, client container.Client, cluster string) ([]Node, error) {
	out, err := client.Output(ctx, "ps", "--all", "--quiet", "--filter", "label="+clusterLabel+"="+cluster)
	if err != nil {
		return nil, err
	}
	ids := strings.Fields(out)
	if len(ids) == 0 {
		return nil, nil
	}
	format := fmt.Sprintf(`{{.Id}} {{.Name}} {{index .Config.Labels %q}} {{.State.Status}} {{json .State.StartedAt}}`, roleLabel)
	out, err = client.Output(ctx, append([]string{"inspect", "--format", format}, ids...)...)
	if err != nil {
		return nil, err
	}
	return parse(out)
}

func parse(out string) ([]Node, error) {
	var nodes []Node
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) != 5 {
			return nil, fmt.Errorf("expected a node's ID, name, role, status and start, found %q", strings.TrimSpace(line))
		}
		nodes = append(nodes, Node{ID: f[0], Name: strings.TrimPrefix(f[1], "/"), Role: f[2], Status: f[3], Started: strings.Trim(f[4], `"`)})
	}
	return nodes, nil
}
