package packaging

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/images"
)

func TestImageHoldsTheProgramAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, Command), "program")
	image, err := Image(dir, filepath.Join(t.TempDir(), "layers"), "v1", "arm64")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "image.tar")
	if err := Save(file, "registry.example/suite:1", image); err != nil {
		t.Fatal(err)
	}
	saved, err := tarball.ImageFromPath(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	config, err := saved.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.Config.User != "65532:65532" || strings.Join(config.Config.Entrypoint, " ") != "/conformance" || len(config.RootFS.DiffIDs) != 1 {
		t.Errorf("expected one layer, run as 65532 with /conformance, found %+v and %d layers", config.Config, len(config.RootFS.DiffIDs))
	}
	if config.OS != "linux" || config.Architecture != "arm64" {
		t.Errorf("expected an image for linux on arm64, found %s on %s", config.OS, config.Architecture)
	}
	if found := config.Config.Labels["org.opencontainers.image.version"]; found != "v1" {
		t.Errorf("expected the image to name its version v1, found %q", found)
	}
	again, err := Image(dir, filepath.Join(t.TempDir(), "layers"), "v1", "arm64")
	if err != nil {
		t.Fatal(err)
	}
	first, _ := image.Digest()
	if second, err := again.Digest(); err != nil || first != second {
		t.Errorf("expected the same programs to make the same image, found %s and %s (%v)", first, second, err)
	}
	if err := Save(file, "No Such:Name", image); err == nil || !strings.Contains(err.Error(), "expected the name of an image") {
		t.Errorf("expected the name to be rejected, found %v", err)
	}
}

func TestImageHoldsTheListOfItsBundle(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, Command), "program")
	files := func() string {
		t.Helper()
		image, err := Image(dir, filepath.Join(t.TempDir(), "layers"), "v1", "arm64")
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		content := mutate.Extract(image)
		defer content.Close()
		for archive := tar.NewReader(content); ; {
			header, err := archive.Next()
			if errors.Is(err, io.EOF) {
				return strings.Join(found, " ")
			}
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, header.Name)
		}
	}
	if got, want := files(), "conformance"; got != want {
		t.Errorf("expected an image of its own to hold %s, found %s", want, got)
	}
	if err := images.SaveList(dir, []images.Listed{{Setting: "NGINX_IMAGE", Reference: "registry.example/nginx:1"}}); err != nil {
		t.Fatal(err)
	}
	if got, want := files(), "conformance images.txt"; got != want {
		t.Errorf("expected the image of a bundle to hold %s, found %s", want, got)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The program is compiled for the architecture that its image names, whatever the environment says.
func TestProgramIsBuiltForTheArchitecture(t *testing.T) {
	dir, bin := t.TempDir(), t.TempDir()
	script := "#!/bin/sh\nwhile test \"$1\" != -o; do shift; done\necho $GOOS/$GOARCH/$CGO_ENABLED >$2\n"
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("GOARCH", "amd64")
	if err := Build(t.Context(), dir, "arm64"); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, Command)); err != nil || strings.TrimSpace(string(got)) != "linux/arm64/0" {
		t.Errorf("expected a static program for linux/arm64, found %s, %v", got, err)
	}
}
