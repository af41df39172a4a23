package matrix

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/random"
	"golang.org/x/time/rate"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

func TestGate(t *testing.T) {
	const layer = 3 << 10
	g := &gate{line: rate.NewLimiter(layer, layer/3), next: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, layer))
	})}
	ask := func(path, user, password string) int {
		t.Helper()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody)
		if user != "" {
			r.SetBasicAuth(user, password)
		}
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if w.Code == http.StatusOK && w.Body.Len() != layer {
			t.Errorf("%s: expected all %d bytes, found %d", path, layer, w.Body.Len())
		}
		return w.Code
	}
	r := Registry{gate: g}
	if _, err := r.Used(); err == nil {
		t.Error("expected an error where nobody pulled, found none")
	}
	start := time.Now()
	for _, c := range []struct {
		path, user, password string
		code                 int
	}{
		{"/v2/nginx/manifests/1", "", "", http.StatusUnauthorized},
		{"/v2/nginx/manifests/1", pullUser, "another", http.StatusUnauthorized},
		{"/v2/nginx/manifests/1", pullUser, pullPassword, http.StatusTooManyRequests},
		{"/v2/nginx/manifests/1", pullUser, pullPassword, http.StatusOK},
		{"/v2/nginx/blobs/1", pullUser, pullPassword, http.StatusOK},
	} {
		if code := ask(c.path, c.user, c.password); code != c.code {
			t.Errorf("%s as %q: expected %d, found %d", c.path, c.user, c.code, code)
		}
	}
	// Two answers of a second each; the first third of them was there to be sent.
	if took := time.Since(start); took < time.Second {
		t.Errorf("expected the line to be slow, found both layers after %s", took)
	}
	if used, err := r.Used(); err != nil || !strings.Contains(used, "1 manifests served, 2 requests without credentials refused, 1 answered with 429") {
		t.Errorf("expected what was done, found %q: %v", used, err)
	}
}

func TestAnew(t *testing.T) {
	image, err := random.Image(64, 2)
	if err != nil {
		t.Fatal(err)
	}
	image, err = (&Registry{dir: t.TempDir()}).anew(image, "library/nginx")
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if layers, err := image.Layers(); err != nil || len(layers) != 3 || len(config.RootFS.DiffIDs) != 3 {
		t.Errorf("expected a layer more than two, in the configuration as well, found %d and %d: %v", len(layers), len(config.RootFS.DiffIDs), err)
	}
}

func TestUse(t *testing.T) {
	r := &Registry{dir: t.TempDir(), images: runconfig.Images{Nginx: registryName + "/nginx:1", Busybox: registryName + "/busybox:1"}}
	var s runconfig.Settings
	if err := r.Use(&s); err != nil {
		t.Fatal(err)
	}
	if _, err := runconfig.ReadPullSecret(s.PullSecret); err != nil || s.Images.Nginx != r.images.Nginx || s.PodPatch.Validate() != nil {
		t.Errorf("expected credentials, images and pods that name the secret, found %+v: %v", s, err)
	}
}
