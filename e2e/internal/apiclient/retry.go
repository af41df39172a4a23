package apiclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/util/wait"
)

// UnknownOutcomeError is the error of a write whose connection was lost: the API server may have carried it out.
type UnknownOutcomeError struct{ Err error }

func (e *UnknownOutcomeError) Error() string {
	return "lost, perhaps after it was carried out: " + e.Err.Error()
}

// Unwrap returns the error of the connection.
func (e *UnknownOutcomeError) Unwrap() error { return e.Err }

// CauseRepeated is a cause in the Status of a refused write that was sent again after its connection was lost: the refusal is that of the last
// sending, and an earlier one may have been carried out.
const CauseRepeated metav1.CauseType = "RepeatedAfterLoss"

// Retry returns a wrapper of transports that sends a request again whose connection was lost, once /readyz is good, if a second one does no
// harm; and one that was refused by an API server that is starting. Other lost writes end with an UnknownOutcomeError, and a repeated one
// that is refused has CauseRepeated. window bounds the retries of one request, and how long the API server may be away before requests fail
// at once, for all clients of the wrapper together. host is the API server's address as in rest.Config.
func Retry(host string, window time.Duration) func(http.RoundTripper) http.RoundTripper {
	var away outage
	return func(next http.RoundTripper) http.RoundTripper {
		return &retryTransport{next: next, outage: &away, window: window, base: basePath(host), readyz: strings.TrimSuffix(host, "/") + "/readyz"}
	}
}

type retryTransport struct {
	next   http.RoundTripper
	outage *outage
	window time.Duration
	base   string
	readyz string
}

// outage is since when the API server has not been ready.
type outage struct {
	mu    sync.Mutex
	since time.Time // zero while the API server is ready
	retry time.Time // when /readyz may be asked again, as its Retry-After says
}

// maxRetryAfter bounds how long a Retry-After is obeyed.
const maxRetryAfter = 30 * time.Second

// postpone obeys the Retry-After of an answer that is not good.
func (o *outage) postpone(answer *http.Response) {
	seconds, err := strconv.Atoi(answer.Header.Get("Retry-After"))
	if err != nil || seconds <= 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.retry = time.Now().Add(min(time.Duration(seconds)*time.Second, maxRetryAfter))
}

func (o *outage) postponed() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return time.Now().Before(o.retry)
}

func (o *outage) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.since = time.Time{}
}

// begin sets the begin of an outage, unless one has begun already.
func (o *outage) begin(at time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.since.IsZero() {
		o.since = at
	}
}

func (o *outage) length() time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.since.IsZero() {
		return 0
	}
	return time.Since(o.since)
}

// readyzTimeout bounds a request for /readyz after an outage longer than the window.
const readyzTimeout = 2 * time.Second

// RoundTrip sends a request, and again where that is needed and does no harm.
func (t *retryTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if t.outage.length() >= t.window {
		// The request itself could hang until its connection times out.
		ctx, cancel := context.WithTimeout(req.Context(), readyzTimeout)
		defer cancel()
		if !t.isReady(ctx) {
			if req.Body != nil {
				_ = req.Body.Close() // The contract of http.RoundTripper.
			}
			return nil, fmt.Errorf("the request was not sent: the API server has not answered for %.0f s", t.outage.length().Seconds())
		}
	}
	answer, lost := t.next.RoundTrip(req)
	if lost == nil {
		t.outage.end()
		if answer.StatusCode != http.StatusForbidden {
			return answer, nil
		}
		if answer, lost = t.retryRefused(req, answer); lost == nil {
			return answer, nil
		}
	}
	return t.retryLost(req, lost)
}

// retryLost sends a request again whose connection was lost.
func (t *retryTransport) retryLost(req *http.Request, lost error) (*http.Response, error) {
	if _, unsent := errors.AsType[*notCoveredError](lost); unsent {
		return nil, lost
	}
	body, ok := bodyOf(req)
	if !ok {
		return nil, t.unknownOutcome(req, lost)
	}
	as := t.repetition(req, body)
	if as == never {
		return nil, t.unknownOutcome(req, lost)
	}
	var answer *http.Response
	err := t.whenReady(req.Context(), func() (done bool, _ error) {
		answer, lost = t.next.RoundTrip(cloneOf(req, body)) //nolint:bodyclose // It is the caller's.
		return lost == nil, nil
	})
	if err != nil {
		return nil, t.unknownOutcome(req, fmt.Errorf("%w (and no answer from a ready API server within %s)", lost, t.window))
	}
	return t.firstOutcome(req, as, body, answer)
}

