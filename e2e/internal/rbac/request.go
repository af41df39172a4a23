package rbac

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Of returns what an API server asks its authorizer about a request. ok is false for what is no resource, such as /version.
func Of(method, path string, query url.Values) (group, resource, verb string, ok bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case len(parts) >= 3 && parts[0] == "api":
		parts = parts[2:]
	case len(parts) >= 4 && parts[0] == "apis":
		group, parts = parts[1], parts[3:]
	default:
		return "", "", "", false
	}
	if parts[0] == "namespaces" && len(parts) > 2 {
		parts = parts[2:]
	}
	resource = parts[0]
	if len(parts) > 2 {
		resource += "/" + parts[2]
	}
	return group, resource, verbOf(method, len(parts) > 1, query), true
}

func verbOf(method string, named bool, query url.Values) string {
	watching := query.Get("watch") == "true" || query.Get("watch") == "1"
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
	case watching:
		return "watch"
	case named:
		return "get"
	}
	return "list"
}

// Guard returns a wrapper of transports that fails requests which no right covers. An administrator may do anything, so without
// it nobody would notice a missing right before the suite runs with only these. host is the API server's address, all are the rights.
func Guard(host string, all []Right) func(http.RoundTripper) http.RoundTripper {
	base := basePath(host)
	return func(next http.RoundTripper) http.RoundTripper {
		return transport(func(req *http.Request) (*http.Response, error) {
			group, resource, verb, ok := Of(req.Method, strings.TrimPrefix(req.URL.Path, base), req.URL.Query())
			if !ok || allowed(all, group, resource, verb) {
				return next.RoundTrip(req)
			}
			return nil, fmt.Errorf("the suite's list of rights lacks %s of %s: add it to rights.All and run `make rbac`, or to rights.Disruptive",
				verb, Right{Group: group, Resource: resource}.Name())
		})
	}
}

// basePath is what comes before an API server's own paths where it is behind a proxy.
func basePath(host string) string {
	u, err := url.Parse(host)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(u.Path, "/")
}

func allowed(all []Right, group, resource, verb string) bool {
	for _, r := range all {
		if r.Allows(group, resource, verb) {
			return true
		}
	}
	return false
}

type transport func(*http.Request) (*http.Response, error)

// RoundTrip sends a request that is covered.
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) { return t(req) }
