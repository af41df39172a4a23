// Package runconfig is what one run was asked for, handed from the command that starts a run to the test processes that carry
// it out, and kept in the report.
package runconfig

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/limits"
)

// Labels on everything that the suite makes in a cluster: whatever carries ManagedBy may be removed by the suite. The value of
// RunLabel is the run's name.
const (
	ManagedByLabel = "app.kubernetes.io/managed-by"
	ManagedBy      = "statefulset-conformance"
	RunLabel       = "statefulset-conformance.hero-academy.github.io/run"
)

// Finalizer is on pods that a spec keeps for a while once they are deleted.
const Finalizer = RunLabel

// PodSecurityLabel is the label of a namespace that names the Pod Security Standard which it enforces.
const PodSecurityLabel = "pod-security.kubernetes.io/enforce"

// Settings says which cluster a run uses and how.
type Settings struct {
	// Run names the run: it labels whatever the run makes in the cluster.
	Run string `json:"run"`
	// Kubeconfig and Context choose the cluster. The path may be a list, as in kubectl's variable; an empty one means the pod's
	// own service account.
	Kubeconfig string `json:"kubeconfig"`
	Context    string `json:"context,omitempty"`
	// Level is the highest level that is asked.
	Level contract.Level `json:"level"`
	// StorageClass is put into claim templates; empty means the cluster's default.
	StorageClass string `json:"storageClass,omitempty"`
	Images       Images `json:"images"`
	// NamespacePrefix begins the name of every namespace that is made.
	NamespacePrefix string `json:"namespacePrefix"`
	// Namespaces are those that were given to the run, instead of ones that it makes: one for each process, all empty.
	Namespaces []string `json:"namespaces,omitempty"`
	// ReportDir receives histories and failures; absolute.
	ReportDir string        `json:"reportDir"`
	Limits    limits.Limits `json:"limits"`
	// Hasty runs do not wait until the namespaces that they ended are gone: another run follows in the same cluster.
	Hasty bool `json:"hasty,omitempty"`
	// Focus and Labels narrowed the run.
	Focus  string `json:"focus,omitempty"`
	Labels string `json:"labels,omitempty"`
	Facts  Facts  `json:"facts"`
	Suite  Suite  `json:"suite"`
	// Kind is the kind cluster whose nodes the run may stop; nil where it may hurt nothing.
	Kind *Kind `json:"kind,omitempty"`
}

// Kind says where the nodes of a kind cluster are.
type Kind struct {
	Name string `json:"name"`
	// Engine is the address of the container engine, as package engine writes it.
	Engine string `json:"engine"`
}

// Facts is what was found out about the cluster before the run.
type Facts struct {
	KubernetesVersion string   `json:"kubernetesVersion"`
	Nodes             []string `json:"nodes,omitempty"`
	StorageClass      string   `json:"storageClass,omitempty"`
	Provisioner       string   `json:"provisioner,omitempty"`
	CNI               string   `json:"cni,omitempty"`
	DNSZone           string   `json:"dnsZone,omitempty"`
	// NoBaseline is why the given namespaces do not admit what needs the Pod Security Standard baseline, "" if they do.
	NoBaseline string `json:"noBaseline,omitempty"`
	// ImageIDs are what the nodes' container runtime found behind the images' names, a digest where a registry told one.
	ImageIDs Images `json:"imageIDs,omitzero"`
}

// Suite says what carries out the run.
type Suite struct {
	Version string `json:"version"`
	Digest  string `json:"digest,omitempty"` // SHA-256 of the suite's binary
}

// Images are the workload's images, by reference.
type Images struct {
	Nginx   string `json:"nginx"`   // serves on port 80 and holds busybox, hence nslookup
	Busybox string `json:"busybox"` // runs as any user
}

// RESTConfig returns how the cluster is reached.
func (s Settings) RESTConfig() (*rest.Config, error) {
	if s.Kubeconfig == "" {
		return rest.InClusterConfig()
	}
	return s.ClientConfig().ClientConfig()
}

// ClientConfig reads the kubeconfig.
func (s Settings) ClientConfig() clientcmd.ClientConfig {
	rules := &clientcmd.ClientConfigLoadingRules{ExplicitPath: s.Kubeconfig}
	if files := filepath.SplitList(s.Kubeconfig); len(files) > 1 {
		rules = &clientcmd.ClientConfigLoadingRules{Precedence: files}
	}
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: s.Context})
}

// Save writes the settings to a file.
func (s Settings) Save(path string) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}

// Load reads the settings of a run.
func Load(path string) (Settings, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Settings{}, err
	}
	var s Settings
	if err := json.Unmarshal(data, &s); err != nil {
		return Settings{}, fmt.Errorf("%s: %w", path, err)
	}
	if s.Run == "" || s.ReportDir == "" || s.NamespacePrefix == "" || s.Images.Nginx == "" || s.Images.Busybox == "" {
		return Settings{}, errors.New(path + ": expected run, reportDir, namespacePrefix and both images to be set; is it a run's settings file?")
	}
	return s, nil
}
