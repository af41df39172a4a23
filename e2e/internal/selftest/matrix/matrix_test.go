package matrix

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
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
