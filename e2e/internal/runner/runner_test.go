package runner

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// TestMain has this test program play the hidden roles too, with the specs below.
func TestMain(m *testing.M) {
	ctx := context.Background() //nolint:forbidigo // This is a main function.
	if socket := os.Getenv(listenerVariable); socket != "" {
		if _, err := listen(ctx, socket); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		select {}
	}
	if code, hidden := HiddenRole(func(p Parameters) int { return runTestSuite(ctx, p) }); hidden {
		os.Exit(code)
	}
	flag.Parse()
	os.Exit(m.Run())
}

// testSuite is the suite's only state, as in the real one.
//
//nolint:gochecknoglobals // Ginkgo's nodes take no parameters.
var testSuite struct {
	settings runconfig.Settings
	command  *Connection
}

func runTestSuite(ctx context.Context, p Parameters) int {
	command, err := Connect(ctx, p.Socket, func() {})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if testSuite.settings, err = runconfig.Load(p.Settings); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	testSuite.command = command
	if !RunSpecs(suiteT{}, "test suite") {
		return 1
	}
	return 0
}

type suiteT struct{}

// Fail does nothing: what RunSpecs returns says the same.
func (suiteT) Fail() {}

var _ = Describe("a suite", func() {
	for _, name := range []string{"first", "second", "third"} {
		It("has a "+name+" spec", Label("core"), func() {
			if err := testSuite.command.Send(Event{Process: GinkgoParallelProcess(), Ended: name, State: "passed"}); err != nil {
				Fail(err.Error())
			}
		})
	}
	It("has one that fails", Label("core"), SpecPriority(1), func() { Fail("as it should") })
	It("has one that is disruptive", Label("disruptive"), func() {})
	It("has one that waits to be interrupted", Label("disruptive"), Label("waits"), SpecPriority(2), func(ctx SpecContext) {
		if err := testSuite.command.Send(Event{Process: GinkgoParallelProcess(), Ended: "the beginning", State: "passed"}); err != nil {
			Fail(err.Error())
		}
		<-ctx.Done()
	})
})

var _ = ReportAfterSuite("outcome", func(r Report) {
	if r.SuiteConfig.DryRun || testSuite.command == nil {
		return
	}
	data, err := json.Marshal([]verdict.Spec{{Text: testSuite.settings.Run, State: fmt.Sprint(r.SuiteConfig.ParallelTotal), Message: CutShort(r)}})
	if err == nil {
		err = os.WriteFile(filepath.Join(testSuite.settings.ReportDir, verdict.SpecsFile), data, 0o600)
	}
	if err != nil {
		Fail(err.Error())
	}
})

func testSettings(reportDir string) runconfig.Settings {
	return runconfig.Settings{Run: "r", ReportDir: reportDir, NamespacePrefix: "sts", Images: runconfig.Images{Nginx: "n", Busybox: "b"}}
}

// What Ginkgo and the specs leave is for its owner alone, and names neither the report's folder nor where the suite was built.
func TestFilesOfARunAreOnesOwn(t *testing.T) {
	dir := t.TempDir()
	checkout, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	o := Options{ReportDir: dir, Level: contract.Extended, Procs: "2", TimeLimit: time.Hour}
	if err := o.runSpecs(t.Context(), testSettings(dir), io.Discard, func() {}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{GinkgoLog, report.GinkgoFile} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: expected a file for its owner alone, found %v (%v)", name, info, err)
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.Contains(string(text), "e2e/internal/runner/runner_test.go") {
			t.Errorf("%s: expected where the specs are, found %v and\n%s", name, err, text)
		}
		for _, path := range []string{dir, checkout} {
			if strings.Contains(string(text), path) {
				t.Errorf("%s: expected no path of the machine, found %s", name, path)
			}
		}
	}
}

func TestSpecsRunInSeveralProcesses(t *testing.T) {
	for _, procs := range []string{"1", "3"} {
		t.Run(procs, func(t *testing.T) {
			dir := t.TempDir()
			o := Options{ReportDir: dir, Level: contract.Extended, Procs: procs, Seed: "7", TimeLimit: time.Hour}
			var out strings.Builder
			if err := o.runSpecs(t.Context(), testSettings(dir), &out, func() {}); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"first", "second", "third"} {
				if !strings.Contains(out.String(), "pass   0.0 s  "+name) {
					t.Errorf("expected the spec %s on the console, found\n%s", name, out.String())
				}
			}
			log, err := os.ReadFile(filepath.Join(dir, GinkgoLog))
			if err != nil || !strings.Contains(string(log), "Ran 4 of 6 Specs") || !strings.Contains(string(log), "as it should") {
				t.Errorf("expected Ginkgo to have run four specs, found %v and\n%s", err, log)
			}
			outcome, err := os.ReadFile(filepath.Join(dir, verdict.SpecsFile))
			if err != nil || !strings.Contains(string(outcome), `"`+procs+`"`) || strings.Contains(string(outcome), `"message"`) {
				t.Errorf("expected %s processes to have run all specs, found %v and %s", procs, err, outcome)
			}
		})
	}
}

// callOnWrite is a console that calls a function when something is printed.
type callOnWrite func()

func (c callOnWrite) Write(p []byte) (int, error) {
	c()
	return len(p), nil
}

