package rbac

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
)

//nolint:gochecknoglobals // A flag of the test.
var update = flag.Bool("update", false, "write e2e/deploy/rbac.yaml and rbac-namespaced.yaml")

// manifests are the files that grant rights, each with its generator and the rights that it must grant.
func manifests() map[string]struct {
	text func() (string, error)
	list []Right
} {
	return map[string]struct {
		text func() (string, error)
		list []Right
	}{
		"rbac.yaml":            {Manifest, All()},
		"rbac-namespaced.yaml": {NamespacedManifest, Namespaced()},
	}
}

const folder = "../../../e2e/deploy/"

func TestManifestIsUpToDate(t *testing.T) {
	for file, want := range manifests() {
		text, err := want.text()
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(folder+file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		have, err := os.ReadFile(folder + file)
		if err != nil || string(have) != text {
			t.Fatalf("e2e/deploy/%s differs from the list of rights (%v): run `make rbac`", file, err)
		}
	}
}

// The files are read as the API server reads them, not compared as text.
func TestManifestGrantsExactlyTheList(t *testing.T) {
	for file, want := range manifests() {
		data, err := os.ReadFile(folder + file)
		if err != nil {
			t.Fatal(err)
		}
		granted := map[string]bool{}
		for doc := range strings.SplitSeq(string(data), "\n---\n") {
			var role rbacv1.ClusterRole
			if !strings.Contains(doc, "Role\nmetadata") {
				continue
			}
			if err := yaml.UnmarshalStrict([]byte(doc), &role); err != nil {
				t.Fatalf("%s: %v in\n%s", file, err, doc)
			}
			for _, rule := range role.Rules {
				for _, g := range rule.APIGroups {
					for _, r := range rule.Resources {
						for _, v := range rule.Verbs {
							granted[g+" "+r+" "+v] = true
						}
					}
				}
			}
		}
		for _, r := range want.list {
			for _, v := range r.Verbs {
				key := r.Group + " " + r.Resource + " " + v
				if !granted[key] {
					t.Errorf("%s: not granted, or listed twice: %s", file, key)
				}
				delete(granted, key)
			}
		}
		for key := range granted {
			t.Errorf("%s: granted beyond the list: %s", file, key)
		}
	}
}

// The account of a certification must not be able to disrupt a cluster.
func TestNoManifestGrantsDisruptiveWrites(t *testing.T) {
	for _, r := range Disruptive() {
		for _, verb := range r.Verbs {
			if verb != "get" && verb != "list" && verb != "watch" && slices.ContainsFunc(All(), func(a Right) bool { return a.Allows(r.Group, r.Resource, verb) }) {
				t.Errorf("%s of %s is granted to every account, though only the level disruptive needs it", verb, r.Name())
			}
		}
	}
}
