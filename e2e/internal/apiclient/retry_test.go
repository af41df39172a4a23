package apiclient

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/rbac"
)

// server is an API server whose connections break. Each step is the status of one answer and its body, "" a lost connection; the last step
// repeats.
type server struct {
	steps    []string
	requests []string
	notReady int // how many requests for /readyz precede a good one
}

var errLost = errors.New("connection reset")

func (s *server) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Path == "/readyz" {
		s.notReady--
		switch {
		case s.notReady > 0:
			return nil, errLost
		case s.notReady == 0:
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
	s.requests = append(s.requests, req.Method+" "+req.URL.Path+" "+body)
	step := s.steps[0]
	if len(s.steps) > 1 {
		s.steps = s.steps[1:]
	}
	if step == "" {
		return nil, errLost
	}
	return response(step), nil
}

func response(status string) *http.Response {
	code, body, _ := strings.Cut(status, " ")
	n := map[string]int{"200": 200, "201": 201, "403": 403, "404": 404, "409": 409, "500": 500}[code]
	if body == "" {
		body = "{}"
	}
	return &http.Response{StatusCode: n, Status: status, Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{}}
}

// request returns a request to the server.
func request(t *testing.T, method, path, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "https://cluster"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// send returns the code and the body of the answer.
func send(through http.RoundTripper, req *http.Request) (code int, body string, _ error) {
	answer, err := through.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}

const (
	pods  = "/api/v1/namespaces/a/pods"
	web0  = pods + "/web-0"
	named = `{"metadata":{"name":"web-0"}}`

	found = `200 {"kind":"PodList","apiVersion":"v1","items":[{"metadata":{"name":"web-0","uid":"1"}}]}`

	byAdmission  = `403 {"message":"pods \"web-0\" is forbidden: not yet ready to handle request","code":403}`
	byAuthorizer = `403 {"message":"pods is forbidden: User \"tester\" cannot list resource \"pods\" in API group \"\" in the namespace \"a\"","code":403}`
	byQuota      = `403 {"message":"pods \"web-0\" is forbidden: exceeded quota: few, requested: pods=1, used: pods=5, limited: pods=5","code":403}`
	byPolicy     = `403 {"message":"pods \"web-0\" is forbidden: violates PodSecurity \"restricted:latest\": runAsNonRoot != true","code":403}`
)

func TestRetry(t *testing.T) {
	const withUID = `{"preconditions":{"uid":"1"}}`
	for _, c := range []struct {
		name, method, path, body, contentType string
		steps                                 []string
		want                                  int // the answer's code, 0 for an error
		requests                              int
	}{
		{"answered", "GET", pods, "", "", []string{"200"}, 200, 1},
		{"server error", "GET", pods, "", "", []string{"500"}, 500, 1},
		{"get", "GET", pods, "", "", []string{"", "", "200"}, 200, 3},
		{"watch", "GET", pods + "?watch=true", "", "", []string{""}, 0, 1},
		{"merge patch", "PATCH", web0, named, "application/merge-patch+json", []string{"", "200"}, 200, 2},
		{"JSON patch", "PATCH", web0, named, "application/json-patch+json", []string{""}, 0, 1},
		{"update", "PUT", web0, named, "", []string{"", "409"}, 409, 2},
		{"create, request lost", "POST", pods, named, "", []string{"", "201"}, 201, 2},
		{"create, answer lost", "POST", pods, named, "", []string{"", "409", found}, 200, 3},
		{"create, answer and next request lost", "POST", pods, named, "", []string{"", "409", "", found}, 200, 4},
		{"create an object that exists", "POST", pods, named, "", []string{"409"}, 409, 1},
		{"create with generateName", "POST", pods, `{"metadata":{"generateName":"web-"}}`, "", []string{""}, 0, 1},
		{"create a namespace", "POST", "/api/v1/namespaces", `{"metadata":{"name":"a"}}`, "", []string{"", "201"}, 201, 2},
		{"create by dry run", "POST", pods + "?dryRun=All", `{}`, "", []string{"", "201"}, 201, 2},
		{"evict", "POST", web0 + "/eviction", named, "", []string{""}, 0, 1},
		{"exec", "POST", web0 + "/exec", "", "", []string{""}, 0, 1},
		{"exec by WebSocket", "GET", web0 + "/exec?command=kill", "", "", []string{""}, 0, 1},
		{"delete with a UID", "DELETE", web0, withUID, "", []string{"", "200"}, 200, 2},
		{"delete with a UID, gone by then", "DELETE", web0, withUID, "", []string{"", "404"}, 200, 2},
		{"delete with a UID, replaced by then", "DELETE", web0, withUID, "", []string{"", "409"}, 200, 2},
		{"delete an object that never existed", "DELETE", web0, withUID, "", []string{"404"}, 404, 1},
		{"delete by name", "DELETE", web0, "{}", "", []string{""}, 0, 1},

		{"refused by admission that has not synced", "POST", web0 + "/eviction", named, "", []string{byAdmission, byAdmission, "201"}, 201, 3},
		{"refused by an authorizer that has not synced", "POST", web0 + "/eviction", named, "", []string{byAuthorizer, "201"}, 201, 2},
		{"a right is missing", "PATCH", web0, named, "application/json-patch+json", []string{byAuthorizer}, 403, 2},
		{"quota exceeded", "POST", pods, named, "", []string{byQuota}, 403, 1},
		{"refused by a policy", "POST", pods, named, "", []string{byPolicy}, 403, 1},
		{"not synced, then quota exceeded", "POST", pods, named, "", []string{byAdmission, byQuota}, 403, 2},
		{"get refused, then lost", "GET", pods, "", "", []string{byAuthorizer, "", "200"}, 200, 3},
		{"eviction refused, then lost", "POST", web0 + "/eviction", named, "", []string{byAuthorizer, ""}, 0, 2},
		{"create refused, then its answer lost", "POST", pods, named, "", []string{byAuthorizer, "", "409", found}, 200, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{steps: c.steps, notReady: 2}
				req := request(t, c.method, c.path, c.body)
				req.Header.Set("Content-Type", c.contentType)
				code, _, err := send(Retry("https://cluster/", time.Minute)(s), req)
				if err != nil {
					_, unknown := errors.AsType[*UnknownOutcomeError](err)
					if !errors.Is(err, errLost) || unknown != (c.method != http.MethodGet || strings.Contains(c.path, "/exec")) {
						t.Errorf("expected the connection's error, and for a write that its outcome is unknown, found %v", err)
					}
				}
				if code != c.want || len(s.requests) != c.requests {
					t.Errorf("expected answer %d after %d requests, found %d after %q", c.want, c.requests, code, s.requests)
				}
				for i, r := range s.requests[1:] {
					if strings.HasPrefix(r, c.method) && r != s.requests[0] {
						t.Errorf("expected request %d to repeat the first (%q), found %q", i+2, s.requests[0], r)
					}
				}
			})
		})
	}
}

