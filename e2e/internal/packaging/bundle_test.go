package packaging

import (
	"archive/tar"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"
)

func TestPackKeepsOneFolderAndModes(t *testing.T) {
	top := t.TempDir()
	if err := os.MkdirAll(filepath.Join(top, "packed"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(top, "packed", Command), []byte("program"), 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "dist", "packed.tar.gz")
	if err := Pack(file, top); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	zipped, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int64{}
	archive := tar.NewReader(zipped)
	for header, err := archive.Next(); err == nil; header, err = archive.Next() {
		found[filepath.Clean(header.Name)] = header.Mode & 0o111
	}
	if mode, ok := found["packed/"+Command]; !ok || mode == 0 {
		t.Errorf("expected the program to be there and executable, found %v", found)
	}
}
