package runconfig

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/hero-academy/statefulset-conformance/fixtures"
)

const everyField = `
metadata:
  labels: {team: data}
  annotations: {sidecar.istio.io/inject: "false"}
spec:
  nodeSelector: {pool: db}
  tolerations: [{key: dedicated, operator: Equal, value: db, effect: NoSchedule}]
  priorityClassName: high
  imagePullSecrets: [{name: registry}]
  securityContext: {runAsUser: null, runAsGroup: 7}
  containers:
    - name: main
      resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {cpu: 100m, memory: 64Mi}}
    - {name: nginx, resources: {requests: {cpu: 20m}}}
`

func patch(t *testing.T, text string) PodPatch {
	t.Helper()
	p, err := ParsePodPatch([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// pods returns the pod or the template of each object of all fixtures that has one.
func pods(t *testing.T, s Settings) map[string]corev1.PodTemplateSpec {
	t.Helper()
	out := map[string]corev1.PodTemplateSpec{}
	for _, fixture := range []string{fixtures.DNSClient, fixtures.Set, fixtures.Example, fixtures.Etcd, fixtures.Postgres} {
		objects, err := s.ReadFixture(t.Context(), fixture, "mine")
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objects {
			switch o := o.(type) {
			case *corev1.Pod:
				out[fixture] = corev1.PodTemplateSpec{ObjectMeta: o.ObjectMeta, Spec: o.Spec}
			case *appsv1.StatefulSet:
				out[fixture] = o.Spec.Template
			}
		}
	}
	if len(out) != 5 {
		t.Fatalf("expected five fixtures with pods, found %d", len(out))
	}
	return out
}

func TestPodPatchReachesEveryFixture(t *testing.T) {
	plain := pods(t, Settings{})
	for fixture, pod := range pods(t, Settings{PodPatch: patch(t, everyField)}) {
		was, c := plain[fixture], pod.Spec.Containers[0]
		cpu := map[string]string{"main": "10m", "nginx": "20m", "etcd": "0", "postgres": "0"}[c.Name]
		switch {
		case pod.Labels["team"] != "data", pod.Labels["app"] != was.Labels["app"], pod.Annotations["sidecar.istio.io/inject"] != "false":
			t.Errorf("%s: expected the patch's labels beside the fixture's, found %v and %v", fixture, pod.Labels, pod.Annotations)
		case pod.Spec.NodeSelector["pool"] != "db", pod.Spec.NodeSelector[corev1.LabelOSStable] != "linux", len(pod.Spec.Tolerations) != 1, pod.Spec.PriorityClassName != "high":
			t.Errorf("%s: expected the patch's placement, found %+v", fixture, pod.Spec)
		case len(pod.Spec.Containers) != 1, c.Resources.Requests.Cpu().String() != cpu:
			t.Errorf("%s: expected one container with its own requests, found %+v", fixture, pod.Spec.Containers)
		case pod.Spec.SecurityContext.RunAsUser != nil, *pod.Spec.SecurityContext.RunAsGroup != 7:
			t.Errorf("%s: expected the user to be left to the cluster, found %+v", fixture, pod.Spec.SecurityContext)
		}
		// Nothing else may differ.
		pod.Labels, pod.Annotations, pod.Spec.NodeSelector, pod.Spec.Tolerations = was.Labels, was.Annotations, was.Spec.NodeSelector, was.Spec.Tolerations
		pod.Spec.PriorityClassName, pod.Spec.ImagePullSecrets, pod.Spec.SecurityContext = "", nil, was.Spec.SecurityContext
		pod.Spec.Containers[0].Resources = was.Spec.Containers[0].Resources
		if !reflect.DeepEqual(pod, was) {
			t.Errorf("%s: expected the rest to stay\n%+v\nfound\n%+v", fixture, was, pod)
		}
	}
}

func TestPodPatchMayBeAppliedAgain(t *testing.T) {
	s := Settings{PodPatch: patch(t, everyField)}
	once := pods(t, s)[fixtures.Set]
	twice := &appsv1.StatefulSet{Spec: appsv1.StatefulSetSpec{Template: *once.DeepCopy()}}
	if err := s.Patch(twice); err != nil || !reflect.DeepEqual(once, twice.Spec.Template) {
		t.Errorf("expected no further change, found %v and\n%+v\nafter\n%+v", err, twice.Spec.Template, once)
	}
}

// A patch changes nothing that a check rests on, so that no check passes because of it.
func TestParsePodPatchRejects(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "found nothing",
		"- a":                          "expected an object with metadata and spec of a pod",
		"spec: {}\n---\nspec: {}":      "expected one document",
		"kind: Pod":                    "kind: may not be changed",
		"spec: {nodeSelektor: {a: b}}": "spec.nodeSelektor: may not be changed, since checks rest on it or it is no field of pods",
		"spec: {terminationGracePeriodSeconds: 0}":                          "spec.terminationGracePeriodSeconds: may not",
		"spec: {readinessGates: []}":                                        "spec.readinessGates: may not",
		"spec: {hostname: a}":                                               "spec.hostname: may not",
		"spec: {dnsConfig: {}}":                                             "spec.dnsConfig: may not",
		"spec: {volumes: []}":                                               "spec.volumes: may not",
		"spec: {initContainers: []}":                                        "spec.initContainers: may not",
		"spec: {$patch: replace}":                                           "spec.$patch: may not",
		"spec: null":                                                        "spec: expected an object",
		"spec: {containers: null}":                                          "spec.containers: expected a list",
		"spec: {containers: [{name: main, readinessProbe: {}}]}":            "spec.containers.readinessProbe: may not",
		"spec: {containers: [{name: main, lifecycle: {}}]}":                 "spec.containers.lifecycle: may not",
		"spec: {containers: [{name: main, image: mine}]}":                   "spec.containers.image: may not",
		"spec: {containers: [{name: main, $patch: delete}]}":                "spec.containers.$patch: may not",
		"spec: {containers: [{name: sidecar}]}":                             `found "sidecar": a patch adds, renames and removes none`,
		"spec: {containers: [{resources: {}}]}":                             `found ""`,
		"spec: {containers: [{name: main, resources: {limit: {cpu: 1}}}]}":  `unknown field "limit"`,
		"spec: {containers: [{name: main, resources: {limits: {cpu: x}}}]}": "quantities must match",
		"spec: {tolerations: [{operator: Exists}]}":                         "evictions could not be judged",
		"spec: {tolerations: [{key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute}]}": "evictions could not be judged",
		"metadata: {name: a}":                                      "metadata.name: may not",
		"metadata: {labels: null}":                                 "metadata.labels: expected an object",
		"metadata: {labels: {app: mine}}":                          "app: expected a key that neither the suite nor Kubernetes itself sets",
		"metadata: {labels: {app: null}}":                          "app: expected a key",
		"metadata: {labels: {$patch: replace}}":                    "$patch",
		"metadata: {annotations: {$patch: replace}}":               "$patch",
		"metadata: {labels: {a: not a value}}":                     "not a value",
		"metadata: {annotations: {" + Group + "/template: \"1\"}}": Group + "/template: expected a key",
	} {
		_, err := ParsePodPatch([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: expected an error with %q, found %v", text, want, err)
		}
	}
}

func TestClaimSize(t *testing.T) {
	size := resource.MustParse("1Gi")
	s := Settings{ClaimSize: &size}
	set := example(t, s)
	s.ApplyToClaims(set) // as is done after a spec's own changes
	if got := set.Spec.VolumeClaimTemplates[0].Spec.Resources.Requests.Storage(); got.Cmp(resource.MustParse("1072Mi")) != 0 {
		t.Errorf("expected the run's size, and the 48Mi that the example asks for beside the smallest claim, found %s", got)
	}
	claim := func(size string) *corev1.PersistentVolumeClaim {
		return &corev1.PersistentVolumeClaim{Spec: corev1.PersistentVolumeClaimSpec{Resources: corev1.VolumeResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(size)},
		}}}
	}
	for request, want := range map[string]string{SmallestClaim: "1Gi", "32Mi": "1040Mi", "2Gi": "2Gi"} {
		c := claim(request)
		s.ApplyToClaims(c)
		if got := c.Spec.Resources.Requests.Storage(); got.Cmp(resource.MustParse(want)) != 0 {
			t.Errorf("%s: expected %s, found %s", request, want, got)
		}
	}
}

func TestNamespaceMeta(t *testing.T) {
	labels, err := ParseNamespaceLabels("team=data,istio-injection=disabled")
	if err != nil {
		t.Fatal(err)
	}
	annotations, err := ParseNamespaceAnnotations("field.cattle.io/projectId=c-1:p-2")
	if err != nil {
		t.Fatal(err)
	}
	meta := Settings{Run: "r", NamespaceLabels: labels, NamespaceAnnotations: annotations}.NamespaceMeta("restricted")
	if meta.Labels["team"] != "data" || meta.Labels["istio-injection"] != "disabled" || meta.Labels[PodSecurityLabel] != "restricted" || meta.Labels[RunLabel] != "r" {
		t.Errorf("expected a person's labels beside the suite's, found %v", meta.Labels)
	}
	if meta.Annotations["field.cattle.io/projectId"] != "c-1:p-2" || meta.Annotations[LastsAnnotation] == "" {
		t.Errorf("expected a person's annotations beside the suite's, found %v", meta.Annotations)
	}
	for _, text := range []string{"a", "=b", "a=1,a=2", "a=not valid", PodSecurityLabel + "=privileged", ManagedByLabel + "=me", RunLabel + "=r"} {
		if _, err := ParseNamespaceLabels(text); err == nil {
			t.Errorf("%s: expected it to be rejected", text)
		}
	}
	if _, err := ParseNamespaceAnnotations(IDAnnotation + "=x"); err == nil {
		t.Error("expected the suite's own annotation to be rejected")
	}
}

func TestReadPullSecret(t *testing.T) {
	for text, want := range map[string]string{
		`{"auths": {"registry": {"auth": "c2VjcmV0"}}}`:    "",
		`{"auths": {"registry": {}}, "credsStore": "sec"}`: "a credential helper keeps them elsewhere",
		`{"auths": "SECRET"`:                               "expected JSON as docker login writes it",
	} {
		file := filepath.Join(t.TempDir(), "config.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := ReadPullSecret(file)
		if (err == nil) != (want == "") || (err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "SECRET"))) {
			t.Errorf("%s: expected %q and nothing of the file, found %v", text, want, err)
		}
	}
}

func TestRightsOfAPullSecret(t *testing.T) {
	for file, want := range map[string]bool{"": false, "/config.json": true} {
		found := false
		for _, r := range (Settings{PullSecret: file}).Rights() {
			found = found || r.Resource == "secrets"
		}
		if found != want {
			t.Errorf("pull secret %q: expected the right to make secrets %t, found %t", file, want, found)
		}
	}
}