// A client builds its error of the Status in the answer.
func TestRefusalKeepsItsStatus(t *testing.T) {
	for _, refused := range []string{byAdmission, byAuthorizer, byQuota} {
		synctest.Test(t, func(t *testing.T) {
			code, body, err := send(Retry("https://cluster", time.Second)(&server{steps: []string{refused}}), request(t, http.MethodGet, pods, ""))
			if err != nil || code != http.StatusForbidden || "403 "+body != refused {
				t.Errorf("expected %s, found %d %s, %v", refused, code, body, err)
			}
		})
	}
}

// A refusal of the second sending says nothing of the first, so its outcome is not "refused".
func TestRefusalAfterALossIsMarked(t *testing.T) {
	const conflict = `409 {"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Conflict","code":409}`
	const notFound = `404 {"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}`
	for name, c := range map[string]struct {
		method, path string
		steps        []string
		marked       bool
	}{
		"update, not lost":              {"PUT", web0, []string{conflict}, false},
		"update":                        {"PUT", web0, []string{"", conflict}, true},
		"create, quota full by its own": {"POST", pods, []string{"", byQuota}, true},
		"create, deleted by then":       {"POST", pods, []string{"", conflict, `200 {"items":[]}`}, true},
		"create, may not be listed":     {"POST", pods, []string{"", conflict, byAuthorizer}, true},
		"dry run":                       {"PUT", web0 + "?dryRun=All", []string{"", conflict}, false},
		"get":                           {"GET", web0, []string{"", notFound}, false},
	} {
		t.Run(name, func(t *testing.T) {
			code, body, err := send(Retry("https://cluster", time.Minute)(&server{steps: c.steps}), request(t, c.method, c.path, named))
			var status metav1.Status
			if err == nil {
				err = json.Unmarshal([]byte(body), &status)
			}
			if err != nil || int(status.Code) != code {
				t.Fatalf("expected a Status with code %d, found %s, %v", code, body, err)
			}
			if marked := apierrors.HasStatusCause(&apierrors.StatusError{ErrStatus: status}, CauseRepeated); marked != c.marked {
				t.Errorf("expected marked %t, found %+v", c.marked, status)
			}
		})
	}
}

// The account may list what it creates, and need not be allowed to get it.
func TestCreationWhoseAnswerWasLostIsListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{steps: []string{"", "409", found}}
		rights := Restrict("https://cluster", []rbac.Right{{Resource: "pods", Verbs: []string{"create", "list"}}})
		_, body, err := send(Retry("https://cluster", time.Minute)(rights(s)), request(t, http.MethodPost, pods, named))
		var pod metav1.PartialObjectMetadata
		if err == nil {
			err = json.Unmarshal([]byte(body), &pod)
		}
		if err != nil || pod.Kind != "Pod" || pod.APIVersion != "v1" || pod.UID != "1" {
			t.Errorf("expected the pod as a get returns it, found %s, %v", body, err)
		}
	})
}

