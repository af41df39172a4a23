package history

import (
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/fixtures"
)

// The types below are projections: of each API object the fields that a guarantee speaks of, named as in the API, so that people can read a
// saved history and nothing else of a cluster is in it.

// Meta is what every object carries.
type Meta struct {
	Name              string                  `json:"name"`
	UID               types.UID               `json:"uid"`
	ResourceVersion   string                  `json:"rv"`
	Generation        int64                   `json:"generation,omitempty"`
	CreationTimestamp metav1.Time             `json:"created,omitzero"`
	DeletionTimestamp *metav1.Time            `json:"deletion,omitempty"`
	DeletionGrace     *int64                  `json:"deletionGrace,omitempty"` // seconds
	Labels            map[string]string       `json:"labels,omitempty"`
	Owners            []metav1.OwnerReference `json:"owners,omitempty"`
	Finalizers        []string                `json:"finalizers,omitempty"`
}

// Terminating reports whether deletion has been requested.
func (m *Meta) Terminating() bool { return m.DeletionTimestamp != nil }

// Controller returns the managing owner reference, or nil.
func (m *Meta) Controller() *metav1.OwnerReference {
	for i := range m.Owners {
		if c := m.Owners[i].Controller; c != nil && *c {
			return &m.Owners[i]
		}
	}
	return nil
}

// ControllerUID returns the UID of the object's controller, "" where it has none.
func (m *Meta) ControllerUID() types.UID {
	if c := m.Controller(); c != nil {
		return c.UID
	}
	return ""
}

// Pod is what order, identity and update guarantees read of a pod.
type Pod struct {
	Phase      corev1.PodPhase `json:"phase,omitempty"`
	Node       string          `json:"node,omitempty"`
	IPs        []string        `json:"ips,omitempty"`
	Hostname   string          `json:"hostname,omitempty"`
	Subdomain  string          `json:"subdomain,omitempty"`
	Grace      *int64          `json:"grace,omitempty"` // spec.terminationGracePeriodSeconds
	Conditions []Condition     `json:"conditions,omitempty"`
	Containers []Container     `json:"containers,omitempty"`
	// Claims maps a volume of the pod to the claim it uses.
	Claims   map[string]string `json:"claims,omitempty"`
	Template Template          `json:"template,omitzero"`
	// OwnersWriter is as of Claim; older histories hold none.
	OwnersWriter string `json:"ownersWriter,omitempty"`
}

// Condition is a pod condition without its message.
type Condition struct {
	Type       corev1.PodConditionType `json:"type"`
	Status     corev1.ConditionStatus  `json:"status"`
	Reason     string                  `json:"reason,omitempty"`
	Transition metav1.Time             `json:"transition,omitzero"`
}

// Condition returns the condition of that type, or nil.
func (p *Pod) Condition(t corev1.PodConditionType) *Condition {
	for i := range p.Conditions {
		if p.Conditions[i].Type == t {
			return &p.Conditions[i]
		}
	}
	return nil
}

// Is reports whether the condition of that type is True.
func (p *Pod) Is(t corev1.PodConditionType) bool {
	c := p.Condition(t)
	return c != nil && c.Status == corev1.ConditionTrue
}

// RunningAndReady is the state that OrderedReady waits for; deletion is not part of it.
func (p *Pod) RunningAndReady() bool { return p.Phase == corev1.PodRunning && p.Is(corev1.PodReady) }

// Finished reports whether the pod's phase is Failed or Succeeded.
func (p *Pod) Finished() bool { return p.Phase == corev1.PodFailed || p.Phase == corev1.PodSucceeded }

// Stopped reports whether no container of the pod runs any more, or ever did.
func (p *Pod) Stopped() bool {
	for _, c := range p.Containers {
		if c.State == ContainerRunning {
			return false
		}
	}
	return true
}

// Crashed reports whether a container of the pod has ended with an error, or waits after that to be started again.
func (p *Pod) Crashed() bool {
	for _, c := range p.Containers {
		if (c.State == ContainerTerminated && c.ExitCode != 0) || (c.State == ContainerWaiting && c.Reason == "CrashLoopBackOff") {
			return true
		}
	}
	return false
}

