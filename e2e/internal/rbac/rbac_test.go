package rbac

import (
	"flag"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
)

//nolint:gochecknoglobals // A flag of the test.
var update = flag.Bool("update", false, "write e2e/deploy/rbac.yaml and rbac-namespaced.yaml")

// manifests are the files that grant rights, each with its text and the list that it must grant.
func manifests() map[string]struct {
	text string
	list []Right
} {
	return map[string]struct {
		text string
		list []Right
	}{
		"rbac.yaml":            {Manifest(), All()},
		"rbac-namespaced.yaml": {NamespacedManifest(), Namespaced()},
	}
}

const folder = "../../../e2e/deploy/"

func TestManifestIsUpToDate(t *testing.T) {
	for file, want := range manifests() {
		if *update {
			if err := os.WriteFile(folder+file, []byte(want.text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		have, err := os.ReadFile(folder + file)
		if err != nil || string(have) != want.text {
			t.Fatalf("e2e/deploy/%s differs from the list of rights (%v): run `make rbac`", file, err)
		}
	}
}

// What the API server would read out of the files is held against the lists, not only the text that was made of them.
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

func TestOf(t *testing.T) {
	for _, c := range []struct{ method, url, want string }{
		{"GET", "/api/v1/namespaces/n/pods", "list pods"},
		{"GET", "/api/v1/namespaces/n/pods?watch=true&resourceVersion=1", "watch pods"},
		{"GET", "/api/v1/namespaces/n/pods/p", "get pods"},
		{"GET", "/api/v1/namespaces/n/pods/p/log?container=c", "get pods/log"},
		{"PATCH", "/api/v1/namespaces/n/pods/p/status", "patch pods/status"},
		{"POST", "/api/v1/namespaces/n/pods/p/exec?command=a", "create pods/exec"},
		{"POST", "/api/v1/namespaces", "create namespaces"},
		{"DELETE", "/api/v1/namespaces/n", "delete namespaces"},
		{"GET", "/api/v1/namespaces?watch=1", "watch namespaces"},
		{"PUT", "/apis/apps/v1/namespaces/n/statefulsets/s/scale", "update statefulsets/scale.apps"},
		{"DELETE", "/apis/apps/v1/namespaces/n/statefulsets?labelSelector=a", "deletecollection statefulsets.apps"},
		{"GET", "/apis/storage.k8s.io/v1/storageclasses", "list storageclasses.storage.k8s.io"},
		{"GET", "/version", ""},
		{"GET", "/api/v1", ""},
		{"GET", "/apis/apps/v1", ""},
	} {
		u, err := url.Parse(c.url)
		if err != nil {
			t.Fatal(err)
		}
		group, resource, verb, ok := Of(c.method, u.Path, u.Query())
		got := ""
		if ok {
			got = verb + " " + Right{Group: group, Resource: resource}.Name()
		}
		if got != c.want {
			t.Errorf("%s %s: expected %q, found %q", c.method, c.url, c.want, got)
		}
	}
}

func TestGuard(t *testing.T) {
	sent := 0
	client := http.Client{Transport: Guard("https://server/behind/a/proxy", All())(transport(func(*http.Request) (*http.Response, error) {
		sent++
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(""))}, nil
	}))}
	ask := func(path string) error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, "https://server/behind/a/proxy"+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(req)
		if err == nil {
			_ = answer.Body.Close()
		}
		return err
	}
	if err := ask("/api/v1/namespaces/mine/pods/p"); err != nil || sent != 1 {
		t.Errorf("expected a covered request to be sent, found %v", err)
	}
	if err := ask("/api/v1/nodes/n"); err == nil || sent != 1 || !strings.Contains(err.Error(), "lacks delete of nodes") {
		t.Errorf("expected a request beyond the list to fail unsent, found %v", err)
	}
}

// An account for a certification must not get the rights of a level that is not for its cluster.
func TestNoManifestGrantsWhatHurts(t *testing.T) {
	for _, r := range Disruptive() {
		for _, verb := range r.Verbs {
			if verb != "get" && verb != "list" && verb != "watch" && allowed(All(), r.Group, r.Resource, verb) {
				t.Errorf("%s of %s is granted to every account, though only the level disruptive needs it", verb, r.Name())
			}
		}
	}
}
