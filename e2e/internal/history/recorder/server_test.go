package recorder_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// object is what the server stores: any API object.
type object interface {
	metav1.Object
	runtime.Object
}

// change is one line of a watch.
type change struct {
	rv       int
	resource string
	Type     string          `json:"type"`
	Object   json.RawMessage `json:"object"`
}

// server speaks as much of the API as list and watch need, over real HTTP, and fails on command.
type server struct {
	*httptest.Server
	client kubernetes.Interface

	mu      sync.Mutex
	rv      int
	uids    int
	objects map[string]map[string]object // resource -> name
	log     []change
	oldest  int             // versions before it are expired
	refuse  bool            // every request fails without an answer
	answer  int             // every request fails with this status, if any
	denied  map[string]bool // resources that the account may not list
	all     bool            // Events about all objects may be listed, and not only those about sets
	mute    map[string]bool // resources whose watches show nothing, but for those of limited length
	refused int             // failed requests
	expired int             // watches that began with an expired version
	cut     chan struct{}   // closed to drop all watches
	news    chan struct{}   // closed with every change
	from    []string        // "resource@version" of every watch
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{rv: 100, objects: map[string]map[string]object{}, mute: map[string]bool{}, cut: make(chan struct{}), news: make(chan struct{})}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(func() {
		s.drop()
		s.Close()
	})
	client, err := kubernetes.NewForConfig(&rest.Config{Host: s.URL, QPS: 1000, Burst: 1000})
	if err != nil {
		t.Fatal(err)
	}
	s.client = client
	return s
}

// with changes the server's state under its lock and wakes all watches.
func (s *server) with(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.news)
	s.news = make(chan struct{})
}

// drop ends all watches as a lost connection does.
func (s *server) drop() {
	s.with(func() {
		close(s.cut)
		s.cut = make(chan struct{})
	})
}

// expire makes the server forget all versions before the present one.
func (s *server) expire() { s.with(func() { s.rv++; s.oldest = s.rv }) }

func (s *server) put(resource history.Resource, o object) types.UID {
	s.with(func() { s.putLocked(string(resource), o) })
	return o.GetUID()
}

func (s *server) putLocked(resource string, o object) {
	kind := "MODIFIED"
	if s.objects[resource] == nil {
		s.objects[resource] = map[string]object{}
	}
	if old := s.objects[resource][o.GetName()]; old == nil {
		kind = "ADDED"
		s.uids++
		o.SetUID(types.UID(fmt.Sprintf("uid-%d", s.uids)))
	} else {
		o.SetUID(old.GetUID())
	}
	s.objects[resource][o.GetName()] = o
	s.logLocked(resource, kind, o)
}

func (s *server) remove(resource history.Resource, name string) {
	s.with(func() {
		o := s.objects[string(resource)][name]
		delete(s.objects[string(resource)], name)
		s.logLocked(string(resource), "DELETED", o)
	})
}

func (s *server) logLocked(resource, kind string, o object) {
	s.rv++
	o.SetResourceVersion(strconv.Itoa(s.rv))
	s.log = append(s.log, change{rv: s.rv, resource: resource, Type: kind, Object: encode(o)})
}

// bookmark tells the watches of a resource the present version.
func (s *server) bookmark(resource history.Resource, o object) {
	s.with(func() { s.logLocked(string(resource), "BOOKMARK", o) })
}

// fail sends an error in the middle of the watches of a resource.
func (s *server) fail(resource history.Resource, status metav1.Status) {
	status.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
	s.with(func() {
		s.rv++
		s.log = append(s.log, change{rv: s.rv, resource: string(resource), Type: "ERROR", Object: encode(status)})
	})
}

