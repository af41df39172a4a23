package history

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Prefix is that of the annotations and labels of this project, the only ones by which templates are compared: admission may add others to
// a pod.
const Prefix = "statefulset-conformance.hero-academy.github.io/"

// TemplateEnv is the environment variable that carries the version of a template of the suite's own: the only one that is recorded, since others
// that admission adds may be secrets.
const TemplateEnv = "TEMPLATE"

// Project returns an event with the resource, meta and projection of an API object. It returns an error for a type that is not
// recorded.
func Project(obj runtime.Object) (*Event, error) {
	switch o := obj.(type) {
	case *corev1.Pod:
		return &Event{Resource: Pods, Meta: metaOf(&o.ObjectMeta), Pod: podOf(o)}, nil
	case *corev1.PersistentVolumeClaim:
		return &Event{Resource: Claims, Meta: metaOf(&o.ObjectMeta), Claim: &Claim{
			Phase: o.Status.Phase, Volume: o.Spec.VolumeName, Class: orZero(o.Spec.StorageClassName), Request: requestOf(&o.ObjectMeta, &o.Spec), Unused: unusedOf(o), OwnersWriter: ownersWriterOf(&o.ObjectMeta),
		}}, nil
	case *appsv1.StatefulSet:
		return &Event{Resource: Sets, Meta: metaOf(&o.ObjectMeta), Set: setOf(o)}, nil
	case *appsv1.ControllerRevision:
		return &Event{Resource: Revisions, Meta: metaOf(&o.ObjectMeta), Revision: &Revision{
			Number: o.Revision, Data: digest(o.Data.Raw), OwnersWriter: ownersWriterOf(&o.ObjectMeta),
		}}, nil
	case *discoveryv1.EndpointSlice:
		return &Event{Resource: Slices, Meta: metaOf(&o.ObjectMeta), Slice: sliceOf(o)}, nil
	case *corev1.Service:
		families := make([]string, 0, len(o.Spec.IPFamilies))
		for _, f := range o.Spec.IPFamilies {
			families = append(families, string(f))
		}
		return &Event{Resource: Services, Meta: metaOf(&o.ObjectMeta), Service: &Service{
			ClusterIPs: o.Spec.ClusterIPs, Families: families, Selector: o.Spec.Selector,
			PublishNotReady: o.Spec.PublishNotReadyAddresses,
		}}, nil
	case *corev1.Event:
		return &Event{Resource: Events, Meta: metaOf(&o.ObjectMeta), Report: reportOf(o)}, nil
	case *corev1.Node:
		return &Event{Resource: Nodes, Meta: nodeMeta(&o.ObjectMeta), Node: nodeOf(o)}, nil
	case *policyv1.PodDisruptionBudget:
		return &Event{Resource: Budgets, Meta: metaOf(&o.ObjectMeta), Budget: budgetOf(o)}, nil
	}
	return nil, fmt.Errorf("history: %T is not a recorded type; recorded are %v", obj, known())
}

func metaOf(m *metav1.ObjectMeta) Meta {
	return Meta{
		Name: m.Name, UID: m.UID, ResourceVersion: m.ResourceVersion, Generation: m.Generation,
		CreationTimestamp: m.CreationTimestamp, DeletionTimestamp: m.DeletionTimestamp, DeletionGrace: m.DeletionGracePeriodSeconds,
		Labels: m.Labels, Owners: m.OwnerReferences, Finalizers: m.Finalizers,
	}
}

func podOf(o *corev1.Pod) *Pod {
	p := &Pod{
		Phase: o.Status.Phase, Node: o.Spec.NodeName, Hostname: o.Spec.Hostname, Subdomain: o.Spec.Subdomain,
		Grace: o.Spec.TerminationGracePeriodSeconds, Template: templateOf(&o.ObjectMeta, &o.Spec), OwnersWriter: ownersWriterOf(&o.ObjectMeta),
	}
	for _, ip := range o.Status.PodIPs {
		p.IPs = append(p.IPs, ip.IP)
	}
	for _, c := range o.Status.Conditions {
		p.Conditions = append(p.Conditions, Condition{Type: c.Type, Status: c.Status, Reason: c.Reason, Transition: c.LastTransitionTime})
	}
	for _, c := range o.Status.ContainerStatuses {
		p.Containers = append(p.Containers, containerOf(c))
	}
	for _, v := range o.Spec.Volumes {
		if v.PersistentVolumeClaim != nil {
			if p.Claims == nil {
				p.Claims = map[string]string{}
			}
			p.Claims[v.Name] = v.PersistentVolumeClaim.ClaimName
		}
	}
	return p
}

