// Package images names the container images that a run uses and asks registries about them. It builds none: package nodeimage builds the
// workload's images, package packaging the suite's.
package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// The settings that name images.
const (
	NginxSetting       = "NGINX_IMAGE"
	BusyboxSetting     = "BUSYBOX_IMAGE"
	EtcdSetting        = "ETCD_IMAGE"
	EarlierEtcdSetting = "EARLIER_ETCD_IMAGE"
	PostgresSetting    = "POSTGRES_IMAGE"
	SuiteSetting       = "SUITE_IMAGE"
)

// The workload's images in a public registry.
const (
	PublicNginx   = "docker.io/library/nginx:1.29-alpine"
	PublicBusybox = "docker.io/library/busybox:1.37"
	// PublicEtcd is that of the level workload, where the cluster does not show its own.
	PublicEtcd = "registry.k8s.io/etcd:3.7.0-0"
	// PublicPostgres is that of the other database of the level workload.
	PublicPostgres = "docker.io/library/postgres:17-alpine"
)

// Public returns the workload's images in a public registry.
func Public() runconfig.Images {
	return runconfig.Images{Nginx: PublicNginx, Busybox: PublicBusybox}
}

// Suite is the default name of the suite's own image. ".local" is resolved on no public network, so nobody pulls another image by
// that name.
const Suite = "statefulset-conformance.local/suite:v1"

// Listed is one image that a run uses.
type Listed struct {
	Setting   string // that names another one
	Reference string
	Digest    string // of its manifest; empty if it is not known
	From      string // where the digest comes from, or why it is not known
}

// ListFile lists a bundle's images, one a line: setting, reference, digest.
const ListFile = "images.txt"

// WriteList writes images as lines of text.
func WriteList(out io.Writer, images []Listed) error {
	for _, i := range images {
		digest := i.Digest
		if digest == "" {
			digest = "-"
		}
		if _, err := fmt.Fprintf(out, "%-14s %s %s\n", i.Setting, i.Reference, digest); err != nil {
			return err
		}
	}
	return nil
}

// SaveList writes the list of a bundle into its folder.
func SaveList(dir string, images []Listed) (err error) {
	out, err := os.Create(filepath.Join(dir, ListFile))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	return WriteList(out, images)
}

// Bundled returns the list of the bundle or the image that this program is part of; it is empty if the program is part of none.
func Bundled() ([]Listed, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if self, err = filepath.EvalSymlinks(self); err != nil {
		return nil, err
	}
	list, err := readList(filepath.Dir(self))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return list, err
}

// readList reads the list of a bundle.
func readList(dir string) ([]Listed, error) {
	data, err := os.ReadFile(filepath.Join(dir, ListFile))
	if err != nil {
		return nil, err
	}
	var out []Listed
	for line := range strings.Lines(string(data)) {
		words := strings.Fields(line)
		if len(words) != 3 {
			return nil, fmt.Errorf("%s: expected lines of a setting, an image and its digest, found %q", ListFile, line)
		}
		out = append(out, Listed{Setting: words[0], Reference: words[1], Digest: strings.TrimPrefix(words[2], "-"), From: "the bundle"})
	}
	return out, nil
}

// SameImage reports whether two references name the same image, in the same registry or in two.
func SameImage(a, b string) bool {
	one, err1 := name.ParseReference(a)
	other, err2 := name.ParseReference(b)
	return err1 == nil && err2 == nil && one.Identifier() == other.Identifier() &&
		filepath.Base(one.Context().RepositoryStr()) == filepath.Base(other.Context().RepositoryStr())
}

// Mirrored returns where a mirror has an image: its path below the mirror, without the registry that it comes from.
func Mirrored(mirror, reference string) (string, error) {
	if mirror == "" {
		return reference, nil
	}
	parsed, err := name.ParseReference(reference)
	if err != nil {
		return "", err
	}
	at := strings.TrimSuffix(mirror, "/") + "/" + parsed.Context().RepositoryStr()
	if digest, ok := parsed.(name.Digest); ok {
		at += "@" + digest.DigestStr()
	} else {
		at += ":" + parsed.Identifier()
	}
	if _, err := name.ParseReference(at); err != nil {
		return "", fmt.Errorf("expected a registry and perhaps a path, such as registry.example/mirror, found %q: %w", mirror, err)
	}
	return at, nil
}

// registryLimit is how long a registry may take to say what it has.
const registryLimit = 8 * time.Second

// Digest asks the image's registry for the digest behind its name.
func Digest(ctx context.Context, reference string) (string, error) {
	parsed, err := name.ParseReference(reference)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, registryLimit)
	defer cancel()
	found, err := remote.Head(parsed, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain))
	if err != nil {
		return "", err
	}
	return found.Digest.String(), nil
}

// Pull returns an image from its registry, for Linux on that architecture.
func Pull(ctx context.Context, reference, architecture string) (v1.Image, error) {
	if _, err := Digest(ctx, reference); err != nil {
		return nil, err
	}
	parsed, err := name.ParseReference(reference)
	if err != nil {
		return nil, err
	}
	image, err := remote.Image(parsed, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain),
		remote.WithPlatform(v1.Platform{OS: "linux", Architecture: architecture}))
	if err != nil {
		return nil, err
	}
	// A reference to one platform's image is answered with that, whatever was asked for.
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	if config.Architecture != "" && config.Architecture != architecture {
		return nil, fmt.Errorf("the registry has it for %s, not for %s", config.Architecture, architecture)
	}
	return image, nil
}
