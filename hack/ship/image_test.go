package ship

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func TestImageHoldsTheProgramsAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	for _, program := range Programs() {
		path := filepath.Join(dir, program)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("program "+program), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	image, err := Image(dir, filepath.Join(t.TempDir(), "layers"), "v1")
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
	if found := config.Config.Labels["org.opencontainers.image.version"]; found != "v1" {
		t.Errorf("expected the image to name its version v1, found %q", found)
	}
	again, err := Image(dir, filepath.Join(t.TempDir(), "layers"), "v1")
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
