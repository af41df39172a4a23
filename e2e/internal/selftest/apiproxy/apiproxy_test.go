package apiproxy

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// send starts a proxy in front of a server that says what it was sent, and returns what the server says to a request through it.
func send(t *testing.T, p *Proxy, method, path, body string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%s %s %s by %s", r.Method, r.URL.Path, sent, r.Header.Get("Impersonate-User"))
	}))
	defer server.Close()
	direct := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(leadingTo(server.URL), direct); err != nil {
		t.Fatal(err)
	}
	file, err := p.Start(t.Context(), direct, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	config, err := clientcmd.BuildConfigFromFlags("", file)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, config.Host+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	said, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(said)
}

func TestProxyForwards(t *testing.T) {
	upper := func(_ *http.Request, body []byte) []byte { return []byte(strings.ToUpper(string(body))) }
	shout := func(_ *http.Request, answer io.ReadCloser) io.ReadCloser {
		text, _ := io.ReadAll(answer)
		_ = answer.Close()
		return io.NopCloser(strings.NewReader(string(text) + "!"))
	}
	for name, c := range map[string]struct {
		proxy              Proxy
		method, path, want string
	}{
		"as it is":     {Proxy{}, http.MethodPost, "/api", "POST /api body by "},
		"changed":      {Proxy{Change: upper}, http.MethodPut, "/api", "PUT /api BODY by "},
		"a read":       {Proxy{Change: upper}, http.MethodGet, "/api", "GET /api body by "},
		"another user": {Proxy{User: "suite"}, http.MethodPost, "/api", "POST /api body by suite"},
		"for others":   {Proxy{Address: "127.0.0.1"}, http.MethodPost, "/api", "POST /api body by "},
		"an answer":    {Proxy{Answer: shout}, http.MethodGet, "/api", "GET /api body by !"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := send(t, &c.proxy, c.method, c.path, "body"); got != c.want {
				t.Errorf("expected %q, found %q", c.want, got)
			}
		})
	}
}

func TestIsWatch(t *testing.T) {
	for path, want := range map[string]bool{"/api?watch=true": true, "/api?watch=1": true, "/api?watch=false": false, "/api": false} {
		if got := IsWatch(httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody)); got != want {
			t.Errorf("%s: expected %t, found %t", path, want, got)
		}
	}
}
