package verdict

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// record saves a history of a spec of that run, which breaks ordering if told so.
func record(t *testing.T, dir, run, name string, broken bool) {
	t.Helper()
	s := historytest.New()
	s.Running("web", 3)
	h := s.History()
	h.Header.Run, h.Header.Spec, h.Header.Proves = run, name, []contract.ID{contract.OrderingCreate}
	if broken {
		h.Checks = append(h.Checks, history.Check{Guarantee: contract.DNSGone, Outcome: history.Failed, Text: "it answers", Seq: h.End.Seq, At: h.End.At})
		h.End.Seq++
	}
	if err := os.MkdirAll(filepath.Join(dir, "histories"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := h.Save(filepath.Join(dir, "histories", name+".jsonl.gz")); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, dir string, o any) {
	t.Helper()
	data, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, SpecsFile), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Two runs that write into one folder: the other cluster's violations are not this one's.
func TestHistoriesOfAnotherRunAreNotJudged(t *testing.T) {
	// Nothing in the folder's name may be taken for a pattern.
	dir := filepath.Join(t.TempDir(), "report [1]*?")
	record(t, dir, "mine", "one", false)
	record(t, dir, "theirs", "two", true)
	write(t, dir, Outcomes{Run: "mine", Specs: []Spec{{Text: "one", State: "passed", Selected: true, History: "histories/one.jsonl.gz", Proves: []contract.ID{contract.OrderingCreate}}}})
	run, err := JudgeFolder(dir, contract.Core)
	if err != nil {
		t.Fatal(err)
	}
	if run.Overall != OverallInconclusive || len(run.Histories) != 1 || !strings.Contains(strings.Join(run.Troubles, "\n"), "histories/two.jsonl.gz is of the run theirs") {
		t.Errorf("expected an inconclusive run that names the other's history, found %s, %v", run.Overall, run.Troubles)
	}
}

func TestNothingOutsideTheFolderIsRead(t *testing.T) {
	dir := t.TempDir()
	record(t, dir, "", "one", false)
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "histories", "passwd.jsonl")); err != nil {
		t.Fatal(err)
	}
	specs := []Spec{{Text: "one", State: "passed", Selected: true, History: "histories/one.jsonl.gz"}}
	write(t, dir, specs) // as older suites wrote it
	if run, err := JudgeFolder(dir, contract.Core); err != nil || len(run.Histories) != 1 {
		t.Errorf("expected the link to be left alone, found %v, %v", run.Histories, err)
	}
	for _, name := range []string{"histories/../../secret", "/etc/passwd", "histories/../../../../dev/zero", "histories/x/y.jsonl"} {
		specs[0].History = name
		write(t, dir, specs)
		if _, err := JudgeFolder(dir, contract.Core); err == nil || !strings.Contains(err.Error(), "expected a file below histories") {
			t.Errorf("%s: expected an error, found %v", name, err)
		}
	}
}

func FuzzParseSpecs(f *testing.F) {
	f.Add([]byte(`[{"text":"x","history":"histories/../x"}]`))
	f.Add([]byte(`{"run":"r","specs":[{"text":"x","state":"failed","selected":true,"proves":["a/b"]}]}`))
	f.Fuzz(func(_ *testing.T, data []byte) {
		if o, err := parseSpecs(data); err == nil {
			Decide(contract.Core, o.Specs, nil)
		}
	})
}
