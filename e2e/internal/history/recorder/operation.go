package recorder

import (
	"errors"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/apiclient"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Call is an operation that has begun.
type Call struct {
	r  *Recorder
	at int // the operation's index in the history
}

// Begin records an operation. It must be called before the request is sent, so that the operation precedes every event that the request
// causes; the operation's outcome is unknown until End or Return is called. Its places, times and outcome are the recorder's to set.
func (r *Recorder) Begin(op history.Operation) *Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	op.Seq, op.At = r.nextLocked()
	op.ReturnSeq, op.ReturnAt, op.Outcome, op.Result, op.Reason = 0, 0, history.Unknown, nil, ""
	r.h.Operations = append(r.h.Operations, op)
	return &Call{r: r, at: len(r.h.Operations) - 1}
}

// End records the answer to the operation. Only the first call counts. result is for an accepted operation that the API server answered
// with an object, reason for one that was refused or whose outcome is unknown.
func (c *Call) End(outcome history.OperationOutcome, result *history.Result, reason string) {
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	op := &c.r.h.Operations[c.at]
	if op.ReturnSeq != 0 {
		return
	}
	op.ReturnSeq, op.ReturnAt = c.r.nextLocked()
	op.Outcome = outcome
	if outcome == history.Accepted {
		op.Result = result
	} else {
		op.Reason = reason
	}
}

// Return records the answer to the operation as a client of client-go returns it: the object, nil where the request has none to answer
// with, and the error.
func (c *Call) Return(answer metav1.Object, err error) {
	switch {
	case err == nil && answer == nil:
		c.End(history.Accepted, nil, "")
	case err == nil:
		c.End(history.Accepted, &history.Result{
			UID: answer.GetUID(), Generation: answer.GetGeneration(), ResourceVersion: answer.GetResourceVersion(),
		}, "")
	case refused(err):
		c.End(history.Refused, nil, err.Error())
	default:
		c.End(history.Unknown, nil, err.Error())
	}
}

// refused reports whether an error is the API server's word that it did not carry out a request: a status of the 4xx class. A time-out and
// an error of the server leave open what became of the request, and so does everything that is not an answer, and a refusal of a request
// that was sent again after its connection was lost.
func refused(err error) bool {
	status := apierrors.APIStatus(nil)
	if !errors.As(err, &status) || apierrors.HasStatusCause(err, apiclient.CauseRepeated) {
		return false
	}
	code := status.Status().Code
	return code >= http.StatusBadRequest && code < http.StatusInternalServerError && code != http.StatusRequestTimeout
}

// RecordClient records an operation of a client of a database, which has ended now. Its place and the time of its end are the recorder's to set; its call
// was at a moment of Now.
func (r *Recorder) RecordClient(o history.ClientOperation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o.Seq, o.At = r.nextLocked()
	r.h.Clients = append(r.h.Clients, &o)
}

// RecordMember records what a member of a database has said of itself now; as of RecordClient.
func (r *Recorder) RecordMember(s history.MemberState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.Seq, s.At = r.nextLocked()
	r.h.Members = append(r.h.Members, &s)
}
