package rbac_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/rbac"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

//nolint:gochecknoglobals // A flag of the test.
var update = flag.Bool("update", false, "write the manifests e2e/deploy/rbac*.yaml")

// manifests are the files that grant rights, each with its generator and the rights that it must grant.
func manifests() map[string]struct {
	text func() (string, error)
	list []rbac.Right
} {
	return map[string]struct {
		text func() (string, error)
		list []rbac.Right
	}{
		"rbac.yaml":              {rbac.Manifest, rbac.All()},
		"rbac-namespaced.yaml":   {rbac.NamespacedManifest, rbac.Namespaced()},
		"rbac-record.yaml":       {rbac.RecordManifest, slices.DeleteFunc(rbac.Record(), func(r rbac.Right) bool { return r.ClusterScope })},
		"rbac-record-nodes.yaml": {rbac.RecordNodesManifest, slices.DeleteFunc(rbac.Record(), func(r rbac.Right) bool { return !r.ClusterScope })},
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
							granted[key(g, r, v, role.Namespace, rule.ResourceNames)] = true
						}
					}
				}
			}
		}
		for _, r := range want.list {
			for _, v := range r.Verbs {
				key := key(r.Group, r.Resource, v, r.Namespace, r.Names)
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

func key(group, resource, verb, namespace string, names []string) string {
	return strings.Join(append([]string{group, resource, verb, "in", namespace}, names...), " ")
}

// The policy confines the account to the namespaces that the suite creates, and only to those.
func TestPolicyNamesTheAccountAndTheLabels(t *testing.T) {
	text, err := rbac.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	for doc := range strings.SplitSeq(text, "\n---\n") {
		if !strings.Contains(doc, "kind: ValidatingAdmissionPolicy\n") {
			continue
		}
		var policy admissionv1.ValidatingAdmissionPolicy
		if err := yaml.UnmarshalStrict([]byte(doc), &policy); err != nil {
			t.Fatal(err)
		}
		if c := policy.Spec.MatchConditions; len(c) != 1 || c[0].Expression != "request.userInfo.username == '"+rbac.UserName+"'" {
			t.Errorf("expected the policy to apply to %s alone, found %+v", rbac.UserName, c)
		}
		for i, want := range []string{
			"variables.labels['" + runconfig.ManagedByLabel + "'] == '" + runconfig.ManagedBy + "'", "'" + runconfig.PodSecurityLabel + "' in variables.labels",
		} {
			if have := policy.Spec.Validations[i].Expression; !strings.Contains(have, want) {
				t.Errorf("expected %q in %s", want, have)
			}
		}
		return
	}
	t.Error("expected a ValidatingAdmissionPolicy, found none")
}

// Restricted rights are not granted elsewhere, or on other objects.
func TestAllowsInNamespaceAndByName(t *testing.T) {
	for _, c := range []struct {
		resource, verb, namespace, name string
		want                            bool
	}{
		{"configmaps", "get", "kube-system", "coredns", true},
		{"configmaps", "get", "kube-system", "extension-apiserver-authentication", false},
		{"configmaps", "get", "mine", "coredns", false},
		{"configmaps", "create", "mine", "", true},
	} {
		if got := slices.ContainsFunc(rbac.All(), func(r rbac.Right) bool { return r.Allows("", c.resource, c.verb, c.namespace, c.name) }); got != c.want {
			t.Errorf("%+v: found %t", c, got)
		}
	}
}

// The account of a certification must not be able to disrupt a cluster.
func TestNoManifestGrantsDisruptiveWrites(t *testing.T) {
	writes := 0
	for _, r := range rbac.Disruptive() {
		for _, verb := range r.Verbs {
			if verb == "get" || verb == "list" || verb == "watch" {
				continue
			}
			writes++
			if slices.ContainsFunc(rbac.All(), func(a rbac.Right) bool { return a.Covers(r.Group, r.Resource, verb) }) {
				t.Errorf("%s of %s is granted to every account, though only the level disruptive needs it", verb, r.Name())
			}
		}
	}
	if writes == 0 {
		t.Error("expected the level disruptive to need writes, found none")
	}
}

// What records a namespace of somebody else's must not be able to change it.
func TestRecordingOnlyReads(t *testing.T) {
	for _, r := range rbac.Record() {
		for _, verb := range r.Verbs {
			if verb != "list" && verb != "watch" {
				t.Errorf("%s of %s changes something, or reads what no recording has", verb, r.Name())
			}
		}
	}
}

// What a diagnosis reads when a spec fails, the account may read: else the one who reads that diagnosis is told to mend the suite.
func TestRightsOfADiagnosis(t *testing.T) {
	files, err := filepath.Glob("../diagnose/capture/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var read []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`\.note\("([a-z]+)"`).FindAllStringSubmatch(string(text), -1) {
			read = append(read, found[1])
		}
	}
	if len(read) < 10 {
		t.Fatalf("expected the resources that a diagnosis reads, found %v", read)
	}
	for _, resource := range read {
		if !slices.ContainsFunc(rbac.All(), func(r rbac.Right) bool { return r.Resource == resource && slices.Contains(r.Verbs, "list") }) {
			t.Errorf("expected a right to list %s, which a diagnosis reads", resource)
		}
	}
}