// Main returns the container that the suite itself gave the pod, or else the first, nil where none is reported. An admission policy may have put
// others beside it.
func (p *Pod) Main() *Container {
	if len(p.Containers) == 0 {
		return nil
	}
	return &p.Containers[fixtures.MainOf(p.Containers, func(c Container) string { return c.Name })]
}

// Restarts adds up the restarts of all containers.
func (p *Pod) Restarts() int32 {
	var n int32
	for _, c := range p.Containers {
		n += c.Restarts
	}
	return n
}

// ContainerState says which of the three states a container status shows.
type ContainerState string

// The states of a container.
const (
	ContainerWaiting    ContainerState = "waiting"
	ContainerRunning    ContainerState = "running"
	ContainerTerminated ContainerState = "terminated"
)

// Container is one container status of a pod.
type Container struct {
	Name     string         `json:"name"`
	State    ContainerState `json:"state"`
	Reason   string         `json:"reason,omitempty"`
	ExitCode int32          `json:"exit,omitempty"`
	Restarts int32          `json:"restarts,omitempty"`
	Started  metav1.Time    `json:"started,omitzero"`
	Finished metav1.Time    `json:"finished,omitzero"`
}

// Template holds the fields by which two pod templates, and the pods created from them, differ.
type Template struct {
	Annotations map[string]string `json:"annotations,omitempty"` // those under the project's prefix
	Labels      map[string]string `json:"labels,omitempty"`      // those under the project's prefix
	Images      map[string]string `json:"images,omitempty"`      // container name -> image
	Commands    map[string]string `json:"commands,omitempty"`    // container name -> a digest of command and arguments; older histories hold them
	Env         map[string]string `json:"env,omitempty"`         // container/name -> literal value of TemplateEnv; older histories hold others
	// Parts lists the fields that are set, without their values, for Lost to compare; older histories hold none.
	Parts string `json:"parts,omitempty"`
}

// Fields returns all of it but the parts, each field a map.
func (t Template) Fields() [5]map[string]string {
	return [...]map[string]string{t.Annotations, t.Labels, t.Images, t.Commands, t.Env}
}

// Set is a StatefulSet's spec and status. Pointer fields of the API that are defaulted hold the default's value.
type Set struct {
	Replicas       int32                                `json:"replicas"`
	Start          int32                                `json:"start,omitempty"` // spec.ordinals.start
	Policy         appsv1.PodManagementPolicyType       `json:"policy,omitempty"`
	Strategy       appsv1.StatefulSetUpdateStrategyType `json:"strategy,omitempty"`
	Partition      int32                                `json:"partition,omitempty"`
	MaxUnavailable string                               `json:"maxUnavailable,omitempty"` // as written, "" where unset
	// NoRollingUpdate says that the strategy is RollingUpdate and has no field rollingUpdate, as the API server leaves it where the type alone is given.
	NoRollingUpdate      bool                                            `json:"noRollingUpdate,omitempty"`
	MinReadySeconds      int32                                           `json:"minReadySeconds,omitempty"`
	ServiceName          string                                          `json:"serviceName,omitempty"`
	RevisionHistoryLimit *int32                                          `json:"revisionHistoryLimit,omitempty"`
	WhenScaled           appsv1.PersistentVolumeClaimRetentionPolicyType `json:"whenScaled,omitempty"`
	WhenDeleted          appsv1.PersistentVolumeClaimRetentionPolicyType `json:"whenDeleted,omitempty"`
	Selector             map[string]string                               `json:"selector,omitempty"`            // matchLabels
	SelectorExpressions  bool                                            `json:"selectorExpressions,omitempty"` // it has matchExpressions too, not kept
	ClaimTemplates       []string                                        `json:"claimTemplates,omitempty"`
	ClaimRequests        map[string]ClaimRequest                         `json:"claimRequests,omitempty"` // by claim template; older histories hold none
	ClaimLabels          map[string]map[string]string                    `json:"claimLabels,omitempty"`   // likewise, those of the template itself
	PodGrace             *int64                                          `json:"podGrace,omitempty"`      // template's terminationGracePeriodSeconds
	PodHostname          string                                          `json:"podHostname,omitempty"`   // template's hostname
	PodSubdomain         string                                          `json:"podSubdomain,omitempty"`  // template's subdomain
	PodVolumes           []string                                        `json:"podVolumes,omitempty"`    // names of the template's volumes
	// FreeHostname says that the template asks for a hostname of its own (hostNetwork, setHostnameAsFQDN, hostnameOverride).
	FreeHostname bool     `json:"freeHostname,omitempty"`
	Template     Template `json:"template,omitzero"`
	// TemplateDigest differs between any two pod templates, also where Template, which holds few of their fields, is equal.
	TemplateDigest string `json:"templateDigest,omitempty"`
	// Writer is the field manager whose entry in managedFields is the newest, of those that have a time and are not of the status, several joined by
	// " or ", and Written its time. Scaler is the one that owns spec.replicas: requests to scale leave no time. Older histories have none of them.
	Writer  string      `json:"writer,omitempty"`
	Written metav1.Time `json:"written,omitzero"`
	Scaler  string      `json:"scaler,omitempty"`
	Status  Status      `json:"status,omitzero"`
	// StatusWriter is the field manager that wrote the status last, likewise.
	StatusWriter string `json:"statusWriter,omitempty"`
}

