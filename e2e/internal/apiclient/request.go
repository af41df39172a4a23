package apiclient

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/rbac"
)

// Attributes are what an API server's authorizer decides a request by, without its namespace and name.
type Attributes struct {
	Group    string `json:"group,omitempty"`
	Resource string `json:"resource"` // a subresource follows a slash
	Verb     string `json:"verb"`
}

// target is the namespace and the name that a request is for, each empty if it is for no one in particular.
type target struct{ namespace, name string }

// attributesOf finds the attributes of a request as k8s.io/apiserver's RequestInfoFactory does; that module alone would be larger than the
// suite. base is the path that precedes the API server's own. ok is false for what is no resource, such as /version.
func attributesOf(req *http.Request, base string) (a Attributes, at target, ok bool) {
	parts := strings.Split(strings.Trim(strings.TrimPrefix(req.URL.Path, base), "/"), "/")
	switch {
	case len(parts) >= 3 && parts[0] == "api":
		parts = parts[2:]
	case len(parts) >= 4 && parts[0] == "apis":
		a.Group, parts = parts[1], parts[3:]
	default:
		return Attributes{}, target{}, false
	}
	// A namespace has two subresources of its own; any other third part is a resource in it.
	if parts[0] == "namespaces" && len(parts) > 2 && !slices.Contains([]string{"status", "finalize"}, parts[2]) {
		at.namespace, parts = parts[1], parts[2:]
	}
	a.Resource = parts[0]
	if len(parts) > 1 {
		at.name = parts[1]
	}
	if len(parts) > 2 {
		a.Resource += "/" + parts[2]
	}
	a.Verb = verbOf(req.Method, len(parts) > 1, req.URL.Query())
	return a, at, true
}

// isStream reports whether requests for a subresource become connections, by WebSocket with GET or by SPDY with POST.
func isStream(resource string) bool { return resource == "pods/exec" || resource == "pods/portforward" }

func verbOf(method string, named bool, query url.Values) string {
	switch {
	case method == http.MethodPost:
		return "create"
	case method == http.MethodPut:
		return "update"
	case method == http.MethodPatch:
		return "patch"
	case method == http.MethodDelete && named:
		return "delete"
	case method == http.MethodDelete:
		return "deletecollection"
	case named:
		return "get" // with watch=true too
	case query.Has("watch") && !slices.Contains([]string{"false", "0"}, strings.ToLower(query.Get("watch"))):
		return "watch"
	}
	return "list"
}

// basePath returns the path that precedes an API server's own where it is behind a proxy. host is its address as in rest.Config.
func basePath(host string) string {
	u, err := url.Parse(host)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(u.Path, "/")
}

// Restrict returns a wrapper of transports that fails requests which no right covers: an administrator may do anything, so without it a
// right that is missing would be found only by a run whose account has no others. host is the API server's address.
func Restrict(host string, rights []rbac.Right) func(http.RoundTripper) http.RoundTripper {
	base := basePath(host)
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			a, at, ok := attributesOf(req, base)
			if !ok || slices.ContainsFunc(rights, func(r rbac.Right) bool { return r.Allows(a.Group, a.Resource, a.Verb, at.namespace, at.name) }) {
				return next.RoundTrip(req)
			}
			return nil, &notCoveredError{a}
		})
	}
}

// notCoveredError is the error of a request that no right covers, and that was not sent.
type notCoveredError struct{ Attributes }

func (e *notCoveredError) Error() string {
	return fmt.Sprintf("the suite's list of rights lacks %s of %s: add it to rbac.All and run `make rbac`, or to rbac.Disruptive",
		e.Verb, rbac.Right{Group: e.Group, Resource: e.Resource}.Name())
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip calls the function.
func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
