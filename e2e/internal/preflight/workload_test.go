package preflight

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// TestImageOfTheDatabase: wherever a run has a database, its image is the one that the cluster itself runs.
func TestImageOfTheDatabase(t *testing.T) {
	const own = "registry.k8s.io/etcd:3.6.8-0"
	client := fake.NewClientset(&corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "etcd", Namespace: metav1.NamespaceSystem, Labels: map[string]string{"component": "etcd"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "etcd", Image: own}}},
	})
	for _, c := range []struct {
		name     string
		settings runconfig.Settings
		want     string
	}{
		{"extended", runconfig.Settings{Level: contract.Extended}, ""},
		{"workload", runconfig.Settings{Level: contract.Workload}, own},
		{"disruptive, on a cluster that may be disrupted", runconfig.Settings{Level: contract.Disruptive, Kind: &runconfig.Kind{}}, own},
		{"disruptive, elsewhere", runconfig.Settings{Level: contract.Disruptive}, ""},
		{"one that is named", runconfig.Settings{Level: contract.Workload, Images: runconfig.Images{Etcd: "mirror/etcd:3"}}, "mirror/etcd:3"},
	} {
		var f Findings
		findWorkload(t.Context(), client, c.settings, &f)
		if f.Facts.EtcdImage != c.want {
			t.Errorf("%s: expected %q, found %q", c.name, c.want, f.Facts.EtcdImage)
		}
	}
}
