package history

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// writersOf returns the managers of the newest entries in managedFields that have a time and are not about the status, that time, and the managers that
// own spec.replicas. The API server gives entries of the subresource scale no time.
func writersOf(m *metav1.ObjectMeta) (writer string, written metav1.Time, scaler string) {
	ofSpec := func(f *metav1.ManagedFieldsEntry) bool { return f.Subresource != "status" }
	var scalers []string
	for i := range m.ManagedFields {
		if f := &m.ManagedFields[i]; ofSpec(f) && f.FieldsV1 != nil && ownsReplicas(f.FieldsV1.GetRawBytes()) {
			scalers = append(scalers, f.Manager)
		}
	}
	writer, written = newestOf(m, ofSpec)
	return writer, written, names(scalers)
}

// newestOf returns the managers of the newest of those entries in managedFields that have a time and are chosen, and that time.
func newestOf(m *metav1.ObjectMeta, chosen func(*metav1.ManagedFieldsEntry) bool) (writer string, newest metav1.Time) {
	var writers []string
	for i := range m.ManagedFields {
		f := &m.ManagedFields[i]
		if f.Time == nil || f.Time.Before(&newest) || !chosen(f) {
			continue
		}
		if f.Time.After(newest.Time) {
			newest, writers = *f.Time, nil
		}
		writers = append(writers, f.Manager)
	}
	return names(writers), newest
}

// statusWriterOf returns the managers that wrote the status last.
func statusWriterOf(m *metav1.ObjectMeta) string {
	writer, _ := newestOf(m, func(f *metav1.ManagedFieldsEntry) bool { return f.Subresource == "status" })
	return writer
}

// ownersWriterOf returns the managers that wrote ownerReferences last, of those that own one.
func ownersWriterOf(m *metav1.ObjectMeta) string {
	writer, _ := newestOf(m, func(f *metav1.ManagedFieldsEntry) bool {
		return f.FieldsV1 != nil && bytes.Contains(f.FieldsV1.GetRawBytes(), []byte(`"f:ownerReferences"`))
	})
	return writer
}

// ownsReplicas reports whether spec.replicas is among some fields, written as managedFields have them.
func ownsReplicas(fields []byte) bool {
	var of struct {
		Spec map[string]json.RawMessage `json:"f:spec"`
	}
	if json.Unmarshal(fields, &of) != nil {
		return false
	}
	_, owns := of.Spec["f:replicas"]
	return owns
}

// names joins names, each once.
func names(all []string) string {
	slices.Sort(all)
	return strings.Join(slices.Compact(all), " or ")
}
