package runner

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
)

// fill writes files below a folder.
func fill(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func exists(dir, name string) bool {
	_, err := os.Lstat(filepath.Join(dir, name))
	return err == nil
}

const aResult = "# yaml-language-server: $schema=conformance.schema.json\napiVersion: statefulset-conformance.hero-academy.github.io/v1\nkind: ConformanceReport\n"

func TestFoldersOfOthersAreNotEmptied(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"a web project":      {"index.html": "<html>", "settings.json": "{}", "histories/a-00000000.jsonl.gz": "", "failures/note": ""},
		"another result":     {"conformance.yaml": "apiVersion: example.org/v1\n"},
		"another lock":       {lockFile: "", "summary.md": ""},
		"a report and files": {"sub/conformance.yaml": aResult, "summary.md": ""},
	} {
		dir := t.TempDir()
		fill(t, dir, files)
		_, err := OpenReport(dir)
		if err == nil || cli.ExitCode(err) != cli.ExitUsage || !strings.HasPrefix(err.Error(), "REPORT_DIR="+dir+": expected a folder that is empty or holds a report") {
			t.Errorf("%s: expected the folder to be rejected, found %v", name, err)
		}
		for file := range files {
			if !exists(dir, file) {
				t.Errorf("%s: %s was removed", name, file)
			}
		}
		if text, _ := os.ReadFile(filepath.Join(dir, lockFile)); len(text) > 0 {
			t.Errorf("%s: expected the folder not to be marked as a report", name)
		}
	}
}

func TestEarlierReportIsRemovedAndNothingElse(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "report")
	ours := map[string]string{
		"conformance.yaml": aResult, "settings.json": "{}", "specs.json": "[]", "index.html": "", "rights/process-1.json": "[]",
		"histories/a-spec-0123abcd.jsonl.gz": "", "episodes/a-spec-0123abcd.json": "", "findings/ordering-create-7.sh": "", "coverage.md": "", "explore/specs.json": "", "failures/a-spec-0123abcd/logs/pod.log": "",
	}
	theirs := map[string]string{"notes.md": "", "failures/notes.md": "", "histories/mine.txt": "", "findings/mine.sh": "", "run-1/conformance.yaml": aResult}
	r, err := OpenReport(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	fill(t, dir, ours)
	fill(t, dir, theirs)
	outside := t.TempDir()
	fill(t, outside, map[string]string{"kept-0123abcd/file": ""})
	if err := os.Symlink(outside, filepath.Join(dir, "failures", "linked-0123abcd")); err != nil {
		t.Fatal(err)
	}
	if r, err = OpenReport(dir); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	for file := range ours {
		if exists(dir, file) {
			t.Errorf("%s of the earlier report is still there", file)
		}
	}
	for file := range theirs {
		if !exists(dir, file) {
			t.Errorf("%s was removed, which no run writes", file)
		}
	}
	if exists(dir, "rights") || !exists(outside, "kept-0123abcd/file") {
		t.Error("expected empty folders to go, and nothing behind a link")
	}
	// The folder above was made for the report: another run may use it.
	above, err := OpenReport(filepath.Dir(dir))
	if err != nil {
		t.Fatal(err)
	}
	_ = above.Close()
}

// TestEarlierReportIsKept: whoever compares two runs needs the first.
func TestEarlierReportIsKept(t *testing.T) {
	dir := t.TempDir()
	var progress strings.Builder
	run := func(files map[string]string) {
		t.Helper()
		r, err := OpenReportKeeping(dir, &progress)
		if err != nil {
			t.Fatal(err)
		}
		fill(t, dir, files)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	run(map[string]string{"settings.json": "{}", "histories/b-spec-0123abcd.jsonl.gz": ""}) // ends before there is a result
	first := map[string]string{"conformance.yaml": aResult, "settings.json": "first", "histories/a-spec-0123abcd.jsonl.gz": "", "explore/specs.json": "[]", "explore/histories/a-spec-0123abcd.jsonl.gz": ""}
	run(first)
	// No two runs end in one tick of the file system's clock, by which reports are named; those of this test might.
	before := time.Now().Add(-time.Minute)
	if err := os.Chtimes(filepath.Join(dir, "conformance.yaml"), before, before); err != nil {
		t.Fatal(err)
	}
	fill(t, dir, map[string]string{"notes.md": "mine"})
	run(map[string]string{"conformance.yaml": aResult, "settings.json": "second"})
	run(nil)
	kept, err := filepath.Glob(filepath.Join(dir, "earlier", "*"))
	if err != nil || len(kept) != 2 || !IsReport(kept[0]) {
		t.Fatalf("expected two reports below earlier, found %v, %v", kept, err)
	}
	for file, want := range first {
		if got, err := os.ReadFile(filepath.Join(kept[0], file)); err != nil || string(got) != want {
			t.Errorf("%s of the first report: expected %q, found %q, %v", file, want, got, err)
		}
		if exists(dir, file) {
			t.Errorf("%s of the first report is still there", file)
		}
	}
	if exists(kept[0], "histories/b-spec-0123abcd.jsonl.gz") || !exists(dir, "notes.md") {
		t.Error("expected what has no result to go, and what no run writes to stay")
	}
	if lines := strings.Count(progress.String(), "report: the one of before is kept in "+dir); lines != 2 {
		t.Errorf("expected to be told twice where the earlier report is, found %q", progress.String())
	}
}

func TestReportsOfEarlierVersionsAreTaken(t *testing.T) {
	for name, file := range map[string]string{"a report": "conformance.yaml", "one of several": "faults/none/conformance.yaml"} {
		dir := t.TempDir()
		fill(t, dir, map[string]string{file: aResult})
		r, err := OpenReport(dir)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_ = r.Close()
	}
}

func TestTwoRunsDoNotShareAFolder(t *testing.T) {
	dir := t.TempDir()
	first, err := OpenReport(dir)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, dir, map[string]string{"histories/a-spec-0123abcd.jsonl.gz": ""})
	if _, err := OpenReport(dir); err == nil || cli.ExitCode(err) != cli.ExitUsage || !strings.Contains(err.Error(), "another run writes its report there") {
		t.Errorf("expected a second run to be rejected, found %v", err)
	}
	if !exists(dir, "histories/a-spec-0123abcd.jsonl.gz") {
		t.Error("the second run removed a history of the first")
	}
	second, err := OpenReport(filepath.Join(dir, "below"))
	if err := errors.Join(err, first.Close()); err != nil {
		t.Fatal(err)
	}
	_ = second.Close()
	third, err := OpenReport(dir)
	if err != nil {
		t.Fatalf("expected a folder whose run has ended to be free, found %v", err)
	}
	_ = third.Close()
}
