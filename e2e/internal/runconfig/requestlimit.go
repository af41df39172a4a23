package runconfig

import (
	"context"
	"io"
	"net/http"
)

// limitRequests ends requests that take longer than the limit, their answers included. As of kubectl's --request-timeout, except that what is to last stays:
// watches, logs that are followed, and connections to containers.
func (s Settings) limitRequests(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		q := r.URL.Query()
		if q.Get("watch") == "true" || q.Get("watch") == "1" || q.Get("follow") == "true" || r.Header.Get("Upgrade") != "" {
			return next.RoundTrip(r)
		}
		ctx, cancel := context.WithTimeout(r.Context(), s.RequestTimeout)
		answer, err := next.RoundTrip(r.WithContext(ctx))
		if err != nil {
			cancel()
			return answer, err
		}
		answer.Body = &limitedBody{answer.Body, cancel}
		return answer, nil
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// limitedBody is an answer's body that ends the limit of its request when it is closed.
type limitedBody struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b *limitedBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}