func containerOf(c corev1.ContainerStatus) Container {
	out := Container{Name: c.Name, State: ContainerWaiting, Restarts: c.RestartCount}
	switch {
	case c.State.Running != nil:
		out.State, out.Started = ContainerRunning, c.State.Running.StartedAt
	case c.State.Terminated != nil:
		t := c.State.Terminated
		out.State, out.Reason, out.ExitCode, out.Started, out.Finished = ContainerTerminated, t.Reason, t.ExitCode, t.StartedAt, t.FinishedAt
	case c.State.Waiting != nil:
		out.Reason = c.State.Waiting.Reason
	}
	return out
}

func templateOf(meta *metav1.ObjectMeta, spec *corev1.PodSpec) Template {
	finalizers := make([]string, 0, len(meta.Finalizers))
	for _, f := range meta.Finalizers {
		finalizers = append(finalizers, "finalizers["+f+"]")
	}
	t := Template{Annotations: ours(meta.Annotations), Labels: ours(meta.Labels), Images: map[string]string{}, Parts: partsOf(spec, finalizers...)}
	for _, c := range spec.Containers {
		t.Images[c.Name] = c.Image
		if command := slices.Concat(c.Command, c.Args); len(command) > 0 {
			if t.Commands == nil {
				t.Commands = map[string]string{}
			}
			t.Commands[c.Name] = digest([]byte(strings.Join(command, " ")))
		}
		for _, e := range c.Env {
			if e.Name == TemplateEnv && e.ValueFrom == nil {
				if t.Env == nil {
					t.Env = map[string]string{}
				}
				t.Env[c.Name+"/"+e.Name] = e.Value
			}
		}
	}
	return t
}

// ours returns the annotations or labels of this project, nil if there are none.
func ours(all map[string]string) map[string]string {
	var out map[string]string
	for k, v := range all {
		if strings.HasPrefix(k, Prefix) {
			if out == nil {
				out = map[string]string{}
			}
			out[k] = v
		}
	}
	return out
}

func setOf(o *appsv1.StatefulSet) *Set {
	spec := &o.Spec
	s := &Set{
		Replicas: 1, Policy: spec.PodManagementPolicy, Strategy: spec.UpdateStrategy.Type, MinReadySeconds: spec.MinReadySeconds,
		ServiceName: spec.ServiceName, RevisionHistoryLimit: spec.RevisionHistoryLimit,
		PodGrace: spec.Template.Spec.TerminationGracePeriodSeconds, Template: templateOf(&spec.Template.ObjectMeta, &spec.Template.Spec),
		PodHostname: spec.Template.Spec.Hostname, PodSubdomain: spec.Template.Spec.Subdomain,
		TemplateDigest: templateDigest(&spec.Template),
		FreeHostname:   spec.Template.Spec.HostNetwork || orZero(spec.Template.Spec.SetHostnameAsFQDN) || spec.Template.Spec.HostnameOverride != nil,
		Status: Status{
			ObservedGeneration: o.Status.ObservedGeneration, Replicas: o.Status.Replicas, Ready: o.Status.ReadyReplicas,
			Available: o.Status.AvailableReplicas, Current: o.Status.CurrentReplicas, Updated: o.Status.UpdatedReplicas,
			CurrentRevision: o.Status.CurrentRevision, UpdateRevision: o.Status.UpdateRevision,
		},
	}
	addProgressing(s, o)
	s.Writer, s.Written, s.Scaler = writersOf(&o.ObjectMeta)
	s.StatusWriter = statusWriterOf(&o.ObjectMeta)
	if spec.Replicas != nil {
		s.Replicas = *spec.Replicas
	}
	if spec.Ordinals != nil {
		s.Start = spec.Ordinals.Start
	}
	s.NoRollingUpdate = spec.UpdateStrategy.Type == appsv1.RollingUpdateStatefulSetStrategyType && spec.UpdateStrategy.RollingUpdate == nil
	if ru := spec.UpdateStrategy.RollingUpdate; ru != nil {
		s.Partition = orZero(ru.Partition)
		if ru.MaxUnavailable != nil {
			s.MaxUnavailable = ru.MaxUnavailable.String()
		}
	}
	if r := spec.PersistentVolumeClaimRetentionPolicy; r != nil {
		s.WhenScaled, s.WhenDeleted = r.WhenScaled, r.WhenDeleted
	}
	if spec.Selector != nil {
		s.Selector, s.SelectorExpressions = spec.Selector.MatchLabels, len(spec.Selector.MatchExpressions) > 0
	}
	for _, v := range spec.Template.Spec.Volumes {
		s.PodVolumes = append(s.PodVolumes, v.Name)
	}
	for _, t := range spec.VolumeClaimTemplates {
		s.ClaimTemplates = append(s.ClaimTemplates, t.Name)
		if s.ClaimRequests == nil {
			s.ClaimRequests = map[string]ClaimRequest{}
		}
		r := requestOf(&t.ObjectMeta, &t.Spec)
		r.Class = orZero(t.Spec.StorageClassName)
		s.ClaimRequests[t.Name] = r
		if len(t.Labels) > 0 {
			if s.ClaimLabels == nil {
				s.ClaimLabels = map[string]map[string]string{}
			}
			s.ClaimLabels[t.Name] = t.Labels
		}
	}
	return s
}

