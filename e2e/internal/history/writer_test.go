package history_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func TestProjectTellsWhoWroteTheSpec(t *testing.T) {
	at := func(manager, subresource string, after time.Duration) metav1.ManagedFieldsEntry {
		return metav1.ManagedFieldsEntry{Manager: manager, Subresource: subresource, Time: new(metav1.NewTime(noon().Add(after)))}
	}
	for want, fields := range map[string][]metav1.ManagedFieldsEntry{
		"":                  {{Manager: "older than times"}},
		"helm":              {at("helm", "", 0), at("kube-controller-manager", "status", time.Minute)},
		"kubectl":           {at("kubectl", "scale", time.Minute), at("helm", "", 0)},
		"argocd or kubectl": {at("kubectl", "", time.Minute), at("helm", "", 0), at("argocd", "", time.Minute)},
	} {
		e, err := history.Project(&appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: "web", UID: "u", ManagedFields: fields}})
		if err != nil {
			t.Fatal(err)
		}
		if e.Set.Writer != want {
			t.Errorf("expected %q of %v, found %q", want, fields, e.Set.Writer)
		}
	}
}
