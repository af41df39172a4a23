package runconfig

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/rbac"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/redact"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
)

// Labels of everything that the suite creates in a cluster: it may remove whatever carries ManagedBy. The value of RunLabel is the run's
// name.
const (
	ManagedByLabel = "app.kubernetes.io/managed-by"
	ManagedBy      = "statefulset-conformance"
	RunLabel       = Group + "/run"
)

// Group is the domain of the suite's own labels and annotations, and the API group of its reports.
const Group = "statefulset-conformance.hero-academy.github.io"

// Annotations of each namespace that a run creates. "conformance clean" deletes no namespace without them.
const (
	IDAnnotation = Group + "/run-id" // Settings.ID
	// LastsAnnotation is Settings.LastsAtMost: once so much time has passed since the youngest namespace of a run was created, the run
	// has ended.
	LastsAnnotation = Group + "/run-lasts-at-most"
)

// NamespaceMeta returns the metadata of a namespace that the run creates, under a Pod Security Standard; the name is the caller's to fill in.
func (s Settings) NamespaceMeta(podSecurity string) metav1.ObjectMeta {
	meta := metav1.ObjectMeta{
		Labels:      map[string]string{ManagedByLabel: ManagedBy, RunLabel: s.Run, PodSecurityLabel: podSecurity},
		Annotations: map[string]string{IDAnnotation: s.ID, LastsAnnotation: s.LastsAtMost.String()},
	}
	// ParseNamespaceLabels and ParseNamespaceAnnotations have rejected those above.
	maps.Copy(meta.Labels, s.NamespaceLabels)
	maps.Copy(meta.Annotations, s.NamespaceAnnotations)
	return meta
}

// Finalizer is on pods that a spec keeps in the API after their deletion.
const Finalizer = RunLabel

// PodSecurityLabel is the namespace label that names the enforced Pod Security Standard.
const PodSecurityLabel = "pod-security.kubernetes.io/enforce"

// Settings says which cluster a run uses and how.
type Settings struct {
	// Run is the run's name, the value of RunLabel.
	Run string `json:"run"`
	// ID is a UUID that the run writes into the annotation IDAnnotation of each namespace that it creates.
	ID string `json:"id,omitempty"`
	// LastsAtMost is how long the run may last, its clean-up included.
	LastsAtMost time.Duration `json:"lastsAtMost,omitempty"`
	// Kubeconfig and Context choose the cluster. The path may be a list, as in kubectl's variable; an empty one means the pod's
	// own service account.
	Kubeconfig string `json:"kubeconfig,omitempty"`
	Context    string `json:"context,omitempty"`
	// Server is where the API server is reached, and TLSServerName whom its certificate must name, "" for what the context says.
	Server        string `json:"server,omitempty"`
	TLSServerName string `json:"tlsServerName,omitempty"`
	// As is the name of the user that requests impersonate, "" for none.
	As string `json:"as,omitempty"`
	// AsUID and AsGroups are the UID and the groups of that user.
	AsUID    string   `json:"asUID,omitempty"`
	AsGroups []string `json:"asGroups,omitempty"`
	// RequestTimeout is how long a single request may take that is no watch, 0 for as long as it takes.
	RequestTimeout time.Duration `json:"requestTimeout,omitempty"`
	// Level is the highest level that is included.
	Level contract.Level `json:"level"`
	// StorageClass is put into claim templates; empty means the cluster's default.
	StorageClass string `json:"storageClass,omitempty"`
	// ClaimSize is the least that claims ask for, nil for what the fixtures ask for.
	ClaimSize *resource.Quantity `json:"claimSize,omitempty"`
	// PodPatch is applied to all pods.
	PodPatch PodPatch `json:"podPatch,omitempty"`
	// PullSecret is the path of a file with credentials of registries, as docker login writes it; each namespace of the run gets a secret of it.
	PullSecret string `json:"pullSecret,omitempty"`
	// NamespaceLabels and NamespaceAnnotations are those that a person wants on the namespaces that the run creates.
	NamespaceLabels      map[string]string `json:"namespaceLabels,omitempty"`
	NamespaceAnnotations map[string]string `json:"namespaceAnnotations,omitempty"`
	// TimeLimit is when a run is cut short that has not ended.
	TimeLimit time.Duration `json:"timeLimit,omitempty"`
	Images    Images        `json:"images"`
	// NamedImages are those of them that a person chose, by name or by a mirror; only what comes before the specs asks for them.
	NamedImages Images `json:"-"`
	// NamespacePrefix begins the name of every namespace that the run creates.
	NamespacePrefix string `json:"namespacePrefix"`
	// Namespaces are existing ones to use instead of creating some: one for each process, all empty.
	Namespaces []string `json:"namespaces,omitempty"`
	// ReportDir is the absolute path of the report folder.
	ReportDir string `json:"reportDir,omitempty"`
	Limits    Limits `json:"limits"`
	// KeepNamespaces leaves the run's namespaces with all that is in them, since the cluster is removed after it: to stop and remove pods takes a part of the
	// processors that the specs need.
	KeepNamespaces bool `json:"keepNamespaces,omitempty"`
	// SkipNamespaceWait ends a run without waiting until its namespaces are gone, since another run follows in the same cluster.
	SkipNamespaceWait bool `json:"skipNamespaceWait,omitempty"`
	// Retries is how often a spec may be repeated that other clients disturbed; Attempt is the number of such a repetition, from 2, 0 in the run
	// itself.
	Retries int `json:"retries,omitempty"`
	Attempt int `json:"attempt,omitempty"`
	// Explore says which episodes of random acts the run carries out, nil if none.
	Explore *Explore `json:"explore,omitempty"`
	// FromFile are the settings that a settings file gave, as name=value: they are in force by the other fields.
	FromFile []string `json:"fromFile,omitempty"`
	// Scale says how many pods the specs of scale have, nil if there are no such specs.
	Scale *Scale `json:"scale,omitempty"`
	// Focus and Labels narrowed the run.
	Focus string `json:"focus,omitempty"`
	// HeldTo is a version of Kubernetes whose promises the cluster is held to if it is later than its own, "" if nobody asked for that.
	HeldTo string `json:"heldTo,omitempty"`
	// Objectives are what a person wants of the figures, such as pod-ready.p95=30s, and KnownIssues what a person knows to be broken.
	Objectives  []string              `json:"objectives,omitempty"`
	KnownIssues []contract.KnownIssue `json:"knownIssues,omitempty"`
	Labels      string                `json:"labels,omitempty"`
	Facts       Facts                 `json:"facts"`
	Suite       Suite                 `json:"suite"`
	// Kind is the kind cluster whose nodes the run may disrupt; nil where it may disrupt none.
	Kind *Kind `json:"kind,omitempty"`
}

