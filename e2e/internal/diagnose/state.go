package diagnose

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
)

// State is all that a diagnosis looks at: a set and what it depends on, at one moment.
type State struct {
	// Namespace and Name are those of the set.
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Taken is when it was read, by the clock of whoever read it.
	Taken metav1.Time `json:"taken"`
	// Version is the API server's.
	Version string `json:"version,omitempty"`
	// Since is how far back events count; 0 is as far as they go, and half an hour for what happened to earlier pods.
	Since metav1.Duration `json:"since,omitzero"`
	// Unread lists what could not be read. What it names may be there.
	Unread []Unread `json:"unread,omitempty"`

	// NamespaceDeleted is when the deletion of the namespace was asked for, nil if it was not; read only if a pod lacks or something is being deleted.
	NamespaceDeleted *metav1.Time `json:"namespaceDeleted,omitempty"`
	// NamespaceHeld are the messages of the namespace's conditions that say what is left in it.
	NamespaceHeld []string `json:"namespaceHeld,omitempty"`

	// StatefulSet is nil if there is none of the name.
	StatefulSet *appsv1.StatefulSet `json:"statefulSet,omitempty"`

	// In the set's namespace.
	Pods     []corev1.Pod                   `json:"pods,omitempty"` // those of the set, whatever has the name of one, and those that its service selects
	Claims   []corev1.PersistentVolumeClaim `json:"claims,omitempty"`
	Services []corev1.Service               `json:"services,omitempty"`
	Slices   []discoveryv1.EndpointSlice    `json:"slices,omitempty"` // of the set's service
	Events   []corev1.Event                 `json:"events,omitempty"` // of the set, its pods and claims
	Quotas   []corev1.ResourceQuota         `json:"quotas,omitempty"`
	Budgets  []policyv1.PodDisruptionBudget `json:"budgets,omitempty"`
	Limits   []corev1.LimitRange            `json:"limits,omitempty"` // read only if the API server has rejected something
	Policies []networkingv1.NetworkPolicy   `json:"policies,omitempty"`
	// Autoscalers are those of the set's replicas.
	Autoscalers []autoscalingv2.HorizontalPodAutoscaler `json:"autoscalers,omitempty"`
	// Names are the names of the cluster that the set's template asks for, in commands, arguments, environment, hooks and probes (NamesIn).
	Names []string `json:"names,omitempty"`
	// ProbeNames are those of them that commands of readiness and startup probes ask for.
	ProbeNames []string `json:"probeNames,omitempty"`
	// Settings are the ConfigMaps and Secrets of the containers of the set's template, by their names and times alone.
	Settings []Setting `json:"settings,omitempty"`
	// WrongPorts are services that the template asks for on a port which they do not have, as service:port.
	WrongPorts []string `json:"wrongPorts,omitempty"`
	// Absent are the services of other namespaces among them that do not exist, as namespace/name.
	Absent []string `json:"absent,omitempty"`
	// Says is what containers wrote last that have not ended and are waited for.
	Says []Says `json:"says,omitempty"`

	// Listens is what containers of a Ready pod wrote about the ports on which they listen; read only if a service leads to a port that no probe asks.
	Listens []Says `json:"listens,omitempty"`

	// Of the cluster.
	Volumes    []corev1.PersistentVolume                                `json:"volumes,omitempty"`
	Classes    []storagev1.StorageClass                                 `json:"classes,omitempty"`
	Nodes      []corev1.Node                                            `json:"nodes,omitempty"`
	Usage      []Usage                                                  `json:"usage,omitempty"`    // read only if a pod waits for a node
	CSINodes   []storagev1.CSINode                                      `json:"csiNodes,omitempty"` // read only if a pod's volume cannot be used
	Leases     []coordinationv1.Lease                                   `json:"leases,omitempty"`   // of nodes and of the control plane
	Validating []admissionregistrationv1.ValidatingWebhookConfiguration `json:"validating,omitempty"`
	Mutating   []admissionregistrationv1.MutatingWebhookConfiguration   `json:"mutating,omitempty"`
	// Providers are deployments and pods anywhere that mention the provisioner of a claim that is not bound.
	Providers    []appsv1.Deployment `json:"providers,omitempty"`
	ProviderPods []corev1.Pod        `json:"providerPods,omitempty"`
	// Resolver is the cluster's DNS as kubeadm and most others set it up.
	Resolver Resolver `json:"resolver,omitzero"`
}

