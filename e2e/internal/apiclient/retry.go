// Package apiclient sends requests again that were lost with their connection, as happens when an API server is restarted or a network cuts
// connections. It does so only where having been carried out twice is as good as once; whatever else is lost stays an error. It also sends
// again what was forbidden, since an API server that starts forbids what it cannot decide yet. Once the API server has been away for
// too long, requests fail at once: a run whose network is gone ends soon.
package apiclient

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

// Lost returns a wrapper of transports that sends lost requests again as soon as the API server is ready. within bounds how long that
// may take, from the first loss on and for all requests together. host is the API server's address as rest.Config has it.
func Lost(host string, within time.Duration) func(http.RoundTripper) http.RoundTripper {
	var away absence
	return func(next http.RoundTripper) http.RoundTripper {
		return &transport{next: next, away: &away, within: within, ready: strings.TrimSuffix(host, "/") + "/readyz"}
	}
}

type transport struct {
	next   http.RoundTripper
	away   *absence
	within time.Duration
	ready  string
}

// absence is how long the API server has not been ready, as far as it was asked.
type absence struct {
	mu    sync.Mutex
	since time.Time // zero while it answers
}

func (a *absence) ended() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.since = time.Time{}
}

// noted keeps that a question asked at that time was not answered.
func (a *absence) noted(asked time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.since.IsZero() {
		a.since = asked
	}
}

func (a *absence) length() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.since.IsZero() {
		return 0
	}
	return time.Since(a.since)
}

// glance bounds the question whether an API server is back that was away for too long.
const glance = 2 * time.Second

// RoundTrip sends a request, and sends it again if it is lost and may be sent twice.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if t.away.length() > t.within {
		// The request itself could hang for as long as connections take to be given up.
		ctx, cancel := context.WithTimeout(req.Context(), glance)
		defer cancel()
		if !t.isReady(ctx) {
			if req.Body != nil {
				_ = req.Body.Close() // as a transport must, whatever becomes of the request
			}
			return nil, fmt.Errorf("the request was not sent: the API server has not answered for %.0f s", t.away.length().Seconds())
		}
	}
	answer, lost := t.next.RoundTrip(req)
	if lost == nil {
		t.away.ended()
		if answer.StatusCode == http.StatusForbidden {
			return t.insist(req, answer), nil
		}
		return answer, nil
	}
	body, ok := content(req)
	if !ok {
		return nil, lost
	}
	as := kindOf(req, body)
	if as == once {
		return nil, lost
	}
	ctx, cancel := context.WithTimeout(req.Context(), t.within)
	defer cancel()
	for lost != nil {
		if err := t.awaitReady(ctx); err != nil {
			return nil, fmt.Errorf("%w (and the API server was not ready again within %s)", lost, t.within)
		}
		answer, lost = t.next.RoundTrip(again(req, body))
	}
	return t.settle(req, as, body, answer)
}

// insist sends a request once more that was forbidden: an API server that starts forbids what it cannot decide yet. What is forbidden was not
// carried out, so that any request may be sent again. It returns the first answer where there is no other.
func (t *transport) insist(req *http.Request, forbidden *http.Response) *http.Response {
	body, ok := content(req)
	if !ok {
		return forbidden
	}
	ctx, cancel := context.WithTimeout(req.Context(), t.within)
	defer cancel()
	if err := t.awaitReady(ctx); err != nil {
		return forbidden
	}
	answer, err := t.next.RoundTrip(again(req, body))
	if err != nil {
		return forbidden
	}
	_ = forbidden.Body.Close()
	return answer
}

// kind says what sending a request twice comes to.
type kind int

const (
	once     kind = iota // it must not be sent twice
	same                 // the second answer is as good as the first
	creation             // a second one finds that the object is there
	removal              // a second one finds that the object is gone, or another in its place
)