// Explore are the episodes of random acts of a run: each has a namespace of its own.
type Explore struct {
	// Files are saved episodes that are carried out again. Without any, acts are chosen: in Episodes episodes of Length, with seeds from Seed on.
	Files    []string      `json:"files,omitempty"`
	Episodes int           `json:"episodes,omitempty"`
	Length   time.Duration `json:"length,omitempty"`
	Seed     uint64        `json:"seed,omitempty"`
	// Coverage is the file that says what earlier episodes have done, "" if there were none.
	Coverage string `json:"coverage,omitempty"`
	// Wanted are guarantees of which one that is found broken ends the run, while what else is broken ends nothing. Without any, whatever is found
	// broken ends the episode.
	Wanted []contract.ID `json:"wanted,omitempty"`
}

// Wants reports whether only some guarantees are wanted.
func (x *Explore) Wants() bool { return x != nil && len(x.Wanted) > 0 }

// Ends reports whether a guarantee that is found broken ends the episode.
func (x *Explore) Ends(broken contract.ID) bool {
	return !x.Wants() || slices.Contains(x.Wanted, broken)
}

// Scale is how many pods the specs of scale have at a time.
type Scale struct {
	Pods int `json:"pods"`
	// Within is when a spec goes no further, and says what it has not come to.
	Within time.Duration `json:"within"`
	// PodPatch is applied to their pods alone, for instance where these are to be on simulated nodes.
	PodPatch PodPatch `json:"podPatch,omitempty"`
}

// Kind is how the nodes of a kind cluster are reached.
type Kind struct {
	Name string `json:"name"`
	// Engine is the address of the container engine, as package engine writes it.
	Engine string `json:"engine,omitempty"`
}

// Facts is what preflight found out about the cluster.
type Facts struct {
	KubernetesVersion string   `json:"kubernetesVersion"`
	Nodes             []string `json:"nodes,omitempty"`
	StorageClass      string   `json:"storageClass,omitempty"`
	Provisioner       string   `json:"provisioner,omitempty"`
	CNI               string   `json:"cni,omitempty"`
	DNSZone           string   `json:"dnsZone,omitempty"`
	// EtcdImage is what the cluster's own control plane stores everything in, or else the public image; "" at levels without a database.
	EtcdImage string `json:"etcdImage,omitempty"`
	// NoBaseline is why Namespaces do not admit what needs the Pod Security Standard baseline, "" if they do.
	NoBaseline string `json:"noBaseline,omitempty"`
	// ImageIDs are the container runtime's IDs of the images, a digest where a registry has one.
	ImageIDs Images `json:"imageIDs,omitzero"`
	// Measured is how long the cluster took before the first spec.
	Measured Measured `json:"measured,omitzero"`
}

// Suite identifies the program of the run.
type Suite struct {
	Version string `json:"version"`
	Digest  string `json:"digest,omitempty"` // SHA-256 of the suite's binary
}

// Images are the references of the pods' images.
type Images struct {
	Nginx   string `json:"nginx"`   // serves on port 80 and holds busybox, hence nslookup
	Busybox string `json:"busybox"` // runs as any user
	// Etcd is the database of the level workload, "" for the one that the cluster's own control plane runs.
	Etcd string `json:"etcd,omitempty"`
	// EarlierEtcd is the one that the level's update begins with, "" for Etcd itself, so that only its flags are changed.
	EarlierEtcd string `json:"earlierEtcd,omitempty"`
	// Postgres is the other database of the level workload, "" at levels without one.
	Postgres string `json:"postgres,omitempty"`
}