// SameTemplate reports whether both have the same pod template.
func (s *Set) SameTemplate(o *Set) bool {
	if s.TemplateDigest != o.TemplateDigest {
		return false
	}
	theirs := o.Template.Fields()
	for i, field := range s.Template.Fields() {
		if !maps.Equal(field, theirs[i]) {
			return false
		}
	}
	return true
}

// Status is a StatefulSet's status.
type Status struct {
	ObservedGeneration int64  `json:"observedGeneration,omitempty"`
	Replicas           int32  `json:"replicas,omitempty"`
	Ready              int32  `json:"ready,omitempty"`
	Available          int32  `json:"available,omitempty"`
	Current            int32  `json:"current,omitempty"`
	Updated            int32  `json:"updated,omitempty"`
	CurrentRevision    string `json:"currentRevision,omitempty"`
	UpdateRevision     string `json:"updateRevision,omitempty"`
	// Progressing is the status of the condition of that name, "" where there is none, and in older histories.
	Progressing corev1.ConditionStatus `json:"progressing,omitempty"`
	// ProgressingSince is that condition's lastTransitionTime, in seconds since 1970, 0 where there is none, and in older histories.
	ProgressingSince int64 `json:"progressingSince,omitempty"`
}

// Claim is a PersistentVolumeClaim.
type Claim struct {
	Phase   corev1.PersistentVolumeClaimPhase `json:"phase,omitempty"`
	Volume  string                            `json:"volume,omitempty"`
	Class   string                            `json:"class,omitempty"`
	Request ClaimRequest                      `json:"request,omitzero"` // older histories hold none
	// Unused is the status of the condition of that name, "" where there is none, and in older histories.
	Unused corev1.ConditionStatus `json:"unused,omitempty"`
	// OwnersWriter is the field manager that wrote the ownerReferences last, of those that own one, several joined by " or ".
	OwnersWriter string `json:"ownersWriter,omitempty"`
}

// ClaimRequest is what a claim, or a claim template, asks of its volume.
type ClaimRequest struct {
	Size  string `json:"size,omitempty"`  // as written, "" where unset
	Modes string `json:"modes,omitempty"` // access modes, separated by commas
	Class string `json:"class,omitempty"` // of a template only: "" where unset, and then the default class is used
	Mode  string `json:"mode,omitempty"`  // volumeMode; older histories hold none
	Parts string `json:"parts,omitempty"` // as of Template, with the values of the annotations under the project's prefix, and whether the class is none
}

