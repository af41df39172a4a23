package explore

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Kind names what an act does.
type Kind string

// The kinds of acts.
const (
	CreateSet        Kind = "create"
	DeleteSet        Kind = "delete" // Propagation says how
	TouchSet         Kind = "touch"
	LabelSet         Kind = "label"
	Scale            Kind = "scale"
	NewTemplate      Kind = "template"
	OldTemplate      Kind = "old-template"
	RestartTemplate  Kind = "restart" // the template's annotations alone change, as kubectl rollout restart changes them
	ScaleAndTemplate Kind = "scale-and-template"
	ChangeSeveral    Kind = "several" // replicas, the template and other fields, in one request
	SetPartition     Kind = "partition"
	SetStrategy      Kind = "strategy"
	SetMaxUnavail    Kind = "max-unavailable"
	SetMinReady      Kind = "min-ready"
	SetRetention     Kind = "retention"
	SetStart         Kind = "start"
	SetHistoryLimit  Kind = "history-limit"
	ReleasePod       Kind = "release" // of a pod with a readiness gate
	HoldPod          Kind = "hold"
	DeletePod        Kind = "delete-pod"
	ForceDeletePod   Kind = "force-delete"
	EvictPod         Kind = "evict"
	FailPod          Kind = "fail"
	StopContainer    Kind = "stop-container"
	RelabelPod       Kind = "relabel"
	OrphanPod        Kind = "orphan"
	AddFinalizer     Kind = "finalizer"
	RemoveFinalizer  Kind = "remove-finalizer"
	DeleteClaim      Kind = "delete-claim"
	MakeClaim        Kind = "make-claim"
	MakeBudget       Kind = "budget"
	RemoveBudget     Kind = "remove-budget"
	MakeOutsider     Kind = "outsider" // a pod with the labels of the set
	LookUp           Kind = "look-up"  // the names of a pod, in its container and in DNS, while its set is at rest
	KillComponent    Kind = "kill"     // Value names a component of the control plane, which its kubelet starts again
	CordonNode       Kind = "cordon"   // that of the pod Object, as long as no other is disrupted
	UncordonNode     Kind = "uncordon"
	StopNode         Kind = "stop-node" // that of the pod Object with all that runs there, as CordonNode
	StartNode        Kind = "start-node"
)

// Fault is what is wrong with a template.
type Fault string

// The faults of templates.
const (
	Unready    Fault = "unready"    // its readiness probe fails
	Crashing   Fault = "crashing"   // its container ends with an error at once
	Ending     Fault = "ending"     // its container ends well after two seconds
	Unpullable Fault = "unpullable" // there is no such image
	Unplaced   Fault = "unplaced"   // no scheduler takes its pods up, so that they have no node, and claims that wait for one no volume
)

// Extra is what a template has beside the fixture's own, for a controller to carry over into the pods or to replace there.
type Extra string

// The extras of templates.
const (
	Sidecar    Extra = "sidecar"    // a second container
	Tolerating Extra = "tolerating" // a toleration
	Named      Extra = "named"      // a hostname, a subdomain and an index, in whose place come those of each pod
	Shadowing  Extra = "shadowing"  // volumes of the names of the claim templates, which come in their place
)

// Template is a pod template. Two templates of one name and one restart are the same.
type Template struct {
	Name  string `json:"name"`
	Fault Fault  `json:"fault,omitempty"`
	Extra Extra  `json:"extra,omitempty"`
	// Restart is the value of an annotation.
	Restart string `json:"restart,omitempty"`
	// Gate gives the pods a readiness gate: they are not Ready until they are released.
	Gate bool `json:"gate,omitempty"`
	// Stop is how many seconds its container takes to stop.
	Stop int `json:"stop,omitempty"`
	// Mounts are the names of the claim templates whose volumes it mounts.
	Mounts []string `json:"mounts,omitempty"`
}

