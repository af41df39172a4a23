package apiclient

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// server answers as an API server does whose connections break; each step is one answer, "" a lost connection.
type server struct {
	steps []string
	saw   []string
	ready int // how many questions whether it is ready pass before it is
}

var errLost = errors.New("connection reset")

func (s *server) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Path == "/readyz" {
		s.ready--
		switch {
		case s.ready > 1:
			return nil, errLost
		case s.ready == 1:
			return response("500 starting"), nil
		}
		return response("200 ok"), nil
	}
	body := ""
	if req.Body != nil {
		text, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		body = string(text)
	}
	s.saw = append(s.saw, req.Method+" "+req.URL.Path+" "+body)
	step := s.steps[0]
	s.steps = s.steps[1:]
	if step == "" {
		return nil, errLost
	}
	return response(step), nil
}

func response(status string) *http.Response {
	code := map[string]int{"200": 200, "201": 201, "403": 403, "404": 404, "409": 409, "500": 500}[status[:3]]
	return &http.Response{StatusCode: code, Status: status, Body: io.NopCloser(strings.NewReader("{}")), Header: http.Header{}}
}

func TestLost(t *testing.T) {
	const (
		pods   = "/api/v1/namespaces/a/pods"
		web0   = pods + "/web-0"
		named  = `{"metadata":{"name":"web-0"}}`
		sureOf = `{"preconditions":{"uid":"1"}}`
	)
	for _, c := range []struct {
		name, method, path, body, contentType string
		steps                                 []string
		want                                  int // the answer's code, 0 for an error
		saw                                   int
	}{
		{"nothing lost", "GET", pods, "", "", []string{"200"}, 200, 1},
		{"an error of the server", "GET", pods, "", "", []string{"500"}, 500, 1},
		{"forbidden by a server that starts", "POST", web0 + "/eviction", named, "", []string{"403", "201"}, 201, 2},
		{"forbidden", "PATCH", web0, named, "application/json-patch+json", []string{"403", "403"}, 403, 2},
		{"forbidden, and then lost", "GET", pods, "", "", []string{"403", ""}, 403, 2},
		{"read", "GET", pods, "", "", []string{"", "", "200"}, 200, 3},
		{"watch", "GET", pods + "?watch=true", "", "", []string{""}, 0, 1},
		{"merge", "PATCH", web0, named, "application/merge-patch+json", []string{"", "200"}, 200, 2},
		{"operations", "PATCH", web0, named, "application/json-patch+json", []string{""}, 0, 1},
		{"replace", "PUT", web0, named, "", []string{"", "409"}, 409, 2},
		{"create, lost on its way", "POST", pods, named, "", []string{"", "201"}, 201, 2},
		{"create, its answer lost", "POST", pods, named, "", []string{"", "409", "200"}, 200, 3},
		{"create, its answer and the next lost", "POST", pods, named, "", []string{"", "409", "", "200"}, 200, 4},
		{"create what is there", "POST", pods, named, "", []string{"409"}, 409, 1},
		{"create under a name to be found", "POST", pods, `{"metadata":{"generateName":"web-"}}`, "", []string{""}, 0, 1},
		{"create a namespace", "POST", "/api/v1/namespaces", `{"metadata":{"name":"a"}}`, "", []string{"", "201"}, 201, 2},
		{"try to create", "POST", pods + "?dryRun=All", `{}`, "", []string{"", "201"}, 201, 2},
		{"evict", "POST", web0 + "/eviction", named, "", []string{""}, 0, 1},
		{"run a command", "POST", web0 + "/exec", "", "", []string{""}, 0, 1},
		{"delete one and no other", "DELETE", web0, sureOf, "", []string{"", "200"}, 200, 2},
		{"delete what is gone by then", "DELETE", web0, sureOf, "", []string{"", "404"}, 200, 2},
		{"delete what another has taken the place of", "DELETE", web0, sureOf, "", []string{"", "409"}, 200, 2},
		{"delete what was never there", "DELETE", web0, sureOf, "", []string{"404"}, 404, 1},
		{"delete whatever has that name", "DELETE", web0, "{}", "", []string{""}, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &server{steps: c.steps, ready: 3}
			req, err := http.NewRequestWithContext(t.Context(), c.method, "https://cluster"+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", c.contentType)
			answer, err := Lost("https://cluster/", time.Minute)(s).RoundTrip(req)
			code := 0
			if err == nil {
				code = answer.StatusCode
				_ = answer.Body.Close()
			} else if !errors.Is(err, errLost) {
				t.Errorf("expected the loss itself, found %v", err)
			}
			if code != c.want || len(s.saw) != c.saw {
				t.Errorf("expected answer %d after %d requests, found %d after %q", c.want, c.saw, code, s.saw)
			}
			for i, saw := range s.saw[1:] {
				if strings.HasPrefix(saw, c.method) && saw != s.saw[0] {
					t.Errorf("expected request %d to be the first again (%q), found %q", i+2, s.saw[0], saw)
				}
			}
		})
	}
}