// What no right covers is not lost but refused by the suite itself, so that no second sending can help.
func TestWhatNoRightCoversIsNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, began := &server{steps: []string{"200"}, notReady: 0}, time.Now()
		_, _, err := send(Retry("https://cluster", 2*time.Minute)(Restrict("https://cluster", nil)(s)), request(t, http.MethodPut, web0, named))
		_, unknown := errors.AsType[*UnknownOutcomeError](err)
		if err == nil || unknown || !strings.Contains(err.Error(), "lacks update of pods") || s.notReady != 0 || time.Since(began) > 0 {
			t.Errorf("expected an error at once, without a request, found %v after %v and %d requests for /readyz", err, time.Since(began), -s.notReady)
		}
	})
}

// A proxy in front of an API server that is away says when to ask again.
func TestRetryAfterOfReadyz(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests, began := 0, time.Now()
		away := roundTripper(func(req *http.Request) (*http.Response, error) {
			if req.URL.Path != "/readyz" {
				return nil, errLost
			}
			requests++
			answer := response("500 away")
			answer.Header.Set("Retry-After", "20")
			return answer, nil
		})
		if _, _, err := send(Retry("https://cluster", time.Minute)(away), request(t, http.MethodGet, pods, "")); err == nil {
			t.Error("expected an error, found none")
		}
		if requests != 3 || time.Since(began) != time.Minute {
			t.Errorf("expected 3 requests for /readyz in a minute, found %d in %v", requests, time.Since(began))
		}
	})
}

// /readyz may be good while something between here and the server breaks the connections of other requests.
func TestBackoffWhileReadyServerLosesRequests(t *testing.T) {
	for name, c := range map[string]struct{ step, want string }{
		"lost":       {"", "no answer from a ready API server within 2m0s"},
		"not synced": {byAdmission, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, began := &server{steps: []string{c.step}}, time.Now()
				_, _, err := send(Retry("https://cluster", 2*time.Minute)(s), request(t, http.MethodGet, pods, ""))
				if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
					t.Errorf("expected error %q, found %v", c.want, err)
				}
				if n, took := len(s.requests), time.Since(began); n < 100 || n > 150 || took != 2*time.Minute {
					t.Errorf("expected about a request per second for 2 minutes, found %d in %v", n, took)
				}
			})
		})
	}
}

func TestServerThatStaysAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{steps: []string{""}, notReady: 1 << 30}
		_, _, err := send(Retry("https://cluster", time.Minute)(s), request(t, http.MethodGet, pods, ""))
		if !errors.Is(err, errLost) || !strings.Contains(err.Error(), "no answer from a ready API server within 1m0s") || len(s.requests) != 1 {
			t.Errorf("found %v after %q", err, s.requests)
		}
	})
}

func TestCancelledRequest(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := &server{steps: []string{""}, notReady: 1 << 30}
	if code, _, err := send(Retry("https://cluster", time.Hour)(s), request(t, http.MethodGet, pods, "").WithContext(ctx)); err == nil {
		t.Errorf("expected an error, found answer %d", code)
	}
}

func TestOneReadyzForEachRequestAfterALongOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{steps: []string{"", "200"}, notReady: 1 << 30}
		retry := Retry("https://cluster", time.Minute)
		get := func() (int, error) {
			// Each client has a transport of its own; they share the outage.
			code, _, err := send(retry(s), request(t, http.MethodGet, pods, ""))
			return code, err
		}
		if _, err := get(); err == nil {
			t.Fatal("expected the first request to be lost, found an answer")
		}
		before, sent := s.notReady, len(s.requests)
		if _, err := get(); err == nil || !strings.Contains(err.Error(), "has not answered for") {
			t.Errorf("expected the second request to fail since the API server has not answered, found %v", err)
		}
		if before-s.notReady != 1 || len(s.requests) != sent {
			t.Errorf("expected one request for /readyz and no other, found %d and %q", before-s.notReady, s.requests[sent:])
		}
		s.notReady = 1 // It answers that it is starting, and then that it is ready.
		if _, err := get(); err == nil {
			t.Error("expected no request to a server that is starting, found an answer")
		}
		for n := range 2 {
			if code, err := get(); code != http.StatusOK || err != nil {
				t.Errorf("request %d after the outage: expected an answer, found %d, %v", n+1, code, err)
			}
		}
	})
}

// closeRecorder records whether it was closed.
type closeRecorder struct {
	io.Reader
	closed bool
}

func (c *closeRecorder) Close() error { c.closed = true; return nil }

func TestBodyOfARequestThatIsNotSentIsClosed(t *testing.T) {
	s := &server{notReady: 1 << 30}
	body := &closeRecorder{Reader: strings.NewReader("{}")}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "https://cluster/api/v1/pods", body)
	if err != nil {
		t.Fatal(err)
	}
	// Any outage is longer than this window.
	_, _, err = send(Retry("https://cluster", -1)(s), req)
	if _, unknown := errors.AsType[*UnknownOutcomeError](err); err == nil || unknown {
		t.Errorf("expected an error that says the request was not sent, found %v", err)
	}
	if len(s.requests) > 0 || !body.closed {
		t.Errorf("expected the body to be closed and nothing sent, found closed %t and %q", body.closed, s.requests)
	}
}
