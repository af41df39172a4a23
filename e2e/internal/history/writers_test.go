package history_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func TestProjectTellsWhoWroteTheSpec(t *testing.T) {
	at := func(manager, subresource string, after time.Duration) metav1.ManagedFieldsEntry {
		return metav1.ManagedFieldsEntry{Manager: manager, Subresource: subresource, Time: new(metav1.NewTime(noon().Add(after)))}
	}
	owning := func(f metav1.ManagedFieldsEntry, fields string) metav1.ManagedFieldsEntry {
		f.FieldsV1 = metav1.NewFieldsV1(fields)
		return f
	}
	const replicas, template = `{"f:spec":{"f:replicas":{}}}`, `{"f:spec":{"f:template":{"f:replicas":{}}}}`
	for _, tt := range []struct {
		name, writer, scaler string
		fields               []metav1.ManagedFieldsEntry
	}{
		{"nobody", "", "", []metav1.ManagedFieldsEntry{{Manager: "older than times"}}},
		{"not of the status", "helm", "", []metav1.ManagedFieldsEntry{at("helm", "", 0), owning(at("kcm", "status", time.Minute), replicas)}},
		{"the newest", "kubectl", "helm", []metav1.ManagedFieldsEntry{owning(at("kubectl", "", time.Minute), template), owning(at("helm", "", 0), replicas)}},
		{"two in one second", "argocd or kubectl", "", []metav1.ManagedFieldsEntry{at("kubectl", "", time.Minute), at("helm", "", 0), at("argocd", "", time.Minute)}},
		{"scaled, which leaves no time", "helm", "kubectl", []metav1.ManagedFieldsEntry{owning(metav1.ManagedFieldsEntry{Manager: "kubectl", Subresource: "scale"}, replicas), owning(at("helm", "", 0), template)}},
		{"fields that are none", "helm", "", []metav1.ManagedFieldsEntry{owning(at("helm", "", 0), "{")}},
	} {
		e, err := history.Project(&appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: "web", UID: "u", ManagedFields: tt.fields}})
		if err != nil {
			t.Fatal(err)
		}
		if e.Set.Writer != tt.writer || e.Set.Scaler != tt.scaler {
			t.Errorf("%s: expected writer %q and scaler %q, found %q and %q", tt.name, tt.writer, tt.scaler, e.Set.Writer, e.Set.Scaler)
		}
	}
}

func TestProjectTellsWhoWroteStatusAndOwners(t *testing.T) {
	entry := func(manager, subresource, fields string, after time.Duration) metav1.ManagedFieldsEntry {
		return metav1.ManagedFieldsEntry{Manager: manager, Subresource: subresource, FieldsV1: metav1.NewFieldsV1(fields), Time: new(metav1.NewTime(noon().Add(after)))}
	}
	const owners, other = `{"f:metadata":{"f:ownerReferences":{".":{},"k:{\"uid\":\"u\"}":{}}}}`, `{"f:spec":{"f:replicas":{}}}`
	meta := metav1.ObjectMeta{Name: "web", UID: "u", ManagedFields: []metav1.ManagedFieldsEntry{
		entry("kcm", "status", other, 0), entry("kubectl-edit", "status", other, time.Minute), entry("helm", "", owners, time.Second), entry("argocd", "", other, time.Hour),
	}}
	set, err := history.Project(&appsv1.StatefulSet{ObjectMeta: meta})
	if err != nil {
		t.Fatal(err)
	}
	claim, err := history.Project(&corev1.PersistentVolumeClaim{ObjectMeta: meta})
	if err != nil {
		t.Fatal(err)
	}
	pod, err := history.Project(&corev1.Pod{ObjectMeta: meta})
	if err != nil {
		t.Fatal(err)
	}
	revision, err := history.Project(&appsv1.ControllerRevision{ObjectMeta: meta})
	if err != nil {
		t.Fatal(err)
	}
	if pod.Pod.OwnersWriter != "helm" || revision.Revision.OwnersWriter != "helm" {
		t.Errorf("expected the owners of pod and revision by helm, found %q and %q", pod.Pod.OwnersWriter, revision.Revision.OwnersWriter)
	}
	if set.Set.StatusWriter != "kubectl-edit" || claim.Claim.OwnersWriter != "helm" {
		t.Errorf("expected the status by kubectl-edit and the owners by helm, found %q and %q", set.Set.StatusWriter, claim.Claim.OwnersWriter)
	}
}