func (s *server) serve(w http.ResponseWriter, req *http.Request) {
	resource := req.URL.Path[strings.LastIndexByte(req.URL.Path, '/')+1:]
	if !strings.Contains(req.URL.Path, "/namespaces/ns/") && resource != "nodes" {
		writeStatus(w, metav1.Status{Code: http.StatusNotFound, Reason: metav1.StatusReasonNotFound, Message: "no such path " + req.URL.Path})
		return
	}
	s.mu.Lock()
	refuse, code, denied, all := s.refuse, s.answer, s.denied[resource], s.all
	if refuse || code != 0 {
		s.refused++
	}
	s.mu.Unlock()
	switch {
	case refuse:
		panic(http.ErrAbortHandler) // closes the connection without an answer
	case code != 0:
		writeStatus(w, metav1.Status{Code: int32(code), Reason: "Told", Message: "told so"})
	case denied:
		writeStatus(w, metav1.Status{Code: http.StatusForbidden, Reason: metav1.StatusReasonForbidden, Message: resource + " is forbidden"})
	case resource == "events" && !all && req.URL.Query().Get("fieldSelector") != "involvedObject.kind=StatefulSet":
		writeStatus(w, metav1.Status{Code: http.StatusBadRequest, Message: "expected the events of sets alone"})
	case req.URL.Query().Get("watch") != "":
		s.watch(w, req, resource)
	default:
		s.list(w, req, resource)
	}
}

func (s *server) list(w http.ResponseWriter, req *http.Request, resource string) {
	if rv := req.URL.Query().Get("resourceVersion"); rv != "" {
		writeStatus(w, metav1.Status{Code: http.StatusBadRequest, Message: "expected a list of the newest state, not of " + rv})
		return
	}
	s.mu.Lock()
	items := make([]json.RawMessage, 0, len(s.objects[resource]))
	for _, name := range slices.Sorted(maps.Keys(s.objects[resource])) {
		items = append(items, encode(s.objects[resource][name]))
	}
	rv := strconv.Itoa(s.rv)
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(encode(map[string]any{"metadata": map[string]any{"resourceVersion": rv}, "items": items}))
}

func (s *server) watch(w http.ResponseWriter, req *http.Request, resource string) {
	rv := req.URL.Query().Get("resourceVersion")
	from, err := strconv.Atoi(rv)
	limited := req.URL.Query().Get("timeoutSeconds") != ""
	s.mu.Lock()
	if !limited {
		s.from = append(s.from, resource+"@"+rv)
	}
	expired, old, cut := from < s.oldest, len(s.log), s.cut
	if expired {
		s.expired++
	}
	s.mu.Unlock()
	if err != nil || req.URL.Query().Get("allowWatchBookmarks") != "true" {
		writeStatus(w, metav1.Status{Code: http.StatusBadRequest, Message: "expected a version and bookmarks"})
		return
	}
	if expired {
		writeStatus(w, expiredStatus())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	next := 0
	for {
		s.mu.Lock()
		var out []change
		for ; next < len(s.log) && (limited || !s.mute[resource]); next++ {
			c := s.log[next]
			// An error speaks to the watches that are open, not to those that come after it.
			if c.resource == resource && c.rv > from && (c.Type != "ERROR" || next >= old) {
				out = append(out, c)
			}
		}
		if limited {
			// The API server's comes later, but comes.
			out = append(out, change{Type: "BOOKMARK", Object: encode(map[string]any{"kind": "Pod", "apiVersion": "v1", "metadata": map[string]any{"resourceVersion": strconv.Itoa(s.rv)}})})
		}
		news := s.news
		s.mu.Unlock()
		for _, c := range out {
			_, _ = w.Write(append(encode(c), '\n'))
			if c.Type == "ERROR" {
				return
			}
		}
		w.(http.Flusher).Flush()
		select {
		case <-news:
		case <-cut:
			return
		case <-req.Context().Done():
			return
		}
		select {
		case <-cut:
			return
		default:
		}
	}
}

// watches returns the versions from which a resource was watched.
func (s *server) watches(resource history.Resource) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, f := range s.from {
		if rv, ok := strings.CutPrefix(f, string(resource)+"@"); ok {
			out = append(out, rv)
		}
	}
	return out
}

func expiredStatus() metav1.Status {
	return metav1.Status{Status: metav1.StatusFailure, Code: http.StatusGone, Reason: metav1.StatusReasonExpired, Message: "too old resource version"}
}

func writeStatus(w http.ResponseWriter, status metav1.Status) {
	status.Kind, status.APIVersion, status.Status = "Status", "v1", metav1.StatusFailure
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(int(status.Code))
	_, _ = w.Write(encode(status))
}

func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}