// Spec is what an act asks for of a set. Fields without a value stay as they are, or as fixtures/set.yaml has them.
type Spec struct {
	Replicas        *int32                                          `json:"replicas,omitempty"`
	Template        *Template                                       `json:"template,omitempty"`
	Strategy        appsv1.StatefulSetUpdateStrategyType            `json:"strategy,omitempty"`
	Start           *int32                                          `json:"start,omitempty"`
	Partition       *int32                                          `json:"partition,omitempty"`
	MaxUnavailable  *string                                         `json:"maxUnavailable,omitempty"` // "" takes it away
	MinReadySeconds *int32                                          `json:"minReadySeconds,omitempty"`
	HistoryLimit    *int32                                          `json:"historyLimit,omitempty"`
	WhenScaled      appsv1.PersistentVolumeClaimRetentionPolicyType `json:"whenScaled,omitempty"`
	WhenDeleted     appsv1.PersistentVolumeClaimRetentionPolicyType `json:"whenDeleted,omitempty"`
	// Policy and Claims, the names of claim templates, are for new sets alone.
	Policy appsv1.PodManagementPolicyType `json:"policy,omitempty"`
	Claims []string                       `json:"claims,omitempty"`
}

// Act is one thing that a user does.
type Act struct {
	Kind Kind `json:"act"`
	// Set is the name of the set that it is about.
	Set string `json:"set"`
	// Object is the name of the pod or claim that it is about, if any.
	Object string `json:"object,omitempty"`
	// Spec is for acts that create or change a set.
	Spec *Spec `json:"spec,omitempty"`
	// Value is, by kind: the label app of a pod, the pods that a budget lets be unavailable, a component.
	Value string `json:"value,omitempty"`
	// Propagation is for DeleteSet.
	Propagation metav1.DeletionPropagation `json:"propagation,omitempty"`
	// Owned makes an outsider or a claim one of another controller; otherwise it has none.
	Owned bool `json:"owned,omitempty"`
	// Once makes an outsider one whose container is not started again.
	Once bool `json:"once,omitempty"`
	// Subresource has Scale use the subresource scale.
	Subresource bool `json:"subresource,omitempty"`
}

// Words says what the act is, for a person.
func (a *Act) Words() string {
	switch a.Kind {
	case CreateSet:
		return fmt.Sprintf("create the set %s: %s", a.Set, a.Spec.words())
	case DeleteSet:
		return fmt.Sprintf("delete the set %s (%s)", a.Set, a.Propagation)
	case TouchSet:
		return "change an annotation of the set " + a.Set
	case LabelSet:
		return "change a label of the set " + a.Set
	case ReleasePod:
		return "set the readiness gate of " + a.Object + " to True"
	case HoldPod:
		return "set the readiness gate of " + a.Object + " to False"
	case DeletePod:
		return "delete the pod " + a.Object
	case ForceDeletePod:
		return "delete the pod " + a.Object + " with grace period 0"
	case EvictPod:
		return "evict the pod " + a.Object
	case FailPod:
		return "let the pod " + a.Object + " fail, by activeDeadlineSeconds 1"
	case StopContainer:
		return "send TERM to the container of " + a.Object
	case RelabelPod:
		if a.Value == "" {
			return "take the label app from the pod " + a.Object
		}
		return fmt.Sprintf("label the pod %s app=%s", a.Object, a.Value)
	case OrphanPod:
		return "take the ownerReferences from the pod " + a.Object
	case AddFinalizer:
		return "give the pod " + a.Object + " a finalizer"
	case RemoveFinalizer:
		return "take the finalizer from the pod " + a.Object
	case DeleteClaim:
		return "delete the claim " + a.Object
	case MakeClaim:
		if a.Owned {
			return "create the claim " + a.Object + ", of another controller"
		}
		return "create the claim " + a.Object
	case MakeBudget:
		return fmt.Sprintf("create a PodDisruptionBudget for %s with maxUnavailable %s", a.Set, a.Value)
	case RemoveBudget:
		return "delete the PodDisruptionBudget of " + a.Set
	case MakeOutsider:
		by := "without a controller"
		if a.Owned {
			by = "of another controller"
		}
		if a.Once {
			by += ", whose container is not started again"
		}
		return fmt.Sprintf("create the pod %s %s, with the labels of %s", a.Object, by, a.Set)
	case LookUp:
		return "look up the names of the pod " + a.Object + ", in its container and in DNS"
	case KillComponent:
		return "kill " + a.Value
	case CordonNode:
		return "cordon the node of the pod " + a.Object
	case UncordonNode:
		return "uncordon the node that was cordoned"
	case StopNode:
		return "stop the node of the pod " + a.Object + ", and all that runs on it"
	case StartNode:
		return "let the node that was stopped go on"
	}
	by := ""
	if a.Subresource {
		by = " by its subresource scale"
	}
	return fmt.Sprintf("change the set %s%s: %s", a.Set, by, a.Spec.words())
}