// Resolver is the cluster's DNS: everything in kube-system that is labelled k8s-app=kube-dns, and its configuration.
type Resolver struct {
	Deployments []appsv1.Deployment `json:"deployments,omitempty"`
	Pods        []corev1.Pod        `json:"pods,omitempty"`
	Services    []corev1.Service    `json:"services,omitempty"`
	// Corefile is CoreDNS's configuration, from the ConfigMap coredns.
	Corefile string `json:"corefile,omitempty"`
	// Zone and Addresses are what kubelets give pods: clusterDomain and clusterDNS of the ConfigMap kubelet-config.
	Zone      string         `json:"zone,omitempty"`
	Addresses []string       `json:"addresses,omitempty"`
	Events    []corev1.Event `json:"events,omitempty"`
}

// Usage is what the pods on a node have asked for.
type Usage struct {
	Node     string              `json:"node"`
	Requests corev1.ResourceList `json:"requests"`
	Pods     int64               `json:"pods"`
	// HostPorts are the node's ports that they have taken.
	HostPorts []PortUse `json:"hostPorts,omitempty"`
	// KeepAway are those of them whose rules keep the set's pods without a node away from the node, or from others of its kind.
	KeepAway []KeepAway `json:"keepAway,omitempty"`
}

// KeepAway is a pod whose required podAntiAffinity matches another, and that rule.
type KeepAway struct {
	Pod         string `json:"pod"` // namespace/name
	Selector    string `json:"selector"`
	TopologyKey string `json:"topologyKey"`
}

// Unread is something that could not be read.
type Unread struct {
	What string `json:"what"` // such as "leases in kube-system"
	Why  string `json:"why"`
}

// Save writes the state as YAML, without what no diagnosis looks at.
func (s *State) Save(path string) (err error) {
	data, err := yaml.Marshal(s.Trimmed())
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, reportdir.FileMode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	// A file that existed has a mode of its own; a device or a pipe keeps it.
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		if err := f.Chmod(reportdir.FileMode); err != nil {
			return err
		}
	}
	head := "# The state of a StatefulSet in trouble; `conformance diagnose --state FILE` reads it.\n"
	_, err = f.Write(append([]byte(head), data...))
	return err
}

// maxState bounds a state's file in bytes.
const maxState = 64 << 20

// Load reads a state that was saved.
func Load(path string) (*State, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := reportdir.ReadAll(f, maxState)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var s State
	if err := yaml.UnmarshalStrict(data, &s); err != nil {
		return nil, fmt.Errorf("%s: expected a state that `diagnose --save` wrote, found: %s", path, strings.Join(strings.Fields(err.Error()), " "))
	}
	if s.Namespace == "" || s.Name == "" || s.Taken.IsZero() {
		return nil, fmt.Errorf("%s: expected a state that `diagnose --save` wrote, found one without namespace, name or time", path)
	}
	return &s, nil
}

// now is the cluster's time: leases are renewed every few seconds, so if the newest is far from the reader's clock, it is the clock
// that is off. A cluster in which nothing renews a lease has no API server that answers.
func (s *State) now() time.Time {
	var newest time.Time
	for _, l := range s.Leases {
		if r := l.Spec.RenewTime; r != nil && r.After(newest) {
			newest = r.Time
		}
	}
	const near = 30 * time.Second
	if d := s.Taken.Sub(newest); newest.IsZero() || (d > 0 && d < near) {
		return s.Taken.Time
	}
	return newest
}
