package export

import (
	"bytes"
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