// ways lists how an act of its kind is done, as far as its values say that; plain where they say nothing.
func (a *Act) ways() []string {
	var parts []string
	add := func(part string, is bool) {
		if is {
			parts = append(parts, part)
		}
	}
	add(string(a.Propagation), true)
	add("owned", a.Owned)
	add("once", a.Once)
	add("of a pod's name", a.Kind == MakeOutsider && memberOf(a.Set, a.Object))
	add(a.Value, a.Kind != TouchSet && a.Kind != LabelSet)
	add("unlabelled", a.Kind == RelabelPod && a.Value == "")
	add("by the subresource", a.Subresource)
	if s := a.Spec; s != nil {
		add(string(s.Policy), true)
		add(string(s.Strategy), true)
		add(string(s.WhenScaled)+"-"+string(s.WhenDeleted), s.WhenScaled != "")
		add("none", s.Replicas != nil && *s.Replicas == 0)
		add("one", s.Replicas != nil && *s.Replicas == 1)
		add("partition", s.Partition != nil && *s.Partition > 0)
		add("gated", s.Template != nil && s.Template.Gate)
		if s.Template != nil {
			add(string(s.Template.Fault), true)
		}
		if s.MaxUnavailable != nil {
			add("maxUnavailable "+*s.MaxUnavailable, true)
		}
	}
	if parts = slices.DeleteFunc(parts, func(p string) bool { return p == "" }); len(parts) == 0 {
		return []string{"plain"}
	}
	return parts
}

// words lists what a spec asks for.
func (s *Spec) words() string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if s.Replicas != nil {
		add("replicas %d", *s.Replicas)
	}
	if s.Template != nil {
		add("%s", s.Template.words())
	}
	for _, f := range []struct{ name, value string }{
		{"podManagementPolicy", string(s.Policy)},
		{"updateStrategy", string(s.Strategy)},
		{"whenScaled", string(s.WhenScaled)},
		{"whenDeleted", string(s.WhenDeleted)},
	} {
		if f.value != "" {
			add("%s %s", f.name, f.value)
		}
	}
	for _, f := range []struct {
		name  string
		value *int32
	}{
		{"ordinals.start", s.Start},
		{"partition", s.Partition},
		{"minReadySeconds", s.MinReadySeconds},
		{"revisionHistoryLimit", s.HistoryLimit},
	} {
		if f.value != nil {
			add("%s %d", f.name, *f.value)
		}
	}
	switch {
	case s.MaxUnavailable == nil:
	case *s.MaxUnavailable == "":
		add("no maxUnavailable")
	default:
		add("maxUnavailable %s", *s.MaxUnavailable)
	}
	if len(s.Claims) > 0 {
		add("claims %s", strings.Join(s.Claims, " and "))
	}
	return strings.Join(out, ", ")
}

func (t *Template) words() string {
	out := "template " + t.Name
	switch t.Fault {
	case Unready:
		out += " whose pods are never Ready"
	case Crashing:
		out += " whose container crashes"
	case Ending:
		out += " whose container ends every two seconds"
	case Unpullable:
		out += " with an image that there is not"
	case Unplaced:
		out += " whose pods get no node"
	}
	switch t.Extra {
	case Sidecar:
		out += " with a second container"
	case Tolerating:
		out += " with a toleration"
	case Named:
		out += " with a hostname, a subdomain and an index of its own"
	case Shadowing:
		out += " with volumes of the names of the claims"
	}
	if t.Restart != "" {
		out += " with the annotation restarted=" + t.Restart
	}
	if t.Gate {
		out += " with a readiness gate"
	}
	if t.Stop > 0 {
		out += fmt.Sprintf(" that takes %d s to stop", t.Stop)
	}
	return out
}