func TestRunThatWasCutShortSaysSo(t *testing.T) {
	for name, c := range map[string]struct {
		options   Options
		interrupt bool
		want      string
	}{
		"first failure ends it": {Options{Level: contract.Extended, FailFast: true, TimeLimit: time.Hour}, false, "3 of 4 specs did not run: the first failure ends it"},
		"interrupted":           {Options{Level: contract.Disruptive, Labels: "core || waits", TimeLimit: time.Hour}, true, "4 of 5 specs did not run: Interrupted by User"},
		"too slow":              {Options{Level: contract.Disruptive, Labels: "core || waits", TimeLimit: 2 * time.Second}, false, "4 of 5 specs did not run: Suite Timeout Elapsed"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			o := c.options
			o.ReportDir, o.Procs, o.Seed = t.TempDir(), "1", "7"
			console := callOnWrite(func() {
				if c.interrupt {
					cancel()
				}
			})
			if err := o.runSpecs(ctx, testSettings(o.ReportDir), console, func() {}); err != nil {
				t.Fatal(err)
			}
			outcome, err := os.ReadFile(filepath.Join(o.ReportDir, verdict.SpecsFile))
			if err != nil || !strings.Contains(string(outcome), c.want) {
				t.Errorf("expected %q, found %v and %s", c.want, err, outcome)
			}
		})
	}
}

func TestSelection(t *testing.T) {
	for name, c := range map[string]struct {
		options Options
		want    int
	}{
		"level":      {Options{Level: contract.Extended}, 4},
		"disruptive": {Options{Level: contract.Disruptive}, 6},
		"focus":      {Options{Level: contract.Core, Focus: "first|second"}, 2},
		"labels":     {Options{Level: contract.Disruptive, Labels: "disruptive"}, 2},
	} {
		if got := len(c.options.selected()); got != c.want {
			t.Errorf("%s: expected %d specs, found %d", name, c.want, got)
		}
	}
}

// A row of the run's level for which no spec was selected is missing from the result unless the person left it out.
func TestRowsThatNobodyLeftOutAreMissing(t *testing.T) {
	const missing = "was not checked, although neither FOCUS nor LABELS left it out"
	for name, c := range map[string]struct {
		settings runconfig.Settings
		missing  bool
	}{
		"nothing was left out": {runconfig.Settings{Level: contract.Core}, true},
		"FOCUS left it out":    {runconfig.Settings{Level: contract.Core, Focus: "first"}, false},
		"LABELS left it out":   {runconfig.Settings{Level: contract.Core, Labels: "dns"}, false},
	} {
		dir := t.TempDir()
		ran := fmt.Sprintf(`[{"text": "a spec", "state": "passed", "selected": true, "proves": [%q]}]`, contract.OrderingCreate)
		if err := os.WriteFile(filepath.Join(dir, verdict.SpecsFile), []byte(ran), 0o600); err != nil {
			t.Fatal(err)
		}
		run, err := Judge(dir, c.settings, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(run.Troubles, "\n")
		if strings.Contains(text, string(contract.IdentityName)+" "+missing) != c.missing || run.Partial == c.missing {
			t.Errorf("%s: expected missing rows %t, found a partial run %t with the troubles %s", name, c.missing, run.Partial, text)
		}
		if strings.Contains(text, string(contract.OrderingCreate)+" "+missing) || strings.Contains(text, string(contract.DisruptionDrain)+" "+missing) {
			t.Errorf("%s: expected no trouble about a row that was selected, or is of another level, found %s", name, text)
		}
	}
}

// A run on a version that is held to a part of the contract stays partial where nobody narrowed it, unless it is held to that of a later version.
func TestRunOnAnOldVersionStaysPartial(t *testing.T) {
	for _, c := range []struct {
		kubernetes, heldTo string
		partial            bool
	}{{kubernetes: "v1.30.2", partial: true}, {kubernetes: "v1.33.0"}, {kubernetes: "v1.30.2", heldTo: "v1.34"}} {
		kubernetes, partial := c.kubernetes, c.partial
		dir := t.TempDir()
		ran := fmt.Sprintf(`[{"text": "a spec", "state": "passed", "selected": true, "history": "histories/a.jsonl.gz", "proves": [%q]}]`, contract.OrderingCreate)
		h := history.History{Header: history.Header{Spec: "a spec", Version: kubernetes, HeldTo: c.heldTo}}
		h.Close(0)
		if err := errors.Join(os.WriteFile(filepath.Join(dir, verdict.SpecsFile), []byte(ran), 0o600), os.Mkdir(filepath.Join(dir, "histories"), 0o700),
			h.Save(filepath.Join(dir, "histories", "a.jsonl.gz"))); err != nil {
			t.Fatal(err)
		}
		started := time.Now()
		run, err := Judge(dir, runconfig.Settings{Level: contract.Core, Facts: runconfig.Facts{KubernetesVersion: kubernetes}}, started)
		if err != nil || run.Partial != partial {
			t.Errorf("%s: expected partial %t, found %t, %v", kubernetes, partial, run.Partial, err)
		}
		if !run.Started.Equal(started) || run.ServerVersion != kubernetes {
			t.Errorf("expected the verdict of the run that began at %v on %s, found %v and %s", started, kubernetes, run.Started, run.ServerVersion)
		}
	}
}
