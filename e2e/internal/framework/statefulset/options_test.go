package statefulset

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/fixtures"
)

// What a person wants of pods (POD_PATCH) comes first: an option adds to it.
func TestOptionsKeepThePatchOfPods(t *testing.T) {
	patch, err := runconfig.ParsePodPatch([]byte(`
metadata: {labels: {team: data}, annotations: {inject: "false"}}
spec: {tolerations: [{key: dedicated, operator: Exists, effect: NoSchedule}], containers: [{name: main, resources: {requests: {cpu: 10m}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, option := range map[string]Option{
		"Named": Named("other"), "SelectorOf": SelectorOf(&Set{Selector: map[string]string{"app": "other"}}), "Template": Template("new"), "Claims": Claims("data"),
		"TolerateTaint": TolerateTaint(), "TolerateUnreachable": TolerateUnreachable(), "Grace": Grace(1), "Command": Command("sleep 1"),
		"SlowShutdown": SlowShutdown(1, 1), "HoldReadiness": HoldReadiness(),
	} {
		objects, err := runconfig.Settings{PodPatch: patch}.ReadFixture(t.Context(), fixtures.Set, "mine")
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objects {
			set, ok := o.(*appsv1.StatefulSet)
			if !ok {
				continue
			}
			option(set)
			pod := set.Spec.Template
			tolerated := pod.Spec.Tolerations[0] == corev1.Toleration{Key: "dedicated", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoSchedule}
			if pod.Labels["team"] != "data" || pod.Annotations["inject"] != "false" || !tolerated || pod.Spec.Containers[0].Resources.Requests.Cpu().String() != "10m" {
				t.Errorf("%s: expected what the patch says of pods to stay, found %+v", name, pod)
			}
			if pod.Labels["app"] != set.Spec.Selector.MatchLabels["app"] {
				t.Errorf("%s: expected the labels of the selector, found %v", name, pod.Labels)
			}
		}
	}
}