// Changes reports whether the act changes the spec of a set that exists.
func (a *Act) Changes() bool { return a.Spec != nil && a.Kind != CreateSet }

// Verified lists the guarantees that an episode verifies by itself, beside what judges make of its history.
func Verified() []contract.ID {
	return []contract.ID{
		contract.IdentityHostname, contract.IdentityOwnFQDN, contract.DNSPodRecord, contract.DNSHeadless, contract.TerminationCascade,
	}
}

// onPod reports whether the act is about a pod that must exist.
func (a *Act) onPod() bool {
	return slices.Contains([]Kind{
		ReleasePod, HoldPod, DeletePod, ForceDeletePod, EvictPod, FailPod, StopContainer, RelabelPod, OrphanPod, AddFinalizer, RemoveFinalizer,
		LookUp, CordonNode, StopNode,
	}, a.Kind)
}

// Possible returns an error where the recorded state does not allow the act: what it is about is not there, or is already.
func (a *Act) Possible(s *history.State) error {
	set := s.Get(history.Sets, a.Set)
	pod := s.Get(history.Pods, a.Object)
	switch {
	case a.Kind == CreateSet:
		if set != nil {
			return fmt.Errorf("the set %s exists", a.Set)
		}
	case a.Kind == MakeClaim && s.Get(history.Claims, a.Object) != nil, a.Kind == MakeOutsider && pod != nil:
		return fmt.Errorf("%s exists", a.Object)
	case a.Kind == DeleteClaim && s.Get(history.Claims, a.Object) == nil, a.onPod() && pod == nil:
		return fmt.Errorf("%s does not exist", a.Object)
	case (a.Kind == CordonNode || a.Kind == StopNode) && pod.Pod.Node == "":
		return fmt.Errorf("%s has no node", a.Object)
	case a.Kind == LookUp && (set == nil || pod.Labels["app"] != a.Set || Unsettled(s, set) != "" || slices.ContainsFunc(s.PodsOf(set.UID), held)):
		return fmt.Errorf("the set %s is not at rest with %s", a.Set, a.Object)
	case a.Kind == StopContainer && (pod.Pod.Phase != corev1.PodRunning || pod.Pod.Stopped()):
		return fmt.Errorf("%s does not run", a.Object)
	case (a.Kind == DeleteSet || a.Kind == TouchSet || a.Kind == LabelSet || a.Changes()) && set == nil:
		return fmt.Errorf("the set %s does not exist", a.Set)
	}
	return nil
}

// valid returns an error for an act that says less than its kind needs.
func (a *Act) valid() error {
	switch {
	case !slices.Contains(Kinds(), a.Kind):
		return fmt.Errorf("act %q: expected one of %v", a.Kind, Kinds())
	case a.Set == "":
		return fmt.Errorf("act %q: expected a set", a.Kind)
	case (a.onPod() || slices.Contains([]Kind{DeleteClaim, MakeClaim, MakeOutsider}, a.Kind)) && a.Object == "":
		return fmt.Errorf("act %q: expected an object", a.Kind)
	case a.Kind == KillComponent && !slices.Contains(Components(), a.Value):
		return fmt.Errorf("act %q: expected one of %v, found %q", a.Kind, Components(), a.Value)
	case a.changesSpec() && a.Spec == nil:
		return fmt.Errorf("act %q: expected a spec", a.Kind)
	case a.Kind == CreateSet && (a.Spec.Template == nil || a.Spec.Replicas == nil):
		return errors.New("a new set needs a template and replicas")
	}
	return nil
}

func (a *Act) changesSpec() bool {
	return slices.Contains([]Kind{
		CreateSet, Scale, NewTemplate, OldTemplate, RestartTemplate, ScaleAndTemplate, ChangeSeveral, SetPartition, SetStrategy, SetMaxUnavail, SetMinReady, SetRetention, SetStart, SetHistoryLimit,
	}, a.Kind)
}
