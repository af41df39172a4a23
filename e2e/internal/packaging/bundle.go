package packaging

import (
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/export"
)

// ImageFile is where a bundle has an image, by the setting that names another.
func ImageFile(setting string) string { return filepath.Join("images", setting+".tar") }

// Pack writes what is in a folder as a tar.gz archive.
func Pack(file, dir string) (err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	return export.Pack(out, dir, gzip.BestSpeed)
}
