package report_test

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// A report says what was changed of the suite's objects, and holds no value of an annotation.
func TestSettingsSayWhatWasAdapted(t *testing.T) {
	size := resource.MustParse("1Gi")
	patch, err := runconfig.ParsePodPatch([]byte("{metadata: {annotations: {key: SECRET}}, spec: {nodeSelector: {pool: db}}}"))
	if err != nil {
		t.Fatal(err)
	}
	s := report.SettingsOf(runconfig.Settings{
		PodPatch: patch, ClaimSize: &size, PullSecret: "/SECRET", TimeLimit: 2 * time.Hour,
		Scale:           &runconfig.Scale{Pods: 200, PodPatch: patch},
		NamespaceLabels: map[string]string{"team": "data"}, NamespaceAnnotations: map[string]string{"owner": "SECRET"},
	})
	said := strings.Join(s.Adapted(), "\n")
	for _, want := range []string{`"nodeSelector":{"pool":"db"}`, "claims of 1Gi and more", "specs of scale with 200 pods", "a pull secret", "labels team=data", "annotations owner"} {
		if !strings.Contains(said, want) {
			t.Errorf("expected %q in:\n%s", want, said)
		}
	}
	if strings.Contains(said, "SECRET") || s.TimeLimit != "2h0m0s" {
		t.Errorf("expected no value of an annotation and the time limit, found %s in:\n%s", s.TimeLimit, said)
	}
	if s := report.SettingsOf(runconfig.Settings{}); s.Adapted() != nil || s.PodPatch != nil {
		t.Errorf("expected nothing where nothing was changed, found %v", s.Adapted())
	}
}
