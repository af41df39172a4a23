// Package export hands over what a run leaves: its report as lines of a log, and its results as tools collect them. It builds and packs no
// program: package packaging does.
package export

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
)

// blockType is between the dashes around a report in a log.
const blockType = "CONFORMANCE REPORT"

// Bounds of a log and of the report in it: a few MiB of gzip can fill a disk.
const (
	maxLog      = 256 << 20
	maxUnpacked = 1 << 30
	maxFiles    = 10_000
)

// WriteReport writes the files below dir as lines of text: a log is what a pod can leave behind without a volume, and without a
// program in the image to copy with. The lines are base64 (RFC 7468) of a tar.gz archive. What a log has no room for is left out, and said.
func WriteReport(out io.Writer, dir string) error { return writeWithin(out, dir, maxInLog) }

func writeWithin(out io.Writer, dir string, limit int64) error {
	var packed bytes.Buffer
	left, err := packWithin(&packed, os.DirFS(dir), limit)
	if err != nil {
		return err
	}
	err = pem.Encode(out, &pem.Block{Type: blockType, Bytes: packed.Bytes()})
	if len(left) > 0 {
		_, said := fmt.Fprintf(out, "report: a log has no room for all of it: %d files were left out, such as %s; %s in it names them\n", len(left), left[0].name, leftOutFile)
		err = errors.Join(err, said)
	}
	return err
}

// ReadReport finds the report in a log and writes its files below dir. It overwrites nothing.
func ReadReport(log io.Reader, dir string) error {
	text, err := reportdir.ReadAll(log, maxLog)
	if err != nil {
		return err
	}
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return fmt.Errorf("expected a log with the line -----BEGIN %s-----, found none, or one without its end: "+
				"the run has not ended yet, or the log was cut", blockType)
		}
		if block.Type == blockType {
			return unpack(block.Bytes, dir)
		}
	}
}

// Pack writes the files below a folder, which may be written to meanwhile, as a tar.gz archive, compressed at a level of package gzip: a file as long as it
// was when it was opened, and none that is gone by then. Links are left out.
func Pack(out io.Writer, dir string, level int) error {
	zipped, err := gzip.NewWriterLevel(out, level)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(zipped)
	folder := os.DirFS(dir)
	err = fs.WalkDir(folder, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && (name == "." || !entry.IsDir() && !entry.Type().IsRegular()) {
			return nil
		}
		if err == nil {
			err = addFile(archive, folder, name)
		}
		if errors.Is(err, fs.ErrNotExist) && name != "." {
			return nil
		}
		return err
	})
	return errors.Join(err, archive.Close(), zipped.Close())
}

func unpack(packed []byte, dir string) error {
	zipped, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, reportdir.FolderMode); err != nil {
		return err
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		return cmp.Or(err, fmt.Errorf("%s: expected an empty folder or none, found %s: name another", dir, entries[0].Name()))
	}
	// Whatever the archive calls its files, they end up below dir.
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	content := &io.LimitedReader{R: zipped, N: maxUnpacked}
	for archive, n := tar.NewReader(content), 0; ; n++ {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if content.N <= 0 || n > maxFiles {
			return fmt.Errorf("expected a report of at most %d files and %d bytes", maxFiles, maxUnpacked)
		}
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(header.Name, "/")
		switch header.Typeflag {
		case tar.TypeDir:
			err = root.MkdirAll(name, reportdir.FolderMode)
		case tar.TypeReg:
			err = writeInto(root, name, archive)
		default:
			err = errors.New("expected a file or a folder")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Join(dir, name), err)
		}
	}
}

func writeInto(root *os.Root, name string, content io.Reader) error {
	if err := root.MkdirAll(filepath.Dir(name), reportdir.FolderMode); err != nil {
		return err
	}
	file, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, reportdir.FileMode)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := io.Copy(file, content); err != nil {
		return err
	}
	return file.Close()
}