func TestServerThatStaysAway(t *testing.T) {
	s := &server{steps: []string{""}, ready: 1 << 30}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://cluster/api/v1/pods", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := Lost("https://cluster", 100*time.Millisecond)(s).RoundTrip(req)
	if err == nil {
		_ = answer.Body.Close()
		t.Fatal("expected the loss, found an answer")
	}
	if !errors.Is(err, errLost) || !strings.Contains(err.Error(), "not ready again within 100ms") {
		t.Errorf("found %v", err)
	}
}

func TestRequestThatIsGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := &server{steps: []string{""}, ready: 1 << 30}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://cluster/api/v1/pods", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := Lost("https://cluster", time.Hour)(s).RoundTrip(req); err == nil {
		_ = answer.Body.Close()
		t.Error("expected the loss, found an answer")
	}
}

func TestServerThatIsAwayForTooLongIsAskedOnceForEachRequest(t *testing.T) {
	const within = 100 * time.Millisecond
	s := &server{steps: []string{"", "200", "200"}, ready: 1 << 30}
	lost := Lost("https://cluster", within)
	send := func() (int, error) {
		// Clients have transports of their own, and the absence in common.
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://cluster/api/v1/pods", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := lost(s).RoundTrip(req)
		if err != nil {
			return 0, err
		}
		_ = answer.Body.Close()
		return answer.StatusCode, nil
	}
	if _, err := send(); err == nil {
		t.Fatal("expected the first request to be lost, found an answer")
	}
	asked, sent := s.ready, len(s.saw)
	if _, err := send(); err == nil || !strings.Contains(err.Error(), "has not answered for") {
		t.Errorf("expected the second request to fail since the API server has not answered, found %v", err)
	}
	if asked-s.ready != 1 || len(s.saw) != sent {
		t.Errorf("expected one question whether it is ready and nothing sent, found %d and %q", asked-s.ready, s.saw[sent:])
	}
	s.ready = 2 // which answers that it starts, and then that it is ready
	if _, err := send(); err == nil {
		t.Error("expected nothing to be sent to a server that starts, found an answer")
	}
	for n := range 2 {
		if code, err := send(); code != http.StatusOK || err != nil {
			t.Errorf("request %d after the API server is back: expected an answer, found %d, %v", n+1, code, err)
		}
	}
}

// closing notes that it was closed.
type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

func TestRequestThatIsNotSentIsClosed(t *testing.T) {
	s := &server{ready: 1 << 30}
	body := &closing{Reader: strings.NewReader("{}")}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "https://cluster/api/v1/pods", body)
	if err != nil {
		t.Fatal(err)
	}
	// Any absence is longer than this.
	if answer, err := Lost("https://cluster", -1)(s).RoundTrip(req); err == nil {
		_ = answer.Body.Close()
		t.Fatal("expected the request to fail, found an answer")
	}
	if len(s.saw) > 0 || !body.closed {
		t.Errorf("expected the request to be closed and not sent, found closed %t and %q", body.closed, s.saw)
	}
}
