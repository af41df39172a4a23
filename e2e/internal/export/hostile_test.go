package export

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// logWith returns a log with an archive of entries.
func logWith(t testing.TB, entries ...tar.Header) string {
	t.Helper()
	var packed, log bytes.Buffer
	zipped := gzip.NewWriter(&packed)
	archive := tar.NewWriter(zipped)
	for i := range entries {
		if err := archive.WriteHeader(&entries[i]); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write(make([]byte, entries[i].Size)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	if err := pem.Encode(&log, &pem.Block{Type: blockType, Bytes: packed.Bytes()}); err != nil {
		t.Fatal(err)
	}
	return log.String()
}

func TestReadReportRejects(t *testing.T) {
	many := make([]tar.Header, maxFiles+2)
	for i := range many {
		many[i] = tar.Header{Name: "x/" + strings.Repeat("y", i%100) + string(rune('a'+i%26)), Typeflag: tar.TypeDir, Mode: 0o700}
	}
	for name, entries := range map[string][]tar.Header{
		"a link":         {{Name: "summary.md", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}},
		"a pipe":         {{Name: "histories/x.jsonl", Typeflag: tar.TypeFifo}},
		"a file outside": {{Name: "../x", Typeflag: tar.TypeReg, Size: 1}},
		"too many files": many,
	} {
		t.Run(name, func(t *testing.T) {
			if err := ReadReport(strings.NewReader(logWith(t, entries...)), filepath.Join(t.TempDir(), "report")); err == nil {
				t.Error("expected an error")
			}
		})
	}
}

func TestFetchedFilesAreOnesOwn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "report")
	if err := ReadReport(strings.NewReader(logWith(t, tar.Header{Name: "rights/x", Typeflag: tar.TypeReg, Size: 1, Mode: 0o777})), dir); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{"": 0o700, "rights": 0o700, "rights/x": 0o600} {
		if info, err := os.Stat(filepath.Join(dir, path)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%q: expected mode %v, found %v, %v", path, want, info.Mode(), err)
		}
	}
}

func FuzzReadReport(f *testing.F) {
	f.Add([]byte(logWith(f, tar.Header{Name: "a", Typeflag: tar.TypeReg, Size: 3})))
	f.Add([]byte("-----BEGIN CONFORMANCE REPORT-----\nAAAA\n-----END CONFORMANCE REPORT-----\n"))
	f.Fuzz(func(t *testing.T, log []byte) {
		dir := t.TempDir()
		_ = ReadReport(bytes.NewReader(log), filepath.Join(dir, "report"))
		if left, err := os.ReadDir(dir); err != nil || len(left) > 1 {
			t.Errorf("expected nothing beside the report, found %v, %v", left, err)
		}
	})
}
