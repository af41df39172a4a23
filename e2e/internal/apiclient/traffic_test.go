package apiclient

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
)

func TestTraffic(t *testing.T) {
	var traffic Traffic
	client := http.Client{Transport: traffic.Count("https://server")(roundTripper(func(req *http.Request) (*http.Response, error) {
		if req.URL.Path == "/away" {
			return nil, errors.New("nobody answers")
		}
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("12345"))}, nil
	}))}
	for _, path := range []string{"/api/v1/pods", "/api/v1/pods?watch=1", "/api/v1/nodes?watch=true", "/version", "/away"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://server"+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(req)
		if err != nil {
			continue
		}
		if path != "/version" { // what is not read was not received
			if _, err := io.ReadAll(answer.Body); err != nil {
				t.Error(err)
			}
		}
		if err := answer.Body.Close(); err != nil {
			t.Error(err)
		}
	}
	if want := map[string]int{"list": 1, "watch": 2, "get": 2}; !maps.Equal(traffic.Requests(), want) || traffic.Received() != 15 {
		t.Errorf("expected %v and 15 bytes, found %v and %d", want, traffic.Requests(), traffic.Received())
	}
}
