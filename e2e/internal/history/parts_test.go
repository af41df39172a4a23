package history

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// richPod has a field of each kind that partsOf tells apart.
func richPod() *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Finalizers: []string{"example.com/kept"}},
		Spec: corev1.PodSpec{
			NodeSelector: map[string]string{"disk": "ssd"},
			Containers: []corev1.Container{{
				Name: "main", Image: "image:1", ImagePullPolicy: corev1.PullAlways, Command: []string{"sh", "-c", "secret"},
				Env:   []corev1.EnvVar{{Name: "PASSWORD", Value: "secret"}},
				Ports: []corev1.ContainerPort{{ContainerPort: 80, Protocol: corev1.ProtocolTCP}, {Name: "web", ContainerPort: 81}},
				Resources: corev1.ResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1m")}, Limits: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")},
				},
				LivenessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Host: "10.0.0.1"}}},
			}},
			Tolerations: []corev1.Toleration{{Key: "dedicated", Operator: corev1.TolerationOpExists}, {Operator: corev1.TolerationOpExists}},
			HostAliases: []corev1.HostAlias{{IP: "10.0.0.1", Hostnames: []string{"secret"}}},
			Volumes:     []corev1.Volume{{Name: "scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}},
		},
	}
}

func partsOfPod(p *corev1.Pod) string { return podOf(p).Template.Parts }

func TestPartsAreTheFieldsThatAreSetWithoutTheirValues(t *testing.T) {
	want := []string{
		"containers[main].command", "containers[main].env[PASSWORD].name", "containers[main].env[PASSWORD].value", "containers[main].image", "containers[main].livenessProbe",
		"containers[main].name", "containers[main].ports[80].containerPort", "containers[main].ports[web].containerPort", "containers[main].ports[web].name",
		"containers[main].resources.requests.cpu", "finalizers[example.com/kept]", "hostAliases", "nodeSelector.disk", "tolerations", "tolerations[dedicated].key",
		"tolerations[dedicated].operator", "volumes[scratch].name",
	}
	if diff := cmp.Diff(want, strings.Split(partsOfPod(richPod()), partSeparator)); diff != "" {
		t.Error(diff)
	}
}

// What is taken from a pod is told, whatever it is; what an admission policy adds or rewrites is not.
func TestLost(t *testing.T) {
	template := partsOfPod(richPod())
	main := func(p *corev1.Pod) *corev1.Container { return &p.Spec.Containers[0] }
	for _, tt := range []struct {
		name   string
		change func(*corev1.Pod)
		want   []string
	}{
		{"nothing", func(*corev1.Pod) {}, nil},
		{"requests", func(p *corev1.Pod) { main(p).Resources.Requests = nil }, []string{"containers[main].resources.requests.cpu"}},
		{"limits", func(p *corev1.Pod) { main(p).Resources.Limits = nil }, nil},
		{"a port", func(p *corev1.Pod) { main(p).Ports = main(p).Ports[1:] }, []string{"containers[main].ports[80].containerPort"}},
		{"a probe", func(p *corev1.Pod) { main(p).LivenessProbe = nil }, []string{"containers[main].livenessProbe"}},
		{"a rewritten probe", func(p *corev1.Pod) { main(p).LivenessProbe.ProbeHandler = corev1.ProbeHandler{} }, nil},
		{"a toleration", func(p *corev1.Pod) { p.Spec.Tolerations = p.Spec.Tolerations[1:] }, []string{"tolerations[dedicated].key", "tolerations[dedicated].operator"}},
		{"a node selector", func(p *corev1.Pod) { p.Spec.NodeSelector = nil }, []string{"nodeSelector.disk"}},
		{"a finalizer", func(p *corev1.Pod) { p.Finalizers = nil }, []string{"finalizers[example.com/kept]"}},
		{"a volume's name", func(p *corev1.Pod) { p.Spec.Volumes[0].Name = "other" }, []string{"volumes[scratch].name"}},
		{"rewritten values", func(p *corev1.Pod) { main(p).Image, main(p).Command = "mirror/image:1", []string{"wrapper"} }, nil},
		{"a container before it", func(p *corev1.Pod) {
			p.Spec.Containers = append([]corev1.Container{{Name: "a-proxy"}}, p.Spec.Containers...)
		}, nil},
	} {
		p := richPod()
		tt.change(p)
		if diff := cmp.Diff(tt.want, Lost(template, partsOfPod(p)), cmp.Transformer("", func(s []string) string { return strings.Join(s, " ") })); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func TestPartsOfAClaim(t *testing.T) {
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{Prefix + "template": "data", "example.com/password": "secret"}},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"disk": "ssd"}},
			DataSource: &corev1.TypedLocalObjectReference{Kind: "PersistentVolumeClaim", Name: "source"},
		},
	}
	want := []string{"accessModes", "annotations[" + Prefix + "template]: data", "dataSource.kind", "dataSource.name", "selector.matchLabels.disk"}
	if diff := cmp.Diff(want, strings.Split(requestOf(&claim.ObjectMeta, &claim.Spec).Parts, partSeparator)); diff != "" {
		t.Error(diff)
	}
}

// A claim of no class is lost to the default one, whose name the API server fills in.
func TestClaimOfNoClass(t *testing.T) {
	of := func(class *string) string {
		return requestOf(&metav1.ObjectMeta{}, &corev1.PersistentVolumeClaimSpec{StorageClassName: class}).Parts
	}
	for _, tt := range []struct {
		template, claim *string
		lost            []string
	}{
		{new(""), new("standard"), []string{"storageClassName: none"}},
		{new(""), nil, []string{"storageClassName", "storageClassName: none"}},
		{new(""), new(""), nil},
		{nil, new("standard"), nil},
	} {
		if got := Lost(of(tt.template), of(tt.claim)); strings.Join(got, " ") != strings.Join(tt.lost, " ") {
			t.Errorf("template %q, claim %q: expected to be lost %q, found %q", of(tt.template), of(tt.claim), tt.lost, got)
		}
	}
}
