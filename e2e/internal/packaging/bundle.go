package packaging

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
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
	return pack(out, dir, gzip.BestSpeed)
}

// pack writes what is in a folder as a tar.gz archive, compressed at a level of package gzip.
func pack(out io.Writer, dir string, level int) error {
	zipped, err := gzip.NewWriterLevel(out, level)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(zipped)
	return errors.Join(archive.AddFS(os.DirFS(dir)), archive.Close(), zipped.Close())
}
