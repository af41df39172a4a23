package faults

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

func TestFaultyManifest(t *testing.T) {
	const text = `apiVersion: v1
kind: Pod
metadata: {name: kube-controller-manager, namespace: kube-system}
spec:
  containers:
    - name: kube-controller-manager
      command: [kube-controller-manager, --leader-elect=true, --bind-address=127.0.0.1]
`
	for elect, want := range map[bool][]string{
		false: {Program, "--leader-elect=false", "--bind-address=127.0.0.1"},
		true:  {Program, "--leader-elect=true", "--bind-address=127.0.0.1"},
	} {
		faulty, err := faultyManifest([]byte(text), elect, time.Unix(1, 0))
		if err != nil {
			t.Fatal(err)
		}
		var pod corev1.Pod
		if err := yaml.UnmarshalStrict(faulty, &pod); err != nil {
			t.Fatal(err)
		}
		if c := pod.Spec.Containers[0]; !slices.Equal(c.Command, want) || len(c.VolumeMounts) != 1 || c.VolumeMounts[0].MountPath != nodeDir {
			t.Errorf("with elect %t: expected the command %v and the folder of faults, found %v and %v", elect, want, c.Command, c.VolumeMounts)
		}
		if later, err := faultyManifest([]byte(text), elect, time.Unix(2, 0)); err != nil || string(later) == string(faulty) {
			t.Errorf("with elect %t: expected a later start to be another pod, found %v and\n%s", elect, err, later)
		}
	}
	if _, err := faultyManifest([]byte("spec: {containers: []}"), false, time.Time{}); err == nil {
		t.Error("expected a manifest without a container to be rejected")
	}
}
