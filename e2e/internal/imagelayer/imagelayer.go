package imagelayer

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Layer collects the files of one image layer. Owner and times are fixed, so that the same files make the same layer.
type Layer struct {
	entries map[string]entry
}

type entry struct {
	header tar.Header
	file   string // where the content is on disk, or
	text   []byte // the content itself
}

// New returns a layer without files.
func New() *Layer { return &Layer{entries: map[string]entry{}} }

// Dir adds a folder.
func (l *Layer) Dir(name string, mode fs.FileMode) *Layer {
	l.entries[clean(name)] = entry{header: tar.Header{Typeflag: tar.TypeDir, Mode: tarMode(mode)}}
	return l
}

// Text adds a file with the given content.
func (l *Layer) Text(name string, mode fs.FileMode, content []byte) *Layer {
	l.entries[clean(name)] = entry{header: tar.Header{Typeflag: tar.TypeReg, Mode: tarMode(mode), Size: int64(len(content))}, text: content}
	return l
}

// File adds a program from the disk.
func (l *Layer) File(name, source string) *Layer {
	l.entries[clean(name)] = entry{header: tar.Header{Typeflag: tar.TypeReg, Mode: tarMode(0o755)}, file: source}
	return l
}

// Link adds a symbolic link.
func (l *Layer) Link(name, target string) *Layer {
	l.entries[clean(name)] = entry{header: tar.Header{Typeflag: tar.TypeSymlink, Mode: 0o777, Linkname: target}}
	return l
}

// Header returns what the layer holds under a name.
func (l *Layer) Header(name string) (header tar.Header, found bool) {
	e, found := l.entries[clean(name)]
	return e.header, found
}

func clean(name string) string { return strings.TrimPrefix(path.Clean(name), "/") }

func tarMode(mode fs.FileMode) int64 {
	bits := int64(mode.Perm())
	if mode&fs.ModeSticky != 0 {
		bits |= 0o1000
	}
	return bits
}

// Write renders the layer as a tar archive.
func (l *Layer) Write(out io.Writer) error {
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

// Save writes the layer to a file and returns it as an image layer.
func (l *Layer) Save(file string) (v1.Layer, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, err
	}
	out, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	if err := l.Write(out); err != nil {
		return nil, err
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	return FromArchive(file)
}

// FromArchive makes an image layer of a tar archive. It stays as it is: an image that never travels gains nothing from compression.
func FromArchive(file string) (v1.Layer, error) {
	return tarball.LayerFromFile(file, tarball.WithCompression("none"), tarball.WithMediaType(types.DockerUncompressedLayer))
}

// Assemble puts layers, *Layer or v1.Layer, into an image for Linux on an architecture, as GOARCH names it. Those of the first kind are written below work.
func Assemble(architecture string, config v1.Config, work string, layers ...any) (v1.Image, error) {
	image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{Architecture: architecture, OS: "linux", Config: config})
	if err != nil {
		return nil, err
	}
	for i, item := range layers {
		var added v1.Layer
		switch item := item.(type) {
		case v1.Layer:
			added = item
		case *Layer:
			if added, err = item.Save(filepath.Join(work, fmt.Sprintf("%d.tar", i))); err != nil {
				return nil, err
			}
		}
		if image, err = mutate.AppendLayers(image, added); err != nil {
			return nil, err
		}
	}
	return image, nil
}
