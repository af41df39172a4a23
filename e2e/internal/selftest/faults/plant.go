package faults

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
)

//go:embed kind.yaml
var clusterConfig string

// ClusterConfig returns the kind configuration of a cluster of one of Versions to plant faults in. It turns on what is off by default and has faults.
func ClusterConfig(kubernetes string) []byte {
	if !has(kubernetes, oldGone) {
		return []byte(clusterConfig)
	}
	return []byte(clusterConfig + "featureGates:\n  StatefulSetRecreateStrategy: true\n")
}

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
	// NodeFaults says that its components are going to be killed: what competes for a lease must go on doing so.
	NodeFaults bool
}

// Prepare makes room in the node for what is kept there while faults are in force.
func (n Node) Prepare(ctx context.Context) error {
	return n.sh(ctx, nil, "mkdir -p "+nodeDir+" && : >"+nodeDir+"/fault && { test -e "+original+" || cp "+manifest+" "+original+"; }")
}

// Plant has the node run a faulty kube-controller-manager, with no fault in force yet. It returns before that is so: the pod whose
// command is Program becomes Ready.
func (n Node) Plant(ctx context.Context, binary string) error {
	if _, err := n.Engine.Output(ctx, "cp", binary, n.Name+":"+Program+".new"); err != nil {
		return err
	}
	if err := n.sh(ctx, nil, "mv "+Program+".new "+Program); err != nil {
		return err
	}
	return n.Start(ctx)
}

// Start has the kubelet run the faulty program in a new pod, whether or not it runs one already. It returns before that is so.
func (n Node) Start(ctx context.Context) error {
	text, err := n.Engine.Output(ctx, "exec", n.Name, "cat", original)
	if err != nil {
		return err
	}
	faulty, err := faultyManifest([]byte(text), n.NodeFaults, time.Now())
	if err != nil {
		return err
	}
	return n.install(ctx, faulty)
}

// nodeName stands for the name of the control plane node in manifests of faults.
const nodeName = "NAME-OF-THE-NODE"

// Begin brings a fault into force.
func (n Node) Begin(ctx context.Context, f Fault) error {
	switch {
	case f.Apply != "":
		// The API server takes up a policy when it has seen it in its own watch.
		return n.kubectl(ctx, strings.ReplaceAll(f.Apply, nodeName, n.Name), "apply -f - && sleep 2")
	case f.Replace != "":
		const manifest = nodeDir + "/replace.yaml"
		return n.sh(ctx, strings.NewReader(f.Replace), "cat >"+manifest+" && "+kubectl+"get -o yaml -f "+manifest+" >"+saved+" && "+kubectl+"replace --force -f "+manifest)
	case f.Corefile != "":
		return n.corefile(ctx, f.Corefile)
	}
	return n.sh(ctx, strings.NewReader(f.Name), "cat >"+nodeDir+"/fault")
}

// End takes a fault back.
func (n Node) End(ctx context.Context, f Fault) error {
	switch {
	case f.Apply != "":
		return n.kubectl(ctx, f.Apply, "delete --ignore-not-found -f - && sleep 2")
	case f.Replace != "":
		return n.sh(ctx, nil, kubectl+"replace --force -f "+saved)
	case f.Corefile != "":
		return n.corefile(ctx, "")
	}
	return n.sh(ctx, nil, ": >"+nodeDir+"/fault")
}

const (
	kubectl = "kubectl --kubeconfig=/etc/kubernetes/admin.conf "
	saved   = nodeDir + "/saved.yaml"
	coreDNS = nodeDir + "/coredns.json"
)

// kubectl runs kubectl in the node, with a manifest as its input.
func (n Node) kubectl(ctx context.Context, input, script string) error {
	return n.sh(ctx, strings.NewReader(input), kubectl+script)
}

// corefile puts text at the top of CoreDNS's server block, in place of what was put there before, and waits until CoreDNS has it.
func (n Node) corefile(ctx context.Context, text string) error {
	if err := n.sh(ctx, nil, "test -e "+coreDNS+" || "+kubectl+"-n kube-system get configmap coredns -o json >"+coreDNS); err != nil {
		return err
	}
	out, err := n.Engine.Output(ctx, "exec", n.Name, "cat", coreDNS)
	if err != nil {
		return err
	}
	var config corev1.ConfigMap
	if err := yaml.Unmarshal([]byte(out), &config); err != nil {
		return err
	}
	const block = ".:53 {\n"
	before, after, found := strings.Cut(config.Data["Corefile"], block)
	if !found {
		return fmt.Errorf("expected a server block %q in CoreDNS's configuration, found:\n%s", strings.TrimSpace(block), config.Data["Corefile"])
	}
	patch, err := yaml.Marshal(map[string]any{"data": map[string]string{"Corefile": before + block + text + after}})
	if err != nil {
		return err
	}
	// A restart is sooner than CoreDNS's own look at its file.
	const deployment = "-n kube-system rollout "
	return n.kubectl(ctx, string(patch), "-n kube-system patch configmap coredns --patch-file /dev/stdin && "+
		kubectl+deployment+"restart deployment coredns && "+kubectl+deployment+"status deployment coredns --timeout=90s")
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

// faultyManifest has a static pod's manifest run the planted program, which competes for its lease if elect says so. Another time makes another pod.
func faultyManifest(text []byte, elect bool, at time.Time) ([]byte, error) {
	var pod corev1.Pod
	if err := yaml.Unmarshal(text, &pod); err != nil {
		return nil, err
	}
	if len(pod.Spec.Containers) != 1 || len(pod.Spec.Containers[0].Command) == 0 {
		return nil, fmt.Errorf("expected a manifest with one container and its command, found %d containers", len(pod.Spec.Containers))
	}
	metav1.SetMetaDataAnnotation(&pod.ObjectMeta, "planted/started", at.Format(time.RFC3339Nano))
	c := &pod.Spec.Containers[0]
	c.Command[0] = Program
	for i, arg := range c.Command {
		if strings.HasPrefix(arg, "--leader-elect=") && !elect {
			// One instance has no competitor, and an old lease would cost a quarter of a minute.
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
