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
)

// SuiteImage is the name of the suite's image where none is given. ".local" is resolved on no public network, so nobody pulls
// another image by that name.
const SuiteImage = "statefulset-conformance.local/suite:v1"

// versionLabel is where tools look for the version of what an image packs, by the image specification of the Open Container Initiative.
const versionLabel = "org.opencontainers.image.version"

// User is whom the image runs as: nobody in particular, and not root.
const User = "65532:65532"

// Image makes an image of the programs in dir, which are of that version, and of the bundle's list of images if dir has one, from which
// certify takes what pods run: nothing else is in it, no shell either. Its layer is written below work, which must stay for as long as the
// image is used.
func Image(dir, work, version string) (v1.Image, error) {
	l := imagelayer.New()
	for _, program := range Programs() {
		l.File("/"+program, filepath.Join(dir, program))
	}
	switch list, err := os.ReadFile(filepath.Join(dir, ListFile)); {
	case err == nil:
		l.Text("/"+ListFile, 0o644, list)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	return imagelayer.Assemble(v1.Config{
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
		return fmt.Errorf("expected the name of an image, such as %s, found %q: %w", SuiteImage, reference, err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return tarball.WriteToFile(file, tag, image)
}
