package framework

import (
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Request says of a request that changes the cluster what the recording holds of it.
type Request struct {
	Verb     history.Verb
	Resource history.Resource
	Name     string    // "" for a collection
	UID      types.UID // of the object that a deletion or eviction is for
	Selector string    // label selector of a collection
	Text     string
}

// Send records a request that changes the cluster, sends it and returns the API server's answer.
func Send[T any](ns *Namespace, r Request, send func() (T, error)) (T, error) {
	ns.Mark(r.Verb, r.Resource, r.Name, r.UID, r.Text)
	return send()
}

// Do is Send for a request without an object in its answer.
func (ns *Namespace) Do(r Request, send func() error) error {
	_, err := Send(ns, r, func() (struct{}, error) { return struct{}{}, send() })
	return err
}

// Note records what the spec does without a request, for the timeline of the report.
func (ns *Namespace) Note(text string) { ns.Mark(history.VerbOther, "", "", "", text) }
