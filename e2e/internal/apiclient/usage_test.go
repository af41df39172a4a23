package apiclient

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/rbac"
)

// use sends requests, each a method and a path, through the recording transport.
func use(t *testing.T, u *Usage, requests ...string) {
	t.Helper()
	client := http.Client{Transport: u.Record("https://server/behind/a/proxy")(roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(""))}, nil
	}))}
	for _, r := range requests {
		method, path, _ := strings.Cut(r, " ")
		req, err := http.NewRequestWithContext(t.Context(), method, "https://server/behind/a/proxy"+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
	}
}

func TestUnusedRights(t *testing.T) {
	granted := []rbac.Right{
		{Resource: "pods", Verbs: []string{"delete", "list", "watch"}},
		{Resource: "pods/exec", Verbs: []string{"create"}},
		{Group: "apps", Resource: "statefulsets", Verbs: []string{"get", "update"}},
		{Resource: "events", Verbs: []string{"list"}, ForReport: true},
	}
	for name, c := range map[string]struct {
		first, second []string // of two processes
		want          []string
	}{
		"nothing": {nil, nil, []string{"pods delete,list,watch", "pods/exec create", "statefulsets.apps get,update"}},
		"all": {
			[]string{"DELETE /api/v1/namespaces/n/pods/p", "GET /api/v1/namespaces/n/pods?watch=true", "GET /apis/apps/v1/namespaces/n/statefulsets/s"},
			[]string{"GET /api/v1/namespaces/n/pods", "POST /api/v1/namespaces/n/pods/p/exec", "PUT /apis/apps/v1/namespaces/n/statefulsets/s", "GET /version"},
			nil,
		},
		"all but two verbs":                  {[]string{"GET /api/v1/pods", "GET /api/v1/pods?watch=1", "POST /api/v1/namespaces/n/pods/p/exec"}, []string{"PUT /apis/apps/v1/namespaces/n/statefulsets/s"}, []string{"pods delete", "statefulsets.apps get"}},
		"list counts as used with watch":     {[]string{"GET /api/v1/pods?watch=1"}, nil, []string{"pods delete", "pods/exec create", "statefulsets.apps get,update"}},
		"exec is used by either verb":        {[]string{"GET /api/v1/namespaces/n/pods/p/exec"}, nil, []string{"pods delete,list,watch", "statefulsets.apps get,update"}},
		"a subresource is not its resource":  {[]string{"GET /apis/apps/v1/namespaces/n/statefulsets/s/scale", "PUT /apis/apps/v1/namespaces/n/statefulsets/s/scale"}, nil, []string{"pods delete,list,watch", "pods/exec create", "statefulsets.apps get,update"}},
		"the same resource of another group": {[]string{"GET /apis/other/v1/namespaces/n/statefulsets/s", "DELETE /apis/other/v1/namespaces/n/pods/p"}, nil, []string{"pods delete,list,watch", "pods/exec create", "statefulsets.apps get,update"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for i, requests := range [][]string{c.first, c.second} {
				var u Usage
				use(t, &u, requests...)
				if err := u.Save(dir, fmt.Sprintf("process-%d", i)); err != nil {
					t.Fatal(err)
				}
			}
			used, err := LoadUsage(dir)
			if err != nil {
				t.Fatal(err)
			}
			var found []string
			for _, r := range Unused(granted, used) {
				found = append(found, r.Name()+" "+strings.Join(r.Verbs, ","))
			}
			if !slices.Equal(found, c.want) {
				t.Errorf("expected %q unused, found %q", c.want, found)
			}
		})
	}
	if len(granted[0].Verbs) != 3 || granted[0].Verbs[0] != "delete" {
		t.Errorf("expected the list of rights to be unchanged, found %v", granted[0])
	}
}

func TestLoadUsageOfNoProcess(t *testing.T) {
	if used, err := LoadUsage(t.TempDir()); err == nil {
		t.Errorf("expected an error without a file, found %v", used)
	}
}
