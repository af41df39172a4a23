package nodeimage

import (
	"archive/tar"
	"bytes"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// layer collects the files of one image layer. Owner and times are fixed, so that the same files make the same layer.
type layer struct {
	entries map[string]entry
}

type entry struct {
	header tar.Header
	file   string // where the content is on disk, or
	text   []byte // the content itself
}

func newLayer() *layer { return &layer{entries: map[string]entry{}} }

// dir adds a folder.
func (l *layer) dir(name string, mode fs.FileMode) *layer {
	l.entries[clean(name)] = entry{header: tar.Header{Typeflag: tar.TypeDir, Mode: tarMode(mode)}}
	return l
}

// text adds a file with the given content.
func (l *layer) text(name string, mode fs.FileMode, content []byte) *layer {
	l.entries[clean(name)] = entry{header: tar.Header{Typeflag: tar.TypeReg, Mode: tarMode(mode), Size: int64(len(content))}, text: content}
	return l
}

// file adds a program from the disk.
func (l *layer) file(name, source string) *layer {
	l.entries[clean(name)] = entry{header: tar.Header{Typeflag: tar.TypeReg, Mode: tarMode(0o755)}, file: source}
	return l
}

// link adds a symbolic link.
func (l *layer) link(name, target string) *layer {
	l.entries[clean(name)] = entry{header: tar.Header{Typeflag: tar.TypeSymlink, Mode: 0o777, Linkname: target}}
	return l
}

func clean(name string) string { return strings.TrimPrefix(path.Clean(name), "/") }

func tarMode(mode fs.FileMode) int64 {
	bits := int64(mode.Perm())
	if mode&fs.ModeSticky != 0 {
		bits |= 0o1000
	}
	return bits
}

// write renders the layer as a tar archive.
func (l *layer) write(out io.Writer) error {
	var names []string
	for name := range l.entries {
		names = append(names, name)
	}
	slices.Sort(names)
	archive := tar.NewWriter(out)
	for _, name := range names {
		item := l.entries[name]
		header := item.header
		header.Name = name
		if header.Typeflag == tar.TypeDir {
			header.Name += "/"
		}
		if err := item.write(archive, &header); err != nil {
			return err
		}
	}
	return archive.Close()
}

func (e entry) write(archive *tar.Writer, header *tar.Header) error {
	content := io.Reader(bytes.NewReader(e.text))
	if e.file != "" {
		file, err := os.Open(e.file)
		if err != nil {
			return err
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			return err
		}
		header.Size, content = info.Size(), file
	}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err := io.Copy(archive, content)
	return err
}

// save writes the layer to a file and returns it as an image layer.
func (l *layer) save(file string) (v1.Layer, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, err
	}
	out, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	if err := l.write(out); err != nil {
		return nil, err
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	return archiveLayer(file)
}

// archiveLayer makes an image layer of a tar archive. It stays as it is: an image that never travels gains nothing from compression.
func archiveLayer(file string) (v1.Layer, error) {
	return tarball.LayerFromFile(file, tarball.WithCompression("none"), tarball.WithMediaType(types.DockerUncompressedLayer))
}