// requestOf returns what a claim asks for, without its class.
func requestOf(meta *metav1.ObjectMeta, spec *corev1.PersistentVolumeClaimSpec) ClaimRequest {
	var further []string
	for key, value := range ours(meta.Annotations) {
		further = append(further, "annotations["+key+"]: "+value)
	}
	if spec.StorageClassName != nil && *spec.StorageClassName == "" {
		further = append(further, "storageClassName: none") // the default class is for claims that leave it out
	}
	r := ClaimRequest{Mode: string(orZero(spec.VolumeMode)), Parts: partsOf(spec, further...)}
	if size, ok := spec.Resources.Requests[corev1.ResourceStorage]; ok {
		r.Size = size.String()
	}
	modes := make([]string, 0, len(spec.AccessModes))
	for _, m := range spec.AccessModes {
		modes = append(modes, string(m))
	}
	r.Modes = strings.Join(modes, ",")
	return r
}

// addProgressing adds the status of a set's condition Progressing to what is recorded of its status, and since when it has been so.
func addProgressing(s *Set, o *appsv1.StatefulSet) {
	for _, c := range o.Status.Conditions {
		if c.Type != appsv1.StatefulSetProgressing {
			continue
		}
		s.Status.Progressing = c.Status
		if !c.LastTransitionTime.IsZero() {
			s.Status.ProgressingSince = c.LastTransitionTime.Unix()
		}
	}
}

// unusedOf returns the status of a claim's condition Unused, "" without one.
func unusedOf(o *corev1.PersistentVolumeClaim) corev1.ConditionStatus {
	for _, c := range o.Status.Conditions {
		if c.Type == corev1.PersistentVolumeClaimUnused {
			return c.Status
		}
	}
	return ""
}

// templateDigest is a digest of a whole template, or "" where it cannot be marshalled.
func templateDigest(t *corev1.PodTemplateSpec) string {
	data, err := json.Marshal(t)
	if err != nil {
		return ""
	}
	return digest(data)
}

// digest distinguishes contents without revealing them.
func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

func sliceOf(o *discoveryv1.EndpointSlice) *Slice {
	s := &Slice{Service: o.Labels[discoveryv1.LabelServiceName], Addresses: string(o.AddressType)}
	for _, e := range o.Endpoints {
		out := Endpoint{
			Addresses: e.Addresses, Hostname: orZero(e.Hostname),
			// An unset ready condition is to be read as true, serving too (discovery.k8s.io/v1 EndpointConditions).
			Ready:       e.Conditions.Ready == nil || *e.Conditions.Ready,
			Serving:     e.Conditions.Serving == nil || *e.Conditions.Serving,
			Terminating: orZero(e.Conditions.Terminating),
		}
		if e.TargetRef != nil {
			out.Target, out.TargetUID = e.TargetRef.Name, e.TargetRef.UID
		}
		s.Endpoints = append(s.Endpoints, out)
	}
	return s
}

func reportOf(o *corev1.Event) *Report {
	r := &Report{
		Type: o.Type, Reason: o.Reason, Reporter: cmp.Or(o.ReportingController, o.Source.Component), Kind: o.InvolvedObject.Kind,
		Object: o.InvolvedObject.Name, UID: o.InvolvedObject.UID, Count: o.Count, Last: o.LastTimestamp,
	}
	// Those of the events.k8s.io API have the other fields.
	if r.Last.IsZero() {
		r.Last = metav1.NewTime(o.EventTime.Time)
	}
	if o.Series != nil {
		r.Count, r.Last = o.Series.Count, metav1.NewTime(o.Series.LastObservedTime.Time)
	}
	r.Last = metav1.NewTime(r.Last.Truncate(time.Second))
	if r.Reason == SuccessfulDelete || r.Reason == SuccessfulCreate {
		r.Pod = namedIn(o.Message, "Pod", "pod:")
	}
	if r.Reason == SuccessfulCreate {
		r.Claim = namedIn(o.Message, "Claim")
	}
	return r
}

// namedIn returns the name behind the first of some words in a message, "" if there is none: the controller has two ways to delete a pod.
// Messages of events that were combined have it too: they are the last one's with a prefix.
func namedIn(message string, before ...string) string {
	words := strings.Fields(message)
	i := slices.IndexFunc(words, func(word string) bool { return slices.Contains(before, word) })
	if i >= 0 && i+1 < len(words) {
		return words[i+1]
	}
	return ""
}

func orZero[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
