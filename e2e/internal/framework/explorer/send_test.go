package explorer

import (
	"reflect"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/explore"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// A merge patch has a template's containers as a whole, so that a change of a set must say again what a person wants of pods.
func TestPatchedTemplate(t *testing.T) {
	patch, err := runconfig.ParsePodPatch([]byte("{metadata: {labels: {team: data}}, spec: {containers: [{name: main, resources: {requests: {cpu: 10m}}}, {name: nginx}]}}"))
	if err != nil {
		t.Fatal(err)
	}
	r := &run{ns: &framework.Namespace{Cluster: &framework.Cluster{Settings: runconfig.Settings{PodPatch: patch}}}}
	act := explore.Act{Kind: explore.NewTemplate, Set: "one", Spec: &explore.Spec{Template: &explore.Template{Name: "b"}}}
	requests, err := act.Requests("image")
	if err != nil {
		t.Fatal(err)
	}
	body, err := r.patchedTemplate(requests[0].Body)
	if err != nil {
		t.Fatal(err)
	}
	template := body["spec"].(map[string]any)["template"].(map[string]any)
	containers := template["spec"].(map[string]any)["containers"].([]any)
	if c := containers[0].(map[string]any); len(containers) != 1 || c["image"] != "image" || reflect.DeepEqual(c["resources"], map[string]any{}) {
		t.Errorf("expected the container with the patch's resources, found %v", containers)
	}
	if labels := template["metadata"].(map[string]any)["labels"].(map[string]any); labels["team"] != "data" || labels["app"] != "one" {
		t.Errorf("expected the patch's labels beside the act's, found %v", labels)
	}
	if gates, named := template["spec"].(map[string]any)["readinessGates"]; !named || gates != nil {
		t.Errorf("expected the gate still to be taken away, found %v", gates)
	}
	if scaled, err := r.patchedTemplate(map[string]any{"spec": map[string]any{"replicas": int32(2)}}); err != nil || len(scaled) != 1 {
		t.Errorf("expected a request without a template to stay, found %v, %v", scaled, err)
	}
}