// Revision is a ControllerRevision.
type Revision struct {
	Number int64 `json:"number"`
	// Data is a digest of the stored template: two revisions with equal data hold the same template.
	Data string `json:"data,omitempty"`
	// OwnersWriter is as of Claim; older histories hold none.
	OwnersWriter string `json:"ownersWriter,omitempty"`
}

// Slice is an EndpointSlice of a service.
type Slice struct {
	Service   string     `json:"service,omitempty"`
	Addresses string     `json:"addressType,omitempty"`
	Endpoints []Endpoint `json:"endpoints,omitempty"`
}

// Endpoint is one endpoint of a slice.
type Endpoint struct {
	Addresses   []string  `json:"addresses"`
	Hostname    string    `json:"hostname,omitempty"`
	Target      string    `json:"target,omitempty"` // name of the pod behind it
	TargetUID   types.UID `json:"targetUID,omitempty"`
	Ready       bool      `json:"ready"`
	Serving     bool      `json:"serving,omitempty"`
	Terminating bool      `json:"terminating,omitempty"`
}

// Service is a Service.
type Service struct {
	ClusterIPs      []string          `json:"clusterIPs,omitempty"`
	Families        []string          `json:"families,omitempty"`
	Selector        map[string]string `json:"selector,omitempty"`
	PublishNotReady bool              `json:"publishNotReady,omitempty"`
}

// Headless reports whether the service has no cluster IP by choice.
func (s *Service) Headless() bool {
	return len(s.ClusterIPs) > 0 && s.ClusterIPs[0] == corev1.ClusterIPNone
}

// Report is an Event object of the API, without its message. Each new version of it is one more occurrence.
type Report struct {
	Type     string `json:"type,omitempty"` // Normal or Warning
	Reason   string `json:"reason"`
	Reporter string `json:"reporter"` // the component that wrote it
	// Kind, Object and UID are what it is about.
	Kind   string    `json:"kind"`
	Object string    `json:"object"`
	UID    types.UID `json:"uid,omitempty"`
	// Pod is the pod that the message of a SuccessfulDelete or SuccessfulCreate names, "" where it names none; older histories have it for deletions
	// alone. Claim is the claim that the message of a SuccessfulCreate says was made for that pod.
	Pod   string `json:"pod,omitempty"`
	Claim string `json:"claim,omitempty"`
	Count int32  `json:"count,omitempty"` // how often it has occurred, those that were dropped included
	// Last is when it last occurred, by the clock of the component.
	Last metav1.Time `json:"last,omitzero"`
}

// The part of the StatefulSet controller's reports that tells who deleted a pod, or created a pod or claim.
const (
	StatefulSetController = "statefulset-controller"
	SuccessfulDelete      = "SuccessfulDelete"
	SuccessfulCreate      = "SuccessfulCreate"
	FailedCreate          = "FailedCreate"
)

// FailureReport returns the name of the set for which the StatefulSet controller reports that a creation failed, "" for any other event.
func (e *Event) FailureReport() string {
	if !e.reportsOfSet(FailedCreate) {
		return ""
	}
	return e.Report.Object
}

// DeletionReport returns the name of the pod whose deletion the StatefulSet controller reports to have requested, "" for any other event.
func (e *Event) DeletionReport() string {
	if !e.reportsOfSet(SuccessfulDelete) {
		return ""
	}
	return e.Report.Pod
}

// CreationReport returns the resource and name of the claim or pod that the StatefulSet controller reports to have created, "" for any other event.
func (e *Event) CreationReport() (r Resource, name string) {
	switch {
	case !e.reportsOfSet(SuccessfulCreate):
		return "", ""
	case e.Report.Claim != "":
		return Claims, e.Report.Claim
	}
	return Pods, e.Report.Pod
}

func (e *Event) reportsOfSet(reason string) bool {
	r := e.Report
	return r != nil && r.Reporter == StatefulSetController && r.Reason == reason && r.Kind == "StatefulSet"
}
