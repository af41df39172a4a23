package apiclient

import (
	"bytes"
	"io"
	"net/http"
)

// bodyOf returns a request's body after it was sent. ok is false where it cannot be read again.
func bodyOf(req *http.Request) (body []byte, ok bool) {
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

func cloneOf(req *http.Request, body []byte) *http.Request {
	clone := req.Clone(req.Context())
	clone.Body, clone.ContentLength = http.NoBody, int64(len(body))
	if len(body) > 0 {
		clone.Body = io.NopCloser(bytes.NewReader(body))
	}
	return clone
}

// setBody replaces an answer's body by JSON.
func setBody(answer *http.Response, text []byte) {
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	answer.Header = http.Header{"Content-Type": {"application/json"}}
}
