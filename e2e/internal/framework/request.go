package framework

import (
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Request says of a request that changes the cluster what the recording holds of it.
type Request struct {
	Verb     history.Verb
	Resource history.Resource
	Name     string    // "" for a collection
	UID      types.UID // of the object that a deletion or eviction is for
	Grace    *int64    // seconds that the deletion of a pod asks for, nil for the pod's own
	Selector string    // label selector of a collection
	Text     string
}

// Send records a request that changes the cluster as an operation, sends it, records its outcome, and returns the API server's answer.
func Send[T any](ns *Namespace, r Request, send func() (T, error)) (T, error) {
	call := ns.Begin(history.Operation{Verb: r.Verb, Resource: r.Resource, Name: r.Name, UID: r.UID, Grace: r.Grace, Selector: r.Selector, Text: r.Text})
	answer, err := pastQuotas(send)
	object, _ := any(answer).(metav1.Object)
	call.Return(object, err)
	return answer, err
}

// pastQuotas sends a request again that the admission of quotas has refused only because another request counted at the same time. Nothing was stored, and the
// API server itself has tried three times (retries in k8s.io/apiserver/pkg/admission/plugin/resourcequota).
func pastQuotas[T any](send func() (T, error)) (answer T, err error) {
	err = retry.OnError(retry.DefaultBackoff, quotaConflict, func() (err error) {
		answer, err = send()
		return err
	})
	return answer, err
}

// quotaConflict reports whether an error is the conflict of two changes of a quota's count.
func quotaConflict(err error) bool {
	status, is := errors.AsType[*apierrors.StatusError](err)
	return is && apierrors.IsConflict(err) && status.ErrStatus.Details != nil && status.ErrStatus.Details.Kind == "resourcequotas"
}

// Do is Send for a request whose answer is not the object that it changes.
func (ns *Namespace) Do(r Request, send func() error) error {
	_, err := Send(ns, r, func() (struct{}, error) { return struct{}{}, send() })
	return err
}

// Note records what the spec does without a request, for the timeline of the report.
func (ns *Namespace) Note(text string) {
	ns.Begin(history.Operation{Verb: history.VerbOther, Text: text}).End(history.Accepted, nil, "")
}
