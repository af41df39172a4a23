package images

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

func TestMirrored(t *testing.T) {
	digest := "sha256:" + strings.Repeat("a", 64)
	for _, c := range []struct{ mirror, reference, want string }{
		{"", "docker.io/library/nginx:1.29-alpine", "docker.io/library/nginx:1.29-alpine"},
		{"registry.example", "docker.io/library/nginx:1.29-alpine", "registry.example/library/nginx:1.29-alpine"},
		{"registry.example:5000/team/", "busybox:1.37", "registry.example:5000/team/library/busybox:1.37"},
		{"registry.example", "quay.io/a/b@" + digest, "registry.example/a/b@" + digest},
		{"Registry Example", "busybox:1.37", ""},
	} {
		got, err := Mirrored(c.mirror, c.reference)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s from %q: expected %q, found %q, %v", c.reference, c.mirror, c.want, got, err)
		}
	}
}

func TestListIsReadAsItWasWritten(t *testing.T) {
	images := []Listed{{Setting: "NGINX_IMAGE", Reference: "a/b:1", Digest: "sha256:1"}, {Setting: "SUITE_IMAGE", Reference: "c:2"}}
	dir := t.TempDir()
	if err := SaveList(dir, images); err != nil {
		t.Fatal(err)
	}
	got, err := readList(dir)
	if err != nil || len(got) != 2 || got[0].Digest != "sha256:1" || got[1].Reference != "c:2" || got[1].Digest != "" {
		t.Errorf("expected %v, found %v, %v", images, got, err)
	}
	if err := os.WriteFile(filepath.Join(dir, ListFile), []byte("one two\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readList(dir); err == nil {
		t.Error("expected a malformed list to be rejected")
	}
}

func TestDigestAndPullAskTheRegistry(t *testing.T) {
	server := httptest.NewServer(registry.New())
	defer server.Close()
	reference := strings.TrimPrefix(server.URL, "http://") + "/library/empty:1"
	if digest, err := Digest(t.Context(), reference); err == nil {
		t.Errorf("expected an image that is not there to have no digest, found %s", digest)
	}
	tag, err := name.NewTag(reference)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, empty.Image); err != nil {
		t.Fatal(err)
	}
	want, _ := empty.Image.Digest()
	if digest, err := Digest(t.Context(), reference); err != nil || digest != want.String() {
		t.Errorf("expected %s, found %s, %v", want, digest, err)
	}
	pulled, err := Pull(t.Context(), reference, "amd64")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := pulled.Digest(); err != nil || got != want {
		t.Errorf("expected %s, found %s, %v", want, got, err)
	}
}

// Of an image for several architectures the wanted one is pulled; one for another alone is none.
func TestPullTakesTheArchitecture(t *testing.T) {
	server := httptest.NewServer(registry.New())
	defer server.Close()
	both := v1.ImageIndex(empty.Index)
	for _, architecture := range []string{"amd64", "arm64"} {
		image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: architecture})
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(tagOf(t, server, architecture), image); err != nil {
			t.Fatal(err)
		}
		both = mutate.AppendManifests(both, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: architecture}}})
	}
	if err := remote.WriteIndex(tagOf(t, server, "both"), both); err != nil {
		t.Fatal(err)
	}
	for tag, want := range map[string]string{"both": "", "arm64": "", "amd64": "the registry has it for amd64, not for arm64"} {
		image, err := Pull(t.Context(), tagOf(t, server, tag).String(), "arm64")
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: expected %q, found %v", tag, want, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if config, err := image.ConfigFile(); err != nil || config.Architecture != "arm64" {
			t.Errorf("%s: expected the image for arm64, found %+v, %v", tag, config, err)
		}
	}
}

func tagOf(t *testing.T, server *httptest.Server, tag string) name.Tag {
	t.Helper()
	parsed, err := name.NewTag(strings.TrimPrefix(server.URL, "http://") + "/library/empty:" + tag)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}
