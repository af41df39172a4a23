package apiclient

import (
	"io"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
)

// Traffic counts what a client asks of an API server and what it receives. Its zero value counts from nothing. It is safe for concurrent use.
type Traffic struct {
	received atomic.Int64

	mu       sync.Mutex
	requests map[string]int
}

// Count returns a wrapper of transports that counts the requests and the bytes of the answers, as they are once they are unpacked: the API server
// compresses long lists. host is the API server's address.
func (t *Traffic) Count(host string) func(http.RoundTripper) http.RoundTripper {
	base := basePath(host)
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			a, _, ok := attributesOf(req, base)
			if !ok {
				a.Verb = "get" // of what is no resource, such as /version
			}
			t.mu.Lock()
			if t.requests == nil {
				t.requests = map[string]int{}
			}
			t.requests[a.Verb]++
			t.mu.Unlock()
			resp, err := next.RoundTrip(req)
			if err == nil {
				resp.Body = &countedBody{resp.Body, &t.received}
			}
			return resp, err
		})
	}
}

// Requests returns how many requests were sent by verb of the API, such as list and watch.
func (t *Traffic) Requests() map[string]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.requests)
}

// Received returns how many bytes of answers were read so far.
func (t *Traffic) Received() int64 { return t.received.Load() }

// countedBody is the body of an answer of which the bytes are counted that are read.
type countedBody struct {
	io.ReadCloser
	read *atomic.Int64
}

// Read counts what it reads.
func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read.Add(int64(n))
	return n, err
}
