package matrix

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
)

// mount is a file that nodes are to have when they start.
type mount struct {
	// at is where nodes have it, from the name of a file of this package, or of the program that the module hack/kine builds, or of a file with this text.
	at, from, text string
	// workers says that all nodes are to have it, and not the control plane's alone.
	workers bool
}

// kineProgram is the mount that is built.
const kineProgram = "kine"

// service returns the mounts that have the node's systemd start a unit of this package together with the container runtime. A unit among the wants of a target must
// be a symbolic link, which no mount is.
func service(unit string, workers bool) []mount {
	const units = "/etc/systemd/system"
	return []mount{
		{at: path.Join(units, unit), from: unit, workers: workers},
		{at: path.Join(units, "containerd.service.d", unit+".conf"), from: unit + ".conf", text: "[Unit]\nWants=" + unit + "\n", workers: workers},
	}
}

// KindConfig returns the variant's kind configuration, nil for the project's. The files that its nodes are to have are in dir as long as the cluster is there.
func (s Variant) KindConfig(ctx context.Context, dir string) ([]byte, error) {
	if len(s.mounts) == 0 {
		return s.Config, nil
	}
	var config v1alpha4.Cluster
	decoder := yaml.NewDecoder(bytes.NewReader(s.Config))
	decoder.KnownFields(true)
	if err := decoder.Decode(&config); err != nil {
		return nil, err
	}
	for _, m := range s.mounts {
		file, err := m.file(ctx, dir)
		if err != nil {
			return nil, err
		}
		for i := range config.Nodes {
			if n := &config.Nodes[i]; m.workers || n.Role == v1alpha4.ControlPlaneRole {
				n.ExtraMounts = append(n.ExtraMounts, v1alpha4.Mount{HostPath: file, ContainerPath: m.at, Readonly: true})
			}
		}
	}
	return yaml.Marshal(&config)
}

// file returns the path of the mounted file on this machine.
func (m mount) file(ctx context.Context, dir string) (string, error) {
	if m.from == kineProgram {
		return buildKine(ctx, dir)
	}
	name, text := filepath.Join(dir, m.from), []byte(m.text)
	if m.text == "" {
		text = read(m.from)
	}
	return name, os.WriteFile(name, text, 0o644)
}

// buildKine builds kine, of the version that the module hack/kine requires.
func buildKine(ctx context.Context, dir string) (string, error) {
	out := filepath.Join(dir, kineProgram)
	build := exec.CommandContext(ctx, "go", "-C", "hack/kine", "build", "-o", out, "github.com/k3s-io/kine")
	// Without cgo the driver of SQLite is the one that is written in Go, and the program needs no library of the node's.
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
	if text, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building kine: %w: %s", err, bytes.TrimSpace(text))
	}
	return out, nil
}
