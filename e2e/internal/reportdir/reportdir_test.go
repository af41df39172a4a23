package reportdir_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
)

// hostile makes a folder with links to a file and a folder outside, a pipe, and a good file; it returns the folder and the file outside.
func hostile(t *testing.T) (dir, outside string) {
	t.Helper()
	dir, other := t.TempDir(), t.TempDir()
	outside = filepath.Join(other, "secret")
	if err := errors.Join(
		os.WriteFile(outside, []byte("secret"), 0o600),
		os.Mkdir(filepath.Join(dir, "histories"), 0o755),
		os.WriteFile(filepath.Join(dir, "histories", "good"), []byte("good"), 0o600),
		os.Symlink(outside, filepath.Join(dir, "histories", "link")),
		os.Symlink(outside, filepath.Join(dir, "summary.md")),
		os.Symlink(other, filepath.Join(dir, "failures")),
		os.Symlink("histories/good", filepath.Join(dir, "inside")),
		syscall.Mkfifo(filepath.Join(dir, "histories", "pipe"), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	return dir, outside
}

func TestReadStaysInTheFolder(t *testing.T) {
	dir, outside := hostile(t)
	for _, name := range []string{"histories/link", "summary.md", "failures/secret", "inside", "histories/pipe", "histories", "../" + filepath.Base(outside), outside, "histories/../../x"} {
		if data, err := reportdir.Read(dir, name, 100); err == nil {
			t.Errorf("%s: expected an error, found %q", name, data)
		}
	}
	if data, err := reportdir.Read(dir, "histories/good", 4); err != nil || string(data) != "good" {
		t.Errorf("found %q, %v", data, err)
	}
	if _, err := reportdir.Read(dir, "histories/good", 3); err == nil {
		t.Error("expected a bound to hold")
	}
	if _, err := reportdir.Read(dir, "none", 3); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("expected to be told that there is no such file, found %v", err)
	}
}

func TestNamesAreOfRegularFiles(t *testing.T) {
	dir, _ := hostile(t)
	if names, err := reportdir.Names(dir, "histories", 10); err != nil || !slices.Equal(names, []string{"histories/good"}) {
		t.Errorf("found %v, %v", names, err)
	}
	if _, err := reportdir.Names(dir, "histories", 2); err == nil {
		t.Error("expected a bound to hold")
	}
	if names, err := reportdir.Names(dir, "failures", 10); err == nil {
		t.Errorf("expected no link to be followed, found %v", names)
	}
	if names, err := reportdir.Names(dir, "none", 10); err != nil || names != nil {
		t.Errorf("found %v, %v", names, err)
	}
}

func TestWriteReplacesALink(t *testing.T) {
	dir, outside := hostile(t)
	if err := os.Symlink(outside, filepath.Join(dir, ".summary.md.part")); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"first", "second"} {
		if err := reportdir.Write(dir, "summary.md", func(w io.Writer) error { _, err := io.WriteString(w, text); return err }); err != nil {
			t.Fatal(err)
		}
		if data, err := reportdir.Read(dir, "summary.md", 100); err != nil || string(data) != text {
			t.Errorf("expected %q, found %q, %v", text, data, err)
		}
	}
	if data, err := os.ReadFile(outside); err != nil || string(data) != "secret" {
		t.Errorf("expected the file outside to be as it was, found %q, %v", data, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "summary.md")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("expected mode 0600, found %v, %v", info.Mode(), err)
	}
	if err := reportdir.Write(dir, "page", func(io.Writer) error { return errors.New("full") }); err == nil {
		t.Error("expected the error of the writing")
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(left) > 0 {
		t.Errorf("expected nothing to be left, found %v", left)
	}
}