// retryRefused sends a request again whose refusal may be that of an API server that is starting. A refused request was not carried out, so
// any may be sent again. It returns the last answer, or the error of a connection that was lost meanwhile.
func (t *retryTransport) retryRefused(req *http.Request, refused *http.Response) (*http.Response, error) {
	body, ok := bodyOf(req)
	if !ok || refusalOf(refused) == decided {
		return refused, nil
	}
	var lost error
	// Where the API server is not ready again in time, the refusal is the answer.
	_ = t.whenReady(req.Context(), func() (done bool, _ error) {
		answer, err := t.next.RoundTrip(cloneOf(req, body))
		if err != nil {
			lost = err
			return false, err
		}
		_ = refused.Body.Close()
		refused = answer
		return answer.StatusCode != http.StatusForbidden || refusalOf(answer) != notSynced, nil
	})
	if lost != nil {
		_ = refused.Body.Close()
		return nil, lost
	}
	return refused, nil
}

// whenReady calls send whenever the API server is ready, with growing pauses, until it is done, fails or the window has passed.
func (t *retryTransport) whenReady(ctx context.Context, send func() (done bool, _ error)) error {
	ctx, cancel := context.WithTimeout(ctx, t.window)
	defer cancel()
	backoff := wait.Backoff{Duration: 50 * time.Millisecond, Factor: 1.5, Cap: time.Second, Steps: math.MaxInt}
	return backoff.DelayFunc().Until(ctx, true, true, func(ctx context.Context) (bool, error) {
		if t.isReady(ctx) {
			return send()
		}
		if t.outage.length() >= t.window {
			return false, context.DeadlineExceeded
		}
		return false, nil
	})
}

// isReady reports whether /readyz is good, and updates the outage.
func (t *retryTransport) isReady(ctx context.Context) bool {
	if t.outage.postponed() {
		return false
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.readyz, http.NoBody)
	if err != nil {
		return false
	}
	began := time.Now()
	answer, err := t.next.RoundTrip(req)
	if err == nil {
		_ = answer.Body.Close()
		// An account that may not read /readyz gets 401 or 403 from a server that works.
		if answer.StatusCode < http.StatusInternalServerError {
			t.outage.end()
			return true
		}
		t.outage.postpone(answer)
	}
	t.outage.begin(began)
	return false
}

// refusal says what a 403 rests on.
type refusal int

const (
	decided   refusal = iota // a quota, a policy or a webhook, which decide only once they have synced
	notSynced                // an admission plugin whose informers have not synced
	byRBAC                   // the authorizer; one whose informers have not synced refuses in the same words as one that lacks a rule
)

// refusalOf reads the Status of a 403, and leaves it to be read again.
func refusalOf(answer *http.Response) refusal {
	text, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	answer.Body = io.NopCloser(bytes.NewReader(text))
	switch {
	case err != nil:
		return decided
	case bytes.Contains(text, []byte("not yet ready to handle request")): // admission.Handler.WaitForReady
		return notSynced
	case bytes.Contains(text, []byte(`" cannot `)): // responsewriters.Forbidden: User "name" cannot get resource "pods"
		return byRBAC
	}
	return decided
}

// repetition says what sending a request twice comes to.
type repetition int

const (
	never      repetition = iota // it must not be sent twice
	idempotent                   // the second answer is as good as the first
	creation                     // the second one is answered with a conflict
	deletion                     // the second one is answered with not found, or with a conflict if there is a replacement
)

