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
spec:
  tolerations: [{key: dedicated, operator: Exists, effect: NoSchedule}]
  affinity: {podAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 2, podAffinityTerm: {topologyKey: rack}}]}}
  topologySpreadConstraints: [{maxSkew: 1, topologyKey: rack, whenUnsatisfiable: ScheduleAnyway}]
  containers: [{name: main, resources: {requests: {cpu: 10m}}}]`))
	if err != nil {
		t.Fatal(err)
	}
	for name, option := range map[string]Option{
		"Named": Named("other"), "SelectorOf": SelectorOf(&Set{Selector: map[string]string{"app": "other"}}), "Template": Template("new"), "Claims": Claims("data"),
		"TolerateTaint": TolerateTaint(), "TolerateUnreachable": TolerateUnreachable(), "Grace": Grace(1), "Command": Command("sleep 1"),
		"SlowShutdown": SlowShutdown(1, 1), "HoldReadiness": HoldReadiness(), "FurtherFields": FurtherFields(), "RatherNotOn": RatherNotOn("node"),
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
			placed := pod.Spec.Affinity != nil && pod.Spec.Affinity.PodAffinity != nil && pod.Spec.TopologySpreadConstraints[0].TopologyKey == "rack"
			if pod.Labels["team"] != "data" || pod.Annotations["inject"] != "false" || !tolerated || !placed {
				t.Errorf("%s: expected what the patch says of pods to stay, found %+v", name, pod)
			}
			for _, c := range pod.Spec.Containers {
				if c.Resources.Requests.Cpu().String() != "10m" {
					t.Errorf("%s: expected container %s to ask for what the patch says, found %+v", name, c.Name, c.Resources)
				}
			}
			if pod.Labels["app"] != set.Spec.Selector.MatchLabels["app"] {
				t.Errorf("%s: expected the labels of the selector, found %v", name, pod.Labels)
			}
		}
	}
}
