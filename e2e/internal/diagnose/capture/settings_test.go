package capture_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose/capture"
)

// TestOfSecretsOnlyTimesAreRead: what a Secret holds is not asked for, and only who wrote values counts as having changed it.
func TestOfSecretsOnlyTimesAreRead(t *testing.T) {
	at := func(hour int) *metav1.Time {
		return new(metav1.NewTime(time.Date(2026, 1, 2, hour, 0, 0, 0, time.UTC)))
	}
	meta := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Name: name, Namespace: "ns", CreationTimestamp: *at(1), ManagedFields: []metav1.ManagedFieldsEntry{
			{Manager: "rotation", Time: at(5), FieldsV1: metav1.NewFieldsV1(`{"f:data":{"f:password":{}}}`)},
			{Manager: "labels", Time: at(9), FieldsV1: metav1.NewFieldsV1(`{"f:metadata":{"f:labels":{}}}`)},
		}}
	}
	web := set()
	web.Spec.Template.Spec.Containers = []corev1.Container{{Name: "main", EnvFrom: []corev1.EnvFromSource{
		{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "login"}}},
		{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "conf"}}},
	}}}
	accepts := ""
	client := server(t, map[string]any{
		setPath:                      web,
		"/api/v1/namespaces/ns/pods": corev1.PodList{TypeMeta: metav1.TypeMeta{Kind: "PodList", APIVersion: "v1"}},
		"/api/v1/namespaces/ns/secrets/login": func(r *http.Request) any {
			accepts = r.Header.Get("Accept")
			return metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{Kind: "PartialObjectMetadata", APIVersion: "meta.k8s.io/v1"}, ObjectMeta: meta("login")}
		},
		"/api/v1/namespaces/ns/configmaps/conf": corev1.ConfigMap{TypeMeta: metav1.TypeMeta{Kind: "ConfigMap", APIVersion: "v1"}, ObjectMeta: meta("conf")},
	})
	s, err := capture.State(t.Context(), client, "ns", "web", patience)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Settings) != 2 || s.Settings[0].Name != "conf" || s.Settings[1].Name != "login" || s.Settings[1].Kind != "secret" {
		t.Fatalf("expected the ConfigMap and the Secret, found %+v", s.Settings)
	}
	for _, found := range s.Settings {
		if !found.Changed.Equal(at(5)) {
			t.Errorf("expected the time at which values were written, %v, found %+v", at(5), found)
		}
	}
	if !strings.Contains(accepts, "as=PartialObjectMetadata") || strings.Contains(accepts, ",") {
		t.Errorf("expected metadata alone to be asked for, found %q", accepts)
	}
}
