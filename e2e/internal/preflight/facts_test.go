package preflight

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestDefaultClass(t *testing.T) {
	class := func(name string, second int64, isDefault string) storagev1.StorageClass {
		return storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{
			Name: name, CreationTimestamp: metav1.NewTime(time.Unix(second, 0)), Annotations: map[string]string{defaultClass: isDefault},
		}}
	}
	for name, c := range map[string]struct {
		classes []storagev1.StorageClass
		want    string
	}{
		"none":           {},
		"no default":     {classes: []storagev1.StorageClass{class("a", 1, "false")}},
		"one":            {classes: []storagev1.StorageClass{class("a", 1, "true"), class("b", 9, "false")}, want: "a"},
		"the newest":     {classes: []storagev1.StorageClass{class("b", 1, "true"), class("c", 3, "true"), class("a", 2, "true")}, want: "c"},
		"of one age":     {classes: []storagev1.StorageClass{class("b", 3, "true"), class("a", 3, "true"), class("c", 3, "true")}, want: "a"},
		"the older last": {classes: []storagev1.StorageClass{class("b", 3, "true"), class("a", 2, "true")}, want: "b"},
	} {
		got := ""
		if found := DefaultClass(c.classes); found != nil {
			got = found.Name
		}
		if got != c.want {
			t.Errorf("%s: expected %q, found %q", name, c.want, got)
		}
	}
}

func TestNetworkOf(t *testing.T) {
	var sets []appsv1.DaemonSet
	for _, name := range []string{"kube-proxy", "aws-node", "ebs-csi-node", "eks-pod-identity-agent", "cilium"} {
		sets = append(sets, appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Name: name}})
	}
	if got, want := networkOf(sets), "aws-node, cilium"; got != want {
		t.Errorf("expected %q, found %q", want, got)
	}
}

func TestNodesOfSeveralArchitecturesAreNoted(t *testing.T) {
	node := func(system, architecture string) corev1.Node {
		return corev1.Node{Status: corev1.NodeStatus{NodeInfo: corev1.NodeSystemInfo{OperatingSystem: system, Architecture: architecture}}}
	}
	for name, c := range map[string]struct {
		nodes []corev1.Node
		want  bool
	}{
		"one":                {[]corev1.Node{node("linux", "arm64"), node("linux", "arm64")}, false},
		"two":                {[]corev1.Node{node("linux", "arm64"), node("linux", "amd64")}, true},
		"another of Windows": {[]corev1.Node{node("linux", "arm64"), node("windows", "amd64")}, false},
	} {
		notes := mixedArchitectures(c.nodes)
		if (len(notes) == 1) != c.want || c.want && !strings.Contains(notes[0], "amd64 and arm64: images must be made for each") {
			t.Errorf("%s: expected a note %t, found %q", name, c.want, notes)
		}
	}
}

func TestVolumesOfSeveralZonesAreNoted(t *testing.T) {
	node := func(zone string) corev1.Node {
		return corev1.Node{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{corev1.LabelTopologyZone: zone}}}
	}
	class := func(mode storagev1.VolumeBindingMode) *storagev1.StorageClass {
		return &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "disk"}, VolumeBindingMode: &mode}
	}
	several := []corev1.Node{node("a"), node("b"), {}}
	for name, c := range map[string]struct {
		class *storagev1.StorageClass
		nodes []corev1.Node
		want  bool
	}{
		"bound at once":         {class(storagev1.VolumeBindingImmediate), several, true},
		"no mode":               {&storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "disk"}}, several, true},
		"bound for a pod":       {class(storagev1.VolumeBindingWaitForFirstConsumer), several, false},
		"one zone":              {class(storagev1.VolumeBindingImmediate), []corev1.Node{node("a"), node("a"), {}}, false},
		"no class that is seen": {nil, several, false},
	} {
		notes := scatteredVolumes(c.class, c.nodes)
		if (len(notes) == 1) != c.want || c.want && !strings.Contains(notes[0], "StorageClass disk has claims bound as soon as they are made (volumeBindingMode Immediate), and the nodes are in 2 zones") {
			t.Errorf("%s: expected a note %t, found %q", name, c.want, notes)
		}
	}
}

func TestListNodes(t *testing.T) {
	node := func(name, kubelet string) corev1.Node {
		return corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.NodeStatus{NodeInfo: corev1.NodeSystemInfo{KubeletVersion: kubelet, OSImage: "Debian", ContainerRuntimeVersion: "containerd://2"}}}
	}
	few := []corev1.Node{node("a", "v1.37.2"), node("b", "v1.36.3")}
	if got, want := listNodes(few), []string{"a: kubelet v1.37.2, Debian, containerd://2", "b: kubelet v1.36.3, Debian, containerd://2"}; !slices.Equal(got, want) {
		t.Errorf("few nodes: expected each named, %q, found %q", want, got)
	}
	many := []corev1.Node{node("z", "v1.36.3")}
	for i := range 300 {
		many = append(many, node(fmt.Sprint("n", i), "v1.37.2"))
	}
	if got, want := listNodes(many), []string{"300 of 301 nodes: kubelet v1.37.2, Debian, containerd://2", "1 of 301 nodes: kubelet v1.36.3, Debian, containerd://2"}; !slices.Equal(got, want) {
		t.Errorf("many nodes: expected their kinds, %q, found %q", want, got)
	}
}
