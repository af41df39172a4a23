package export

import (
	"bytes"
	"compress/gzip"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// during runs a function before the first bytes go through it.
type during struct {
	bytes.Buffer
	run func()
}

func (d *during) Write(p []byte) (int, error) {
	if d.run != nil {
		d.run()
		d.run = nil
	}
	return d.Buffer.Write(p)
}

// A recording writes to its files, renames them and removes old ones while somebody asks for all of them.
func TestPackWhileFilesChange(t *testing.T) {
	dir := t.TempDir()
	long := make([]byte, 1<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(long)
	for name, content := range map[string][]byte{"a.jsonl": long, "b.jsonl": []byte("short"), "c.jsonl": []byte("removed")} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out := &during{run: func() {
		grow, err := os.OpenFile(filepath.Join(dir, "a.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer grow.Close()
		if _, err := grow.Write(long); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(dir, "c.jsonl")); err != nil {
			t.Fatal(err)
		}
	}}
	if err := Pack(out, dir, gzip.BestSpeed); err != nil {
		t.Fatal(err)
	}
	got := t.TempDir()
	if err := unpack(out.Bytes(), got); err != nil {
		t.Fatal(err)
	}
	if a, err := os.ReadFile(filepath.Join(got, "a.jsonl")); err != nil || !bytes.Equal(a, long) {
		t.Errorf("expected the file as it was, found %d bytes, %v", len(a), err)
	}
	if b, err := os.ReadFile(filepath.Join(got, "b.jsonl")); err != nil || string(b) != "short" {
		t.Errorf("expected the other file, found %q, %v", b, err)
	}
	if _, err := os.Stat(filepath.Join(got, "c.jsonl")); !os.IsNotExist(err) {
		t.Errorf("expected no file that was gone, found %v", err)
	}
	if err := Pack(&bytes.Buffer{}, filepath.Join(dir, "none"), gzip.BestSpeed); err == nil {
		t.Error("expected an error for a folder that there is not")
	}
}
