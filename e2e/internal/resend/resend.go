// Package resend sends requests again that were lost with their connection, as happens when an API server is restarted or a network cuts
// connections. It does so only where having been carried out twice is as good as once; whatever else is lost stays an error. It also sends
// again what was forbidden, since an API server that starts forbids what it cannot decide yet.
package resend

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

// Lost returns a wrapper of transports that sends lost requests again as soon as the API server is ready. within bounds how long that
// may take, from the first loss on. host is the API server's address as rest.Config has it.
func Lost(host string, within time.Duration) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return &transport{next: next, within: within, ready: strings.TrimSuffix(host, "/") + "/readyz"}
	}
}

type transport struct {
	next   http.RoundTripper
	within time.Duration
	ready  string
}

// RoundTrip sends a request, and sends it again if it is lost and may be sent twice.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	answer, lost := t.next.RoundTrip(req)
	if lost == nil {
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
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.ready, http.NoBody)
		if err != nil {
			return false, err
		}
		answer, err := t.next.RoundTrip(req)
		if err != nil {
			return false, nil //nolint:nilerr // It is not there yet: that is what is waited for.
		}
		_ = answer.Body.Close()
		// An account that may not ask is told so by a server that works.
		return answer.StatusCode < http.StatusInternalServerError, nil
	})
}
