package faults

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/hero-academy/statefulset-conformance/hack/engine"
)

// ClusterConfig is the kind configuration of a cluster to plant faults in.
//
//go:embed kind.yaml
var ClusterConfig []byte

// Where the program and the name of the fault in force are in the node, and in the container that runs the program.
const (
	nodeDir  = "/etc/kubernetes/planted"
	Program  = nodeDir + "/kube-controller-manager"
	manifest = "/etc/kubernetes/manifests/kube-controller-manager.yaml"
	original = nodeDir + "/original.yaml"
)

// Node is the control plane node of a kind cluster.
type Node struct {
	Engine *engine.Engine
	Name   string
}

// Plant has the node run a faulty kube-controller-manager, with no fault in force yet. It returns before that is so: the pod whose
// command is Program becomes Ready.
func (n Node) Plant(ctx context.Context, binary string) error {
	if err := n.sh(ctx, nil, "mkdir -p "+nodeDir+" && : >"+nodeDir+"/fault && { test -e "+original+" || cp "+manifest+" "+original+"; }"); err != nil {
		return err
	}
	if _, err := n.Engine.Output(ctx, "cp", binary, n.Name+":"+Program+".new"); err != nil {
		return err
	}
	if err := n.sh(ctx, nil, "mv "+Program+".new "+Program); err != nil {
		return err
	}
	text, err := n.Engine.Output(ctx, "exec", n.Name, "cat", original)
	if err != nil {
		return err
	}
	faulty, err := faultyManifest([]byte(text))
	if err != nil {
		return err
	}
	return n.install(ctx, faulty)
}

// Set brings a fault into force; an empty name ends the one that is.
func (n Node) Set(ctx context.Context, fault string) error {
	return n.sh(ctx, strings.NewReader(fault), "cat >"+nodeDir+"/fault")
}

// Restore has the node run its own kube-controller-manager again.
func (n Node) Restore(ctx context.Context) error {
	text, err := n.Engine.Output(ctx, "exec", n.Name, "cat", original)
	if err != nil {
		return err
	}
	if err := n.install(ctx, []byte(text)); err != nil {
		return err
	}
	return n.sh(ctx, nil, "rm -rf "+nodeDir)
}

// install puts a manifest in its place in one go: the kubelet must not see half of it.
func (n Node) install(ctx context.Context, text []byte) error {
	return n.sh(ctx, bytes.NewReader(text), "cat >/etc/kubernetes/planted.yaml && mv /etc/kubernetes/planted.yaml "+manifest)
}

func (n Node) sh(ctx context.Context, stdin io.Reader, script string) error {
	args := []string{"exec", n.Name, "sh", "-c", script}
	if stdin != nil {
		args = []string{"exec", "-i", n.Name, "sh", "-c", script}
	}
	cmd := n.Engine.Command(ctx, args...)
	if stdin != nil {
		cmd.Stdin = stdin
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("in node %s: %w: %s", n.Name, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// faultyManifest has a static pod's manifest run the planted program.
func faultyManifest(text []byte) ([]byte, error) {
	var pod corev1.Pod
	if err := yaml.Unmarshal(text, &pod); err != nil {
		return nil, err
	}
	if len(pod.Spec.Containers) != 1 || len(pod.Spec.Containers[0].Command) == 0 {
		return nil, fmt.Errorf("expected a manifest with one container and its command, found %d containers", len(pod.Spec.Containers))
	}
	c := &pod.Spec.Containers[0]
	c.Command[0] = Program
	for i, arg := range c.Command {
		if strings.HasPrefix(arg, "--leader-elect=") {
			// With one instance there is nobody to wait for, and an old lease would cost a quarter of a minute.
			c.Command[i] = "--leader-elect=false"
		}
	}
	c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: "planted", MountPath: nodeDir, ReadOnly: true})
	kind := corev1.HostPathDirectory
	pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{
		Name: "planted", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: nodeDir, Type: &kind}},
	})
	return yaml.Marshal(pod)
}
