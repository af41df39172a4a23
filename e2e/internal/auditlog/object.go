package auditlog

import (
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// empty returns an object of a recorded resource to decode into, nil for any other.
func (o *object) empty() runtime.Object {
	switch o.APIGroup + "/" + o.Resource {
	case "/pods":
		return &corev1.Pod{}
	case "/persistentvolumeclaims":
		return &corev1.PersistentVolumeClaim{}
	case "/services":
		return &corev1.Service{}
	case "/events":
		return &corev1.Event{}
	case "/nodes":
		return &corev1.Node{}
	case "apps/statefulsets":
		return &appsv1.StatefulSet{}
	case "apps/controllerrevisions":
		return &appsv1.ControllerRevision{}
	case "discovery.k8s.io/endpointslices":
		return &discoveryv1.EndpointSlice{}
	case "policy/poddisruptionbudgets":
		return &policyv1.PodDisruptionBudget{}
	}
	return nil
}

// resource is the recorded resource of the object.
func (o *object) resource() history.Resource { return history.Resource(o.Resource) }

// whole reports whether requests for the subresource are answered with the object itself.
func (o *object) whole() bool {
	switch o.Subresource {
	case "", "status", "ephemeralcontainers", "resize":
		return true
	}
	return false
}

// answer is what the API server answered a request with.
type answer struct {
	objects []*history.Event // the objects, several for a collection
	scale   *autoscalingv1.Scale
	gone    string // the UID of an object that the answer says is removed
}

// answerOf decodes the answer to a request. It is empty where the log does not have it.
func answerOf(l *line) (a answer, err error) {
	if len(l.ResponseObject) == 0 || string(l.ResponseObject) == "null" {
		return a, nil
	}
	var head struct {
		Kind    string                `json:"kind"`
		Details *metav1.StatusDetails `json:"details"`
		Items   []json.RawMessage     `json:"items"`
	}
	if err := json.Unmarshal(l.ResponseObject, &head); err != nil {
		return a, err
	}
	switch {
	case head.Kind == "Status":
		if head.Details != nil {
			a.gone = string(head.Details.UID)
		}
		return a, nil
	case l.ObjectRef.Subresource == "scale":
		a.scale = &autoscalingv1.Scale{}
		return a, json.Unmarshal(l.ResponseObject, a.scale)
	case !l.ObjectRef.whole():
		return a, nil
	}
	all := []json.RawMessage{l.ResponseObject}
	if l.Verb == "deletecollection" {
		all = head.Items
	}
	for _, raw := range all {
		obj := l.ObjectRef.empty()
		if err := json.Unmarshal(raw, obj); err != nil {
			return a, err
		}
		e, err := history.Project(obj)
		if err != nil {
			return a, err
		}
		if e.Name == "" || e.UID == "" {
			return a, fmt.Errorf("an answer of kind %s that is no object of %s", head.Kind, l.ObjectRef.Resource)
		}
		a.objects = append(a.objects, e)
	}
	return a, nil
}