// kindOf tells what sending a request twice comes to.
func kindOf(req *http.Request, body []byte) kind {
	query := req.URL.Query()
	switch {
	case req.Header.Get("Upgrade") != "" || query.Get("watch") != "":
		return once // a stream: whoever reads it knows where to go on
	case req.Method == http.MethodGet, req.Method == http.MethodHead, req.Method == http.MethodPut, query.Get("dryRun") != "":
		// What is put names the resource version that it replaces.
		return same
	case req.Method == http.MethodPatch && req.Header.Get("Content-Type") != "application/json-patch+json":
		return same // a merge says how things are to be, not what is to be done to them
	case req.Method == http.MethodPost && nameIn(body) != "" && !beneathObject(req.URL.Path):
		return creation
	case req.Method == http.MethodDelete:
		var o metav1.DeleteOptions
		if json.Unmarshal(body, &o) == nil && o.Preconditions != nil && o.Preconditions.UID != nil {
			return removal
		}
	}
	return once
}

// beneathObject reports whether a path leads to something of an object, such as its eviction, and not to a collection.
func beneathObject(path string) bool {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	at := slices.Index(parts, "namespaces")
	return at >= 0 && len(parts) > at+3 // namespaces, the name of one, and the collection
}

// nameIn is the name of the object that a body holds, "" where the API server is to find one.
func nameIn(body []byte) string {
	var object metav1.PartialObjectMetadata
	if json.Unmarshal(body, &object) != nil {
		return ""
	}
	return object.Name
}

// settle turns the answer to a second request into what the first one's would have been.
func (t *transport) settle(req *http.Request, as kind, body []byte, answer *http.Response) (*http.Response, error) {
	switch {
	case as == creation && answer.StatusCode == http.StatusConflict:
		_ = answer.Body.Close()
		get := again(req, nil)
		get.Method = http.MethodGet
		get.URL.Path = strings.TrimSuffix(get.URL.Path, "/") + "/" + nameIn(body)
		return t.RoundTrip(get)
	case as == removal && (answer.StatusCode == http.StatusNotFound || answer.StatusCode == http.StatusConflict):
		_ = answer.Body.Close()
		text, err := json.Marshal(metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusSuccess})
		if err != nil {
			return nil, err
		}
		answer.StatusCode, answer.Status = http.StatusOK, "200 OK"
		answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
		answer.Header = http.Header{"Content-Type": {"application/json"}}
	}
	return answer, nil
}

// content returns a request's body, which its first sending has used up. ok is false where it cannot be had again.
func content(req *http.Request) (body []byte, ok bool) {
	if req.Body == nil || req.Body == http.NoBody {
		return nil, true
	}
	if req.GetBody == nil {
		return nil, false
	}
	r, err := req.GetBody()
	if err != nil {
		return nil, false
	}
	defer func() { _ = r.Close() }()
	body, err = io.ReadAll(r)
	return body, err == nil
}

// again is the request once more, with a body of its own.
func again(req *http.Request, body []byte) *http.Request {
	second := req.Clone(req.Context())
	second.Body, second.ContentLength = http.NoBody, int64(len(body))
	if len(body) > 0 {
		second.Body = io.NopCloser(bytes.NewReader(body))
	}
	return second
}

// awaitReady returns once the API server says that it is ready. One that starts accepts connections long before, and refuses what it
// cannot decide yet.
func (t *transport) awaitReady(ctx context.Context) error {
	backoff := wait.Backoff{Duration: 50 * time.Millisecond, Factor: 1.5, Cap: time.Second, Steps: 1000}
	return backoff.DelayFunc().Until(ctx, true, false, func(ctx context.Context) (bool, error) {
		if t.isReady(ctx) {
			return true, nil
		}
		if t.away.length() > t.within {
			return false, context.DeadlineExceeded
		}
		return false, nil
	})
}

// isReady asks the API server whether it is ready, and notes what comes of it.
func (t *transport) isReady(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.ready, http.NoBody)
	if err != nil {
		return false
	}
	asked := time.Now()
	answer, err := t.next.RoundTrip(req)
	if err == nil {
		_ = answer.Body.Close()
		// An account that may not ask is told so by a server that works.
		if answer.StatusCode < http.StatusInternalServerError {
			t.away.ended()
			return true
		}
	}
	t.away.noted(asked)
	return false
}
