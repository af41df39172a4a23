package export

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReportThroughALog(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{"conformance.yaml": "result: conformant\n", "histories/a.jsonl.gz": "\x1f\x8b\x00binary", "failures/x/logs/empty.log": ""}
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	log.WriteString("[1/55] pass\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
	if err := WriteReport(&log, dir); err != nil {
		t.Fatal(err)
	}
	log.WriteString("CONFORMANT: 78 pass\n")
	whole := log.String()

	to := filepath.Join(t.TempDir(), "fetched")
	if err := ReadReport(strings.NewReader(whole), to); err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		if got, err := os.ReadFile(filepath.Join(to, name)); err != nil || string(got) != want {
			t.Errorf("%s: expected %q, found %q, %v", name, want, got, err)
		}
	}
	if err := ReadReport(strings.NewReader(whole), to); err == nil {
		t.Error("expected a second fetch into the same folder to overwrite nothing, found no error")
	}
	used := t.TempDir()
	if err := os.WriteFile(filepath.Join(used, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := ReadReport(strings.NewReader(whole), used)
	if entries, _ := os.ReadDir(used); err == nil || !strings.Contains(err.Error(), "found mine") || len(entries) != 1 {
		t.Errorf("expected nothing to be unpacked beside other files, found %v, %v", entries, err)
	}
	for name, log := range map[string]string{
		"no report": "[1/55] pass\n",
		"cut short": whole[:len(whole)/2],
	} {
		if err := ReadReport(strings.NewReader(log), t.TempDir()); err == nil || !strings.Contains(err.Error(), "-----BEGIN CONFORMANCE REPORT-----") {
			t.Errorf("%s: expected to be told that there is no whole report, found %v", name, err)
		}
	}
}

// A log has room for so much: verdicts and histories, those of failed specs first, come before pages and evidence.
func TestReportInALogIsBounded(t *testing.T) {
	const size = 4096
	dir := t.TempDir()
	random := rand.NewChaCha8([32]byte{})
	names := []string{"conformance.yaml", "histories/b-2.jsonl.gz", "histories/a-1.jsonl.gz", "index.html", "failures/b-2/set.yaml", "failures/b-2/logs/web-0.log"}
	for _, name := range names {
		content := make([]byte, size)
		_, _ = random.Read(content)
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, content, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for room := range len(names) + 1 {
		var log bytes.Buffer
		limit := int64(room) * (size + 512)
		if err := writeWithin(&log, dir, limit); err != nil {
			t.Fatal(err)
		}
		if said := strings.Contains(log.String(), "files were left out"); said != (room < len(names)) || log.Len() > int(limit)*3/2+2048 {
			t.Errorf("room for %d: expected a bounded log that says what it lacks, found %d bytes, said %t", room, log.Len(), said)
		}
		to := filepath.Join(t.TempDir(), "fetched")
		if err := ReadReport(&log, to); err != nil {
			t.Fatal(err)
		}
		for i, name := range names {
			if i >= 4 {
				continue // of one size or the other, evidence comes last
			}
			if _, err := os.Stat(filepath.Join(to, name)); (err == nil) != (i < room) {
				t.Errorf("room for %d: expected the first so many of %q, found %s there %t", room, names, name, err == nil)
			}
		}
	}
}
