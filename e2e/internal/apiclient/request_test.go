package apiclient

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/rbac"
)

func TestAttributesOf(t *testing.T) {
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
		{"PATCH", "/api/v1/namespaces/n/status", "patch namespaces/status"},
		{"PUT", "/api/v1/namespaces/n/finalize", "update namespaces/finalize"},
		{"GET", "/api/v1/namespaces/n/statuses", "list statuses"},
		{"GET", "/api/v1/namespaces/n/pods/p?watch=true", "get pods"},
		{"GET", "/api/v1/pods?watch", "watch pods"},
		{"GET", "/api/v1/pods?watch=0", "list pods"},
		{"GET", "/api/v1/pods?watch=False", "list pods"},
		{"HEAD", "/api/v1/namespaces/n/pods/p", "get pods"},
		{"PUT", "/apis/apps/v1/namespaces/n/statefulsets/s/scale", "update statefulsets/scale.apps"},
		{"DELETE", "/apis/apps/v1/namespaces/n/statefulsets?labelSelector=a", "deletecollection statefulsets.apps"},
		{"GET", "/apis/storage.k8s.io/v1/storageclasses", "list storageclasses.storage.k8s.io"},
		{"GET", "/version", ""},
		{"GET", "/api/v1", ""},
		{"GET", "/apis/apps/v1", ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, "https://server/behind/a/proxy"+c.url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		a, _, ok := attributesOf(req, "/behind/a/proxy")
		got := ""
		if ok {
			got = a.Verb + " " + rbac.Right{Group: a.Group, Resource: a.Resource}.Name()
		}
		if got != c.want {
			t.Errorf("%s %s: expected %q, found %q", c.method, c.url, c.want, got)
		}
	}
}

func TestRestrict(t *testing.T) {
	sent := 0
	client := http.Client{Transport: Restrict("https://server/behind/a/proxy", rbac.All())(roundTripper(func(*http.Request) (*http.Response, error) {
		sent++
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(""))}, nil
	}))}
	send := func(path string) error {
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
	if err := send("/api/v1/namespaces/mine/pods/p"); err != nil || sent != 1 {
		t.Errorf("expected a covered request to be sent, found %v", err)
	}
	if err := send("/api/v1/nodes/n"); err == nil || sent != 1 || !strings.Contains(err.Error(), "lacks delete of nodes") {
		t.Errorf("expected a request beyond the list to fail unsent, found %v", err)
	}
	get := func(path string) error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://server/behind/a/proxy/api/v1/namespaces/"+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(req)
		if err == nil {
			_ = answer.Body.Close()
		}
		return err
	}
	if err := get("kube-system/configmaps/coredns"); err != nil {
		t.Errorf("expected a covered name to be sent, found %v", err)
	}
	for _, path := range []string{"kube-system/configmaps/other", "mine/configmaps/coredns"} {
		if err := get(path); err == nil {
			t.Errorf("expected %s to fail unsent, found it was sent", path)
		}
	}
}