// repetition says what sending the request twice comes to.
func (t *retryTransport) repetition(req *http.Request, body []byte) repetition {
	query := req.URL.Query()
	a, _, ok := attributesOf(req, t.base)
	switch {
	case ok && isStream(a.Resource), req.Header.Get("Upgrade") != "", query.Get("watch") != "":
		return never // The reader of a stream resumes it.
	case req.Method == http.MethodGet, req.Method == http.MethodHead, req.Method == http.MethodPut, query.Get("dryRun") != "":
		// The suite's updates carry a resourceVersion.
		return idempotent
	case req.Method == http.MethodPatch && req.Header.Get("Content-Type") != "application/json-patch+json":
		return idempotent // A merge patch holds values; a JSON patch holds operations.
	case req.Method == http.MethodPost && nameIn(body) != "":
		if ok && !strings.Contains(a.Resource, "/") {
			return creation
		}
	case req.Method == http.MethodDelete:
		var o metav1.DeleteOptions
		if json.Unmarshal(body, &o) == nil && o.Preconditions != nil && o.Preconditions.UID != nil {
			return deletion
		}
	}
	return never
}

// nameIn returns metadata.name of the object in a body, "" with generateName.
func nameIn(body []byte) string {
	var object metav1.PartialObjectMetadata
	if json.Unmarshal(body, &object) != nil {
		return ""
	}
	return object.Name
}

// firstOutcome turns the answer to a repeated request into what the lost one would have been answered.
func (t *retryTransport) firstOutcome(req *http.Request, as repetition, body []byte, answer *http.Response) (*http.Response, error) {
	switch {
	case as == creation && answer.StatusCode == http.StatusConflict:
		if found := t.existing(req, nameIn(body)); found != nil {
			_ = answer.Body.Close()
			return found, nil
		}
	case as == deletion && (answer.StatusCode == http.StatusNotFound || answer.StatusCode == http.StatusConflict):
		_ = answer.Body.Close()
		text, err := json.Marshal(metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusSuccess})
		if err != nil {
			return nil, err
		}
		answer.StatusCode, answer.Status = http.StatusOK, "200 OK"
		setBody(answer, text)
	}
	return markRepeated(req, answer)
}

// markRepeated adds CauseRepeated to the Status of a refused write.
func markRepeated(req *http.Request, answer *http.Response) (*http.Response, error) {
	if isRead(req) || answer.StatusCode < http.StatusBadRequest || answer.StatusCode >= http.StatusInternalServerError {
		return answer, nil
	}
	text, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	var status metav1.Status
	if err == nil {
		err = json.Unmarshal(text, &status)
	}
	if err != nil {
		return nil, &UnknownOutcomeError{fmt.Errorf("answer %s to the request when it was sent again: %w", answer.Status, err)}
	}
	if status.Details == nil {
		status.Details = &metav1.StatusDetails{}
	}
	status.Details.Causes = append(status.Details.Causes, metav1.StatusCause{Type: CauseRepeated, Message: "an earlier sending may have been carried out"})
	if text, err = json.Marshal(status); err != nil {
		return nil, &UnknownOutcomeError{err}
	}
	setBody(answer, text)
	return answer, nil
}

// existing returns an answer with the object of that name that a creation met, nil if none can be found. It lists, since who may watch a
// resource may list it, and need not be allowed to get it.
func (t *retryTransport) existing(creation *http.Request, name string) *http.Response {
	req := cloneOf(creation, nil)
	req.Method = http.MethodGet
	req.URL.RawQuery = url.Values{"fieldSelector": {fields.OneTermEqualSelector(metav1.ObjectNameField, name).String()}}.Encode()
	answer, err := t.RoundTrip(req)
	if err != nil {
		return nil
	}
	text, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	var list struct {
		metav1.TypeMeta
		Items []map[string]any `json:"items"`
	}
	if err != nil || answer.StatusCode != http.StatusOK || json.Unmarshal(text, &list) != nil || len(list.Items) != 1 {
		return nil
	}
	// Lists leave them out of their items.
	list.Items[0]["kind"], list.Items[0]["apiVersion"] = strings.TrimSuffix(list.Kind, "List"), list.APIVersion
	if text, err = json.Marshal(list.Items[0]); err != nil {
		return nil
	}
	setBody(answer, text)
	return answer
}

// unknownOutcome wraps the error of a lost write, or of a lost command in a pod.
func (t *retryTransport) unknownOutcome(req *http.Request, lost error) error {
	if a, _, _ := attributesOf(req, t.base); isRead(req) && !isStream(a.Resource) {
		return lost
	}
	return &UnknownOutcomeError{lost}
}

// isRead reports whether a request changes nothing.
func isRead(req *http.Request) bool {
	return req.Method == http.MethodGet || req.Method == http.MethodHead || req.URL.Query().Get("dryRun") != ""
}
