package packaging

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/imagelayer"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/images"
)

// versionLabel is where tools look for the version of what an image packs, by the image specification of the Open Container Initiative.
const versionLabel = "org.opencontainers.image.version"

// User is whom the image runs as: nobody in particular, and not root.
const User = "65532:65532"

// Image makes an image of the program in dir, which is of that version and for that architecture, and of the bundle's list of images if dir has one, from which
// certify takes what pods run: nothing else is in it, no shell either. Its layer is written below work, which must stay for as long as the
// image is used.
func Image(dir, work, version, architecture string) (v1.Image, error) {
	l := imagelayer.New()
	l.File("/"+Command, filepath.Join(dir, Command))
	switch list, err := os.ReadFile(filepath.Join(dir, images.ListFile)); {
	case err == nil:
		l.Text("/"+images.ListFile, 0o644, list)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	return imagelayer.Assemble(architecture, v1.Config{
		Entrypoint: []string{"/" + Command},
		Cmd:        []string{"certify"},
		User:       User,
		WorkingDir: "/",
		Labels:     map[string]string{"statefulset-conformance.made": "suite-image", versionLabel: version},
	}, work, l)
}

// Save writes an image as an archive that docker, podman, containerd and kind load. The reference is how it is called then.
func Save(file, reference string, image v1.Image) error {
	tag, err := name.NewTag(reference)
	if err != nil {
		return fmt.Errorf("expected the name of an image, such as %s, found %q: %w", images.Suite, reference, err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return tarball.WriteToFile(file, tag, image)
}
