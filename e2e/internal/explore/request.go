package explore

import (
	"encoding/json"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Finalizer is what AddFinalizer gives to pods.
const Finalizer = history.Prefix + "run"

// Gate is the readiness gate of templates that have one.
const Gate corev1.PodConditionType = history.Prefix + "released"

// Method says how a request is sent.
type Method string

// The methods.
const (
	Post       Method = "create"
	MergePatch Method = "merge"     // a JSON merge patch
	Strategic  Method = "strategic" // a strategic merge patch
	Delete     Method = "delete"
	Evict      Method = "evict"
	Signal     Method = "signal" // TERM to the first process of the pod's container
	Names      Method = "names"  // looks up the names of the pod
	Kill       Method = "kill"   // KILL to the component of the control plane of that name

	// Of the node of the pod of that name, and after it of the node that was cordoned or stopped last.
	Cordon   Method = "cordon"
	Stop     Method = "stop"
	Uncordon Method = "uncordon"
	Start    Method = "start"
)

// Request is one request of an act, as an executor sends it and a script of kubectl commands has it.
type Request struct {
	Method   Method
	Resource history.Resource
	Name     string
	// Subresource is what a patch is sent to, "" for the object itself.
	Subresource string
	// Body is the object to create, or the patch.
	Body map[string]any
	// Grace and Propagation are for Delete.
	Grace       *int64
	Propagation metav1.DeletionPropagation
	// Verb and Text are for the recording.
	Verb history.Verb
	Text string
	// Owned asks for a controlling owner that is no set.
	Owned bool
	// Exists says that it is no failure if the object exists.
	Exists bool
}

// Requests returns the requests of an act, with that image in the place of the fixture's own.
func (a *Act) Requests(image string) ([]Request, error) {
	text := a.Words()
	onPod := Request{Resource: history.Pods, Name: a.Object, Verb: history.VerbOther, Text: text}
	switch a.Kind {
	case CreateSet:
		return a.create(image)
	case DeleteSet:
		return []Request{{Method: Delete, Resource: history.Sets, Name: a.Set, Propagation: a.Propagation, Verb: history.VerbDelete, Text: text}}, nil
	case TouchSet:
		return []Request{{Method: MergePatch, Resource: history.Sets, Name: a.Set, Verb: history.VerbTouch, Text: text, Body: metadata("annotations", history.Prefix+"touched", a.Value)}}, nil
	case LabelSet:
		return []Request{{Method: MergePatch, Resource: history.Sets, Name: a.Set, Verb: history.VerbTouch, Text: text, Body: metadata("labels", history.Prefix+"touched", a.Value)}}, nil
	case ReleasePod, HoldPod:
		return []Request{a.gate(onPod)}, nil
	case DeletePod, ForceDeletePod:
		onPod.Method, onPod.Verb = Delete, history.VerbDelete
		if a.Kind == ForceDeletePod {
			onPod.Grace = new(int64)
		}
	case EvictPod:
		onPod.Method, onPod.Verb = Evict, history.VerbEvict
	case FailPod:
		onPod.Method, onPod.Body = MergePatch, object("spec", object("activeDeadlineSeconds", 1))
	case StopContainer:
		onPod.Method = Signal
	case LookUp:
		onPod.Method = Names
	case RelabelPod:
		var value any
		if a.Value != "" {
			value = a.Value
		}
		onPod.Method, onPod.Body = MergePatch, metadata("labels", "app", value)
	case OrphanPod:
		onPod.Method, onPod.Body = MergePatch, object("metadata", object("ownerReferences", nil))
	case AddFinalizer:
		onPod.Method, onPod.Body = MergePatch, object("metadata", object("finalizers", []any{Finalizer}))
	case RemoveFinalizer:
		onPod.Method, onPod.Body = MergePatch, object("metadata", object("finalizers", nil))
	case DeleteClaim:
		return []Request{{Method: Delete, Resource: history.Claims, Name: a.Object, Verb: history.VerbDelete, Text: text}}, nil
	case MakeClaim:
		body, err := a.claim()
		return []Request{{Method: Post, Resource: history.Claims, Name: a.Object, Verb: history.VerbCreate, Text: text, Body: body, Owned: a.Owned, Exists: true}}, err
	case MakeBudget, RemoveBudget:
		return a.budget()
	case KillComponent:
		return []Request{{Method: Kill, Name: a.Value, Verb: history.VerbRestart, Text: text}}, nil
	case CordonNode:
		return []Request{{Method: Cordon, Name: a.Object, Verb: history.VerbOther, Text: text}}, nil
	case UncordonNode:
		return []Request{{Method: Uncordon, Verb: history.VerbOther, Text: text}}, nil
	case StopNode:
		return []Request{{Method: Stop, Name: a.Object, Verb: history.VerbStopNode, Text: text}}, nil
	case StartNode:
		return []Request{{Method: Start, Verb: history.VerbStartNode, Text: text}}, nil
	case MakeOutsider:
		body, err := a.outsider(image)
		onPod.Method, onPod.Verb, onPod.Body, onPod.Owned = Post, history.VerbCreate, body, a.Owned
		return []Request{onPod}, err
	default:
		verb, subresource := history.VerbUpdate, ""
		if a.Kind == Scale {
			verb = history.VerbScale
		}
		if a.Subresource {
			subresource = "scale"
		}
		patch, err := a.Spec.patch(a.Set, image)
		return []Request{{
			Method: MergePatch, Resource: history.Sets, Name: a.Set, Subresource: subresource, Verb: verb, Text: text, Body: object("spec", patch),
		}}, err
	}
	return []Request{onPod}, nil
}

func (a *Act) gate(r Request) Request {
	status := corev1.ConditionTrue
	r.Verb = history.VerbUnblockReadiness
	if a.Kind == HoldPod {
		r.Verb, status = history.VerbBlockReadiness, corev1.ConditionFalse
	}
	r.Method, r.Subresource = Strategic, "status"
	r.Body = object("status", object("conditions", []any{map[string]any{"type": string(Gate), "status": string(status)}}))
	return r
}

func (a *Act) budget() ([]Request, error) {
	name := "budget-" + a.Set
	if a.Kind == RemoveBudget {
		return []Request{{Method: Delete, Resource: history.Budgets, Name: name, Verb: history.VerbDelete, Text: a.Words()}}, nil
	}
	most := intstr.Parse(a.Value)
	body, err := toMap(&policyv1.PodDisruptionBudget{
		TypeMeta:   metav1.TypeMeta{APIVersion: policyv1.SchemeGroupVersion.String(), Kind: "PodDisruptionBudget"},
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       policyv1.PodDisruptionBudgetSpec{MaxUnavailable: &most, Selector: &metav1.LabelSelector{MatchLabels: labelsOf(a.Set)}},
	})
	return []Request{{Method: Post, Resource: history.Budgets, Name: name, Verb: history.VerbCreate, Text: a.Words(), Body: body, Exists: true}}, err
}

// labelsOf are the labels of a set's selector.
func labelsOf(set string) map[string]string { return map[string]string{"app": set} }

func metadata(field, key string, value any) map[string]any {
	return object("metadata", object(field, object(key, value)))
}

func object(key string, value any) map[string]any { return map[string]any{key: value} }

// toMap returns an API object as JSON has it, without its status.
func toMap(o any) (map[string]any, error) {
	data, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	if err := json.Unmarshal(data, &out); err != nil {
		return nil, fmt.Errorf("an object of the API: %w", err)
	}
	delete(out, "status")
	return out, nil
}

// merge applies a JSON merge patch to an object, which it changes.
func merge(into, patch map[string]any) map[string]any {
	for key, value := range patch {
		inner, isObject := value.(map[string]any)
		switch was, both := into[key].(map[string]any); {
		case value == nil:
			delete(into, key)
		case isObject && both:
			into[key] = merge(was, inner)
		case isObject:
			into[key] = merge(map[string]any{}, inner)
		default:
			into[key] = value
		}
	}
	return into
}

// without returns an object without a key.
func without(from map[string]any, key string) map[string]any {
	out := maps.Clone(from)
	delete(out, key)
	return out
}

// OfUID has a patch of an object fail where the object of its name is another one than that of the UID.
func (r *Request) OfUID(uid types.UID) {
	meta := map[string]any{"uid": string(uid)}
	if was, ok := r.Body["metadata"].(map[string]any); ok {
		maps.Copy(meta, was)
	}
	r.Body = maps.Clone(r.Body)
	r.Body["metadata"] = meta
}
