package runconfig

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/fixtures"
)

func example(t *testing.T, s Settings) *appsv1.StatefulSet {
	t.Helper()
	objects, err := s.ReadFixture(t.Context(), fixtures.Example, "mine")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		if set, ok := o.(*appsv1.StatefulSet); ok {
			return set
		}
	}
	t.Fatal("the example holds no set")
	return nil
}

func TestReadFixtureAppliesTheSettings(t *testing.T) {
	s := Settings{StorageClass: "fast", Images: Images{Nginx: "mirror/nginx:1", Busybox: "mirror/busybox:1"}}
	set := example(t, s)
	if image := set.Spec.Template.Spec.Containers[0].Image; image != "mirror/nginx:1" {
		t.Errorf("expected the run's image, found %s", image)
	}
	if class := set.Spec.VolumeClaimTemplates[0].Spec.StorageClassName; class == nil || *class != "fast" {
		t.Errorf("expected the run's storage class, found %v", class)
	}
	if set.Namespace != "mine" {
		t.Errorf("expected namespace mine, found %s", set.Namespace)
	}
}

// In a namespace of NAMESPACES, only labels say what the run may remove.
func TestLabelsOnSetPodsAndClaims(t *testing.T) {
	s := Settings{Run: "r1", Namespaces: []string{"mine"}}
	set := example(t, s)
	// As specs do that give pods the labels of a selector.
	set.Spec.Template.Labels = set.Spec.Selector.MatchLabels
	s.Label(set)
	for what, labels := range map[string]map[string]string{
		"set": set.Labels, "pods": set.Spec.Template.Labels, "claims": set.Spec.VolumeClaimTemplates[0].Labels,
	} {
		if labels[RunLabel] != "r1" || labels[ManagedByLabel] != ManagedBy {
			t.Errorf("expected the %s to carry the run's labels, found %v", what, labels)
		}
	}
	if len(set.Spec.Selector.MatchLabels) != 1 {
		t.Errorf("expected the selector to stay as it was, found %v", set.Spec.Selector.MatchLabels)
	}
}

func TestNoLabelsInANamespaceOfTheRun(t *testing.T) {
	set := example(t, Settings{})
	Settings{Run: "r1"}.Label(set)
	if set.Labels[RunLabel] != "" || set.Spec.Template.Labels[RunLabel] != "" {
		t.Errorf("expected the fixture's own labels, found %v and %v", set.Labels, set.Spec.Template.Labels)
	}
}

func TestEtcdFixture(t *testing.T) {
	const own, public = "registry.k8s.io/etcd:3.6.8-0", "registry.k8s.io/etcd:3.7.0-0"
	for want, s := range map[string]Settings{
		"mirror/etcd:3": {Images: Images{Etcd: "mirror/etcd:3"}, Facts: Facts{EtcdImage: own}},
		own:             {Facts: Facts{EtcdImage: own}},
		public:          {},
	} {
		objects, err := s.ReadFixture(t.Context(), fixtures.Etcd, "mine")
		if err != nil {
			t.Fatal(err)
		}
		if len(objects) != 3 {
			t.Fatalf("expected a service, a budget and a set, found %d objects", len(objects))
		}
		set, is := objects[2].(*appsv1.StatefulSet)
		if !is {
			t.Fatalf("expected a set, found %T", objects[2])
		}
		c := set.Spec.Template.Spec.Containers[0]
		if c.Image != want {
			t.Errorf("expected the image %s, found %s", want, c.Image)
		}
		if len(c.Command) != 1 || c.Command[0] != "etcd" || c.ReadinessProbe.HTTPGet == nil {
			t.Errorf("expected etcd to be run, and asked, without a shell, found %v and %+v", c.Command, c.ReadinessProbe)
		}
	}
}

func TestPostgresFixture(t *testing.T) {
	for want, s := range map[string]Settings{"mirror/postgres:17": {Images: Images{Postgres: "mirror/postgres:17"}}, "docker.io/library/postgres:17-alpine": {}} {
		objects, err := s.ReadFixture(t.Context(), fixtures.Postgres, "mine")
		if err != nil {
			t.Fatal(err)
		}
		set, is := objects[len(objects)-1].(*appsv1.StatefulSet)
		if !is || set.Spec.Template.Spec.Containers[0].Image != want {
			t.Fatalf("expected a set with the image %s, found %T", want, objects[len(objects)-1])
		}
		// Nobody answers at the address of a primary that was replaced.
		c := set.Spec.Template.Spec.Containers[0]
		i := slices.IndexFunc(c.Env, func(v corev1.EnvVar) bool { return v.Name == "PRIMARY" })
		if i < 0 || !strings.Contains(c.Env[i].Value, " tcp_user_timeout=") || !slices.Contains(c.Args, "--primary-conninfo=$(PRIMARY)") || !strings.Contains(c.Command[2], `-d "$PRIMARY"`) {
			t.Errorf("expected the replica to give up soon where nobody answers, found %v", c.Env)
		}
	}
}

func TestRightsOfTheLevelWorkload(t *testing.T) {
	for level, want := range map[contract.Level]bool{contract.Core: false, contract.Extended: false, contract.Workload: true} {
		found := false
		for _, r := range (Settings{Level: level}).Rights() {
			found = found || r.Resource == "pods/portforward"
		}
		if found != want {
			t.Errorf("%s: expected the right to forward ports %t, found %t", level, want, found)
		}
	}
}
