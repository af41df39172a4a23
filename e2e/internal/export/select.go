package export

import (
	"archive/tar"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// maxInLog is how many bytes of a packed report go into a log. A kubelet begins a new file after 10 MiB by default, and kubectl reads the newest
// alone; of that file, each 48 bytes of a report take 64 characters, their line's end and the runtime's 46 before it. The rest is for the run's own lines.
const maxInLog = 7 << 19

// leftOutFile names, in a packed report, the files that it lacks.
const leftOutFile = "left-out.txt"

// fileOf is a file of a report, with what it takes in an archive.
type fileOf struct {
	name   string
	packed int64
}

// packWithin writes the files of a report as a tar.gz archive of no more than about limit bytes: those that decide verdicts first, evidence of
// failures last. It returns what it left out.
func packWithin(out io.Writer, dir fs.FS, limit int64) (left []fileOf, err error) {
	files, err := inOrder(dir)
	if err != nil {
		return nil, err
	}
	zipped, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	archive := tar.NewWriter(zipped)
	for _, f := range files {
		if f.packed > limit {
			left = append(left, f)
			continue
		}
		limit -= f.packed
		if err := addFile(archive, dir, f.name); err != nil {
			return nil, err
		}
	}
	if len(left) > 0 {
		var list strings.Builder
		for _, f := range left {
			fmt.Fprintln(&list, f.name)
		}
		header := tar.Header{Typeflag: tar.TypeReg, Name: leftOutFile, Mode: 0o600, Size: int64(list.Len())}
		if err = archive.WriteHeader(&header); err == nil {
			_, err = io.WriteString(archive, list.String())
		}
	}
	return left, errors.Join(err, archive.Close(), zipped.Close())
}

// inOrder lists the files of a report, those first that most depends on.
func inOrder(dir fs.FS) ([]fileOf, error) {
	var files []fileOf
	failed := map[string]bool{} // what is below failures is named like the history
	err := fs.WalkDir(dir, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			failed[path.Base(name)] = failed[path.Base(name)] || path.Base(path.Dir(name)) == "failures"
			return nil
		}
		packed, err := packedSize(dir, name)
		files = append(files, fileOf{name, packed})
		return err
	})
	rank := func(name string) int {
		base, _, _ := strings.Cut(path.Base(name), ".")
		switch {
		case strings.Contains("/"+name, "/failures/"), strings.HasPrefix(name, "earlier/"):
			return 4
		case path.Ext(name) == ".html":
			return 3 // it can be rendered from the rest
		case path.Base(path.Dir(name)) != "histories":
			return 0
		case failed[base]:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(files, func(a, b fileOf) int {
		return cmp.Or(cmp.Compare(rank(a.name), rank(b.name)), cmp.Compare(a.packed, b.packed))
	})
	return files, err
}

// packedSize is what a file takes in an archive, compressed by itself.
func packedSize(dir fs.FS, name string) (int64, error) {
	const header = 256 // of a file in a tar, compressed
	file, err := dir.Open(name)
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }()
	var count counter
	zipped, err := gzip.NewWriterLevel(&count, gzip.BestCompression)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(zipped, file)
	return int64(count) + header, errors.Join(err, zipped.Close())
}

type counter int64

// Write counts bytes.
func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// addFile writes one file to an archive, as long as it was when it was opened, or one folder.
func addFile(archive *tar.Writer, dir fs.FS, name string) error {
	file, err := dir.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	header, err := tar.FileInfoHeader(info, "")
	if err != nil {
		return err
	}
	if header.Name = name; info.IsDir() {
		header.Name += "/"
	}
	if err := archive.WriteHeader(header); err != nil || info.IsDir() {
		return err
	}
	_, err = io.CopyN(archive, file, info.Size())
	return err
}
