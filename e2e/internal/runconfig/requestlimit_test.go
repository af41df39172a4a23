package runconfig

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

func TestRequestTimeout(t *testing.T) {
	const limit, slow = 50 * time.Millisecond, 400 * time.Millisecond
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow-body" {
			w.(http.Flusher).Flush()
		}
		select {
		case <-time.After(slow):
		case <-r.Context().Done():
		}
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "config")
	text := "{apiVersion: v1, kind: Config, current-context: a, clusters: [{name: a, cluster: {server: '" + server.URL + "'}}], contexts: [{name: a, context: {cluster: a}}]}"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path  string
		limit time.Duration
		ends  bool
	}{
		{"/slow", limit, true},
		{"/slow-body", limit, true},
		{"/slow", 0, false},
		{"/slow", time.Minute, false},
		{"/slow?watch=true", limit, false},
		{"/slow?follow=true", limit, false},
	} {
		config, err := Settings{Kubeconfig: file, RequestTimeout: c.limit}.RESTConfig()
		if err != nil {
			t.Fatal(err)
		}
		client, err := rest.HTTPClientFor(config)
		if err != nil {
			t.Fatal(err)
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+c.path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(request)
		if err == nil {
			_, err = io.ReadAll(answer.Body)
			_ = answer.Body.Close()
		}
		if ended := errors.Is(err, context.DeadlineExceeded); ended != c.ends || (err != nil) != c.ends {
			t.Errorf("%s with the limit %v: expected it to be ended %t, found %v", c.path, c.limit, c.ends, err)
		}
	}
}
