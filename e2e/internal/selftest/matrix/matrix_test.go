package matrix

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

func TestNamesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range All() {
		if seen[s.Name] || s.Name == "" || s.Summary == "" {
			t.Errorf("expected a name of its own and in what it differs, found %+v", s)
		}
		if len(s.Config) == 0 && s.KubernetesVersion == "" && s.prepare == nil && !s.Registry {
			t.Errorf("%s differs in nothing", s.Name)
		}
		seen[s.Name] = true
		if s.Refused != "" && s.Settings != nil {
			t.Errorf("%s: expected a cluster that is to be refused to have no settings for it", s.Name)
		}
	}
}

// TestPolicies: the files of policies hold what the API server knows, with all of its fields, and a binding for each.
func TestPolicies(t *testing.T) {
	for _, file := range []string{"assigned-users.yaml", "required-fields.yaml", "large-claims.yaml"} {
		client := fake.NewClientset()
		if err := createPolicies(t.Context(), client, file); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		made := map[string]int{}
		for _, a := range client.Actions() {
			made[a.GetResource().Resource]++
		}
		if n := made["validatingadmissionpolicies"]; n == 0 || made["validatingadmissionpolicybindings"] != n || made["mutatingadmissionpolicybindings"] != made["mutatingadmissionpolicies"] {
			t.Errorf("%s: expected policies with a binding each, found %v", file, made)
		}
	}
}

// TestSettingsOfVariants: a patch of pods has only fields that a person's may have.
func TestSettingsOfVariants(t *testing.T) {
	for _, v := range All() {
		var s runconfig.Settings
		if v.Settings == nil {
			continue
		}
		v.Settings(&s)
		if s.PodPatch == nil && s.ClaimSize == nil {
			t.Errorf("%s: expected settings, found none", v.Name)
		}
		if s.PodPatch != nil && s.PodPatch.Validate() != nil {
			t.Errorf("%s: expected a patch that a person could give, found %v", v.Name, s.PodPatch.Validate())
		}
	}
}

func TestSecondProvisioner(t *testing.T) {
	first := &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
		Containers: []corev1.Container{{Command: []string{"provision", "start"}}},
		Volumes: []corev1.Volume{{VolumeSource: corev1.VolumeSource{
			ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: localPathConfig}},
		}}},
	}}}}
	second, err := secondProvisioner(first)
	if err != nil {
		t.Fatal(err)
	}
	pod := second.Spec.Template.Spec
	if got := pod.Volumes[0].ConfigMap.Name; got != shared || first.Spec.Template.Spec.Volumes[0].ConfigMap.Name != localPathConfig {
		t.Errorf("expected a configuration of its own, found %q", got)
	}
	if got := len(pod.Containers[0].Command); got != 6 {
		t.Errorf("expected two more flags with their values, found %q", pod.Containers[0].Command)
	}
	first.Spec.Template.Spec.Volumes = nil
	if _, err := secondProvisioner(first); err == nil {
		t.Error("expected an error where there is no configuration to change, found none")
	}
}