// RESTConfig returns the client configuration for the cluster.
func (s Settings) RESTConfig() (*rest.Config, error) {
	load := rest.InClusterConfig
	if s.Kubeconfig != "" {
		load = s.ClientConfig().ClientConfig
	}
	config, err := load()
	if err == nil && s.As != "" {
		config.Impersonate = rest.ImpersonationConfig{UserName: s.As, UID: s.AsUID, Groups: s.AsGroups}
	}
	if err == nil && s.RequestTimeout > 0 {
		config.Wrap(s.limitRequests)
	}
	return config, err
}

// Rights returns the rights that a run with these settings uses.
func (s Settings) Rights() []rbac.Right {
	rights := rbac.For(len(s.Namespaces) > 0, s.Kind != nil)
	if s.PullSecret != "" {
		rights = append(rights, rbac.PullSecret())
	}
	if s.Level == contract.Workload {
		rights = append(rights, rbac.Workload())
	}
	return rights
}

// ClientConfig returns the loader of the kubeconfig.
func (s Settings) ClientConfig() clientcmd.ClientConfig {
	rules := &clientcmd.ClientConfigLoadingRules{ExplicitPath: s.Kubeconfig}
	if files := filepath.SplitList(s.Kubeconfig); len(files) > 1 {
		rules = &clientcmd.ClientConfigLoadingRules{Precedence: files}
	}
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{
		CurrentContext: s.Context, ClusterInfo: clientcmdapi.Cluster{Server: s.Server, TLSServerName: s.TLSServerName},
	})
}

// Published returns what a report holds of the settings: without the paths of the person's kubeconfig, files and folders, the context and the
// address of the container engine. They are the machine's, and no verdict rests on them. Nor does it hold values of annotations.
func (s Settings) Published() Settings {
	s.Kubeconfig, s.Context, s.Server, s.TLSServerName, s.ReportDir = "", "", "", "", ""
	s.As, s.AsUID, s.AsGroups = "", "", nil
	if s.PullSecret != "" {
		s.PullSecret = redact.Hidden
	}
	s.FromFile = publishedLines(s.FromFile)
	s.PodPatch = s.PodPatch.published()
	if s.Scale != nil {
		scale := *s.Scale
		scale.PodPatch = scale.PodPatch.published()
		s.Scale = &scale
	}
	s.NamespaceAnnotations = maps.Clone(s.NamespaceAnnotations)
	for key := range s.NamespaceAnnotations {
		s.NamespaceAnnotations[key] = redact.Hidden
	}
	if s.Kind != nil {
		s.Kind = &Kind{Name: s.Kind.Name}
	}
	return s
}

// publishedLines leaves out the values of name=value that are files of the person's machine, or hold values of annotations.
func publishedLines(lines []string) []string {
	var out []string
	for _, line := range lines {
		name, _, _ := strings.Cut(line, "=")
		if strings.HasSuffix(name, "-dir") || slices.Contains([]string{"coverage", "episode", "known-issues", "namespace-annotations", "pod-patch", "pull-secret"}, name) {
			line = name + "=" + redact.Hidden
		}
		out = append(out, line)
	}
	return out
}

// Scrub removes from a text what Published leaves out, the person's home folder and the addresses that errors of requests name.
func (s Settings) Scrub(text string) string {
	text = redact.Server(text)
	hide := func(path, by string) {
		// A path of one letter or less, such as "/", is part of others.
		if len(path) > 1 {
			text = strings.ReplaceAll(text, path, by)
		}
	}
	for _, file := range filepath.SplitList(s.Kubeconfig) {
		hide(file, "(kubeconfig)")
	}
	hide(s.ReportDir, "(report)")
	hide(s.PullSecret, "(pull secret)")
	if home, err := os.UserHomeDir(); err == nil && len(home) > 1 {
		hide(home+string(filepath.Separator), "~"+string(filepath.Separator))
	}
	return text
}

// Save writes the settings to a file.
func (s Settings) Save(path string) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o600)
}

// maxSettings bounds the file of a run's settings in bytes.
const maxSettings = 1 << 20

// Load reads the settings of a run, or what a report holds of them.
func Load(path string) (Settings, error) {
	data, err := reportdir.Read(filepath.Dir(path), filepath.Base(path), maxSettings)
	if err != nil {
		return Settings{}, err
	}
	var s Settings
	if err := json.Unmarshal(data, &s); err != nil {
		return Settings{}, fmt.Errorf("%s: %w", path, err)
	}
	if s.Run == "" || s.NamespacePrefix == "" || s.Images.Nginx == "" || s.Images.Busybox == "" {
		return Settings{}, errors.New(path + ": expected run, namespacePrefix and both images to be set; is it a run's settings file?")
	}
	return s, nil
}
