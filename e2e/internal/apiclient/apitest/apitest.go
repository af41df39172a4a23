// Package apitest is an API server for tests of what the suite asks a real one: it answers discovery and lists, and notes what is to be
// changed. It stands on the API types alone; only tests import it.
package apitest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/rest"
)

// Server is the API server. Its fields must not change once requests are sent.
type Server struct {
	// Objects are the objects of each resource, by its plural; they are in whatever namespace is asked for.
	Objects map[string][]metav1.ObjectMeta
	// Forbidden are resources that nobody may list.
	Forbidden []string
	// LoseCreations has the server carry creations of namespaces out and answer with an error.
	LoseCreations bool

	mu      sync.Mutex
	changes []string
}

// Start starts the server and returns how it is reached.
func (s *Server) Start(t *testing.T) *rest.Config {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	config := &rest.Config{Host: server.URL}
	config.ContentType = "application/json"
	return config
}

// Changes returns the requests that were to change something, each as method, path and the UID that it is for.
func (s *Server) Changes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.changes)
}

// groups are the groups that discovery knows, with the kinds of their resources.
func groups() map[string]map[string]string {
	return map[string]map[string]string{
		"":      {"namespaces": "Namespace", "pods": "Pod", "persistentvolumeclaims": "PersistentVolumeClaim", "services": "Service", "configmaps": "ConfigMap"},
		"apps":  {"statefulsets": "StatefulSet", "deployments": "Deployment", "daemonsets": "DaemonSet", "replicasets": "ReplicaSet", "controllerrevisions": "ControllerRevision"},
		"batch": {"jobs": "Job", "cronjobs": "CronJob"},
		"policy": {
			"poddisruptionbudgets": "PodDisruptionBudget",
		},
	}
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	group := ""
	if parts[0] == "apis" && len(parts) > 2 {
		group, parts = parts[1], parts[1:]
	}
	switch rest := parts[min(len(parts), 2):]; {
	case r.Method != http.MethodGet:
		s.change(w, r)
	case r.URL.Path == "/api":
		answer(w, http.StatusOK, metav1.APIVersions{TypeMeta: kind("APIVersions", "v1"), Versions: []string{"v1"}})
	case r.URL.Path == "/apis":
		answer(w, http.StatusOK, groupList())
	case len(rest) == 0:
		answer(w, http.StatusOK, resources(group))
	default:
		s.list(w, r, group, rest[len(rest)-1])
	}
}

func kind(kind, version string) metav1.TypeMeta {
	return metav1.TypeMeta{Kind: kind, APIVersion: version}
}

func groupList() metav1.APIGroupList {
	list := metav1.APIGroupList{TypeMeta: kind("APIGroupList", "v1")}
	for name := range groups() {
		if name != "" {
			version := metav1.GroupVersionForDiscovery{GroupVersion: name + "/v1", Version: "v1"}
			list.Groups = append(list.Groups, metav1.APIGroup{Name: name, Versions: []metav1.GroupVersionForDiscovery{version}, PreferredVersion: version})
		}
	}
	return list
}

func resources(group string) metav1.APIResourceList {
	list := metav1.APIResourceList{TypeMeta: kind("APIResourceList", "v1"), GroupVersion: strings.TrimPrefix(group+"/v1", "/")}
	for name, k := range groups()[group] {
		list.APIResources = append(list.APIResources, metav1.APIResource{Name: name, Kind: k, Namespaced: name != "namespaces", Verbs: metav1.Verbs{"list", "delete"}})
	}
	return list
}

func (s *Server) list(w http.ResponseWriter, r *http.Request, group, resource string) {
	if slices.Contains(s.Forbidden, resource) {
		answer(w, http.StatusForbidden, metav1.Status{TypeMeta: kind("Status", "v1"), Status: metav1.StatusFailure, Code: http.StatusForbidden, Reason: metav1.StatusReasonForbidden})
		return
	}
	selector, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	if err != nil {
		answer(w, http.StatusBadRequest, metav1.Status{TypeMeta: kind("Status", "v1"), Status: metav1.StatusFailure, Code: http.StatusBadRequest})
		return
	}
	name, _ := strings.CutPrefix(r.URL.Query().Get("fieldSelector"), "metadata.name=")
	list := metav1.PartialObjectMetadataList{TypeMeta: kind(groups()[group][resource]+"List", strings.TrimPrefix(group+"/v1", "/"))}
	for _, o := range s.Objects[resource] {
		if selector.Matches(labels.Set(o.Labels)) && (name == "" || name == o.Name) {
			list.Items = append(list.Items, metav1.PartialObjectMetadata{ObjectMeta: o})
		}
	}
	answer(w, http.StatusOK, list)
}

func (s *Server) change(w http.ResponseWriter, r *http.Request) {
	var body struct {
		metav1.DeleteOptions
		Metadata metav1.ObjectMeta `json:"metadata"`
	}
	_ = json.NewDecoder(r.Body).Decode(&body)
	uid := ""
	if body.Preconditions != nil && body.Preconditions.UID != nil {
		uid = string(*body.Preconditions.UID)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes = append(s.changes, strings.TrimSpace(r.Method+" "+r.URL.Path+" "+uid))
	if r.Method == http.MethodPost && s.LoseCreations {
		created := body.Metadata
		created.UID = "created"
		s.Objects["namespaces"] = append(s.Objects["namespaces"], created)
		answer(w, http.StatusInternalServerError, metav1.Status{TypeMeta: kind("Status", "v1"), Status: metav1.StatusFailure, Code: http.StatusInternalServerError, Message: "lost"})
		return
	}
	answer(w, http.StatusOK, metav1.Status{TypeMeta: kind("Status", "v1"), Status: metav1.StatusSuccess})
}

func answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}
