package packaging

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Listed is one image that a run uses.
type Listed struct {
	Setting   string // that names another one
	Reference string
	Digest    string // of its manifest; empty where nobody here knows it
	From      string // who told the digest, or why nobody did
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

// ReadList reads the list of a bundle.
func ReadList(dir string) ([]Listed, error) {
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
	return remote.Image(parsed, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain),
		remote.WithPlatform(v1.Platform{OS: "linux", Architecture: architecture}))
}
