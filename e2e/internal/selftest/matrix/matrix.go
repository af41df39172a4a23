package matrix

import (
	"context"
	"embed"
	"fmt"
	"io"
	"runtime"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/container"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodefault"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodeimage"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// Variant is one cluster of the matrix.
type Variant struct {
	Name string
	// Summary says in what it differs.
	Summary string
	// KubernetesVersion is the version to run, empty for the default.
	KubernetesVersion string
	// Config is the kind configuration, empty for the project's.
	Config []byte
	// StorageClass is the one that the suite is to use, empty for the default.
	StorageClass string
	// Registry says that the nodes pull the workload's images from a registry that is made for the run.
	Registry bool
	// Architecture is the one that those images are said to be for, empty for the nodes'.
	Architecture string
	// Bug is a known bug of Kubernetes that the cluster has, empty for none.
	Bug string
	// Breaks is the guarantee that the suite has to find broken because of Bug.
	Breaks contract.ID
	// Settings sets what the cluster asks for, nil for nothing.
	Settings func(*runconfig.Settings)
	// Refused is part of the line with which the first checks have to refuse the cluster, empty where the suite is to run on it.
	Refused string

	// mounts are files that its nodes are to have when they start.
	mounts  []mount
	prepare func(context.Context, *On) error
}

// On is the cluster that a variant is made of.
type On struct {
	// Config is how its API server is reached, Engine what its nodes run on, and Cluster the name that kind knows it by.
	Config  *rest.Config
	Engine  container.Client
	Cluster string
	// Settings are those of the run.
	Settings *runconfig.Settings
	// Progress receives a line for each step that takes time.
	Progress io.Writer

	client kubernetes.Interface
}

// Prepare changes a cluster that was created with the variant's configuration into the variant. What it starts goes on until ctx ends.
func (s Variant) Prepare(ctx context.Context, on On) (err error) {
	if s.Settings != nil {
		s.Settings(on.Settings)
	}
	if s.prepare == nil {
		return nil
	}
	if on.client, err = kubernetes.NewForConfig(on.Config); err == nil {
		err = s.prepare(ctx, &on)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	return nil
}

// sh runs a script in each node.
func (on *On) sh(ctx context.Context, script string) error {
	nodes, err := nodefault.List(ctx, on.Engine, on.Cluster)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if _, err := on.Engine.Output(ctx, "exec", n.ID, "sh", "-c", script); err != nil {
			return fmt.Errorf("node %s: %w", n.Name, err)
		}
	}
	return nil
}

//go:embed *.yaml *.service *.sh
var files embed.FS

// All returns every variant. The caller owns the result.
func All() []Variant {
	all := []Variant{
		{Name: "ipv6", Summary: "pods and services have IPv6 addresses only", Config: read("ipv6.yaml")},
		{Name: "dual-stack", Summary: "pods have an IPv4 and an IPv6 address", Config: read("dual-stack.yaml")},
		{Name: "zone", Summary: "the DNS zone is db.example.internal", Config: read("zone.yaml")},
		{
			Name: "immediate", Summary: "a second StorageClass, whose claims are bound as soon as they are made (Immediate)", Config: read("one-node.yaml"),
			StorageClass: shared, prepare: addSharedClass,
		},
		{Name: "retain", Summary: "volumes outlive their claims (reclaimPolicy Retain)", StorageClass: retained, prepare: addRetainedClass},
		{
			Name: "max-unavailable", Summary: "the feature gate MaxUnavailableStatefulSet is on in a version that leaves it off",
			KubernetesVersion: "v1.36.3", Config: read("max-unavailable.yaml"),
			Bug: "kubernetes issue 137409: under Parallel a rollout never goes past pods that are not Ready", Breaks: contract.UpdateComplete,
		},
		{
			Name: "max-unavailable-off", Summary: "the feature gate MaxUnavailableStatefulSet is off, so that sets are rolled out as before 1.37",
			Config: read("max-unavailable-off.yaml"),
		},
		{Name: "recreate", Summary: "the feature gate StatefulSetRecreateStrategy is on", Config: read("recreate.yaml")},
		{Name: "registry", Summary: "nodes pull the workload's images, with credentials, over a slow line, from a registry that answers 429 now and then", Registry: true},
		{
			Name: "other-architecture-refused", Summary: "the same, with images of another architecture than the nodes'",
			Registry: true, Architecture: otherArchitecture(), Refused: "architecture",
		},
	}
	all = append(all, foreign()...)
	all = append(all, network()...)
	for _, version := range nodeimage.KubernetesVersions() {
		if version != nodeimage.DefaultKubernetesVersion {
			all = append(all, Variant{Name: version, Summary: "Kubernetes " + version, KubernetesVersion: version})
		}
	}
	return all
}

// otherArchitecture is one that the nodes of a cluster on this machine are not of.
func otherArchitecture() string {
	if runtime.GOARCH == "arm64" {
		return "amd64"
	}
	return "arm64"
}

// read returns a file that is part of the program.
func read(name string) []byte {
	text, err := files.ReadFile(name)
	if err != nil {
		panic(err) // embedded by the line above, so only a misspelt name gets here
	}
	return text
}
