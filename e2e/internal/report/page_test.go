package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// page renders a report folder and returns the page.
func page(t *testing.T, dir string) string {
	t.Helper()
	render(t, dir)
	data, err := os.ReadFile(filepath.Join(dir, report.PageFile))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// inOrder looks for texts that follow each other.
func inOrder(t *testing.T, page string, texts ...string) {
	t.Helper()
	rest := page
	for _, text := range texts {
		_, after, found := strings.Cut(rest, text)
		if !found {
			t.Errorf("expected %q on the page, after those before it in %q", text, texts)
			return
		}
		rest = after
	}
}

func TestPageSaysFirstWhatIsBrokenMostOften(t *testing.T) {
	t.Parallel()
	got := page(t, recordedRun(t, "order-ignored"))
	c := recordedReport(t, "order-ignored")
	selected := len(c.Guarantees) - c.Totals[verdict.NotSelected] - c.Totals[verdict.NotApplicable]
	inOrder(
		t, got, "<h1>Not conformant in the selected guarantees: 3 promises are broken</h1>",
		fmt.Sprintf("%d of %d guarantees held", c.Totals[verdict.Pass], selected),
		"ordering/create <", "set-1 was created at rv 5026", "<svg", "Found 6 more times",
		"storage/unbound-blocks <", "Found 3 more times", "ordering/scale-up <", "14 guarantees stayed inconclusive as well", "The run", "Guarantees",
	)
	if n := strings.Count(got, "its spec failed before exercising it: ordering/create broken: web-statefulset-1"); n != 13 {
		t.Errorf("expected a reason that 12 guarantees share once above, and once at each, found it %d times", n)
	}
}

func TestPageOfAConformantCluster(t *testing.T) {
	t.Parallel()
	got := page(t, recordedRun(t, "conformant"))
	heading := "<h1>Conformant</h1>"
	if recordedReport(t, "conformant").Partial { // the contract has guarantees that the recorded run does not know
		heading = "<h1>Conformant in the selected guarantees</h1>"
	}
	inOrder(t, got, heading, "Nothing is to be done", "The run", "Guarantees", "Specs")
	if strings.Contains(got, "What is wrong") || regexp.MustCompile(`<details[^>]* open`).MatchString(got) {
		t.Error("expected nothing wrong and nothing unfolded")
	}
}

func TestPageShowsTheEvidenceOfFailures(t *testing.T) {
	t.Parallel()
	got := page(t, recordedRun(t, "order-ignored"))
	inOrder(
		t, got, "The namespace at the time of the failure:", "<summary>Events</summary>", "Normal Scheduled pod/", "<summary>StatefulSet set</summary>",
		"readinessGates:", "<summary>Pod set-0</summary>",
	)
	inOrder(t, got, "<summary>Log of web-statefulset-0-nginx</summary>")
	events := regexp.MustCompile(`(?s)<summary>Events</summary><pre tabindex="0">(.*?)</pre>`).FindAllStringSubmatch(got, -1)
	if len(events) != 4 {
		t.Fatalf("expected the events of four namespaces, found %d", len(events))
	}
	for _, list := range events {
		lines := strings.Split(strings.TrimSpace(list[1]), "\n")
		for i := range lines[1:] {
			if lines[i][:8] > lines[i+1][:8] {
				t.Errorf("expected events in order, found %q before %q", lines[i], lines[i+1])
			}
		}
	}
}

func TestPageOfAnInconclusiveRunNamesItsReasons(t *testing.T) {
	t.Parallel()
	dir := recordedRun(t, "conformant")
	edit(t, dir, func(specs []verdict.Spec) []verdict.Spec {
		for i := range specs {
			if strings.Contains(specs[i].Text, "DNS has") {
				specs[i].State, specs[i].Message = "failed", "CoreDNS did not answer <at all>; history: histories/x"
			}
		}
		return specs
	})
	got := page(t, dir)
	inOrder(t, got, "<h1>Inconclusive", "What is inconclusive", "DNS has address", "(failed): CoreDNS did not answer &lt;at all&gt;", "The run",
		"<h2 id=\"specs\">", "open><summary><span class=\"tag is-failed\">failed</span> DNS has")
	if strings.Contains(got, "<at all>") {
		t.Error("expected a message's angle brackets to be written as text")
	}
}

// edit changes the outcome of specs in a report folder, and judges it anew.
func edit(t *testing.T, dir string, change func([]verdict.Spec) []verdict.Spec) {
	t.Helper()
	if err := changeSpecs(dir, change); err != nil {
		t.Fatal(err)
	}
	c, err := judgeFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Save(dir); err != nil {
		t.Fatal(err)
	}
}

func changeSpecs(dir string, change func([]verdict.Spec) []verdict.Spec) error {
	path := filepath.Join(dir, verdict.SpecsFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var specs []verdict.Spec
	if err := json.Unmarshal(data, &specs); err != nil {
		return err
	}
	if data, err = json.Marshal(change(specs)); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

func TestSummaryReportsEachProblemOnce(t *testing.T) {
	t.Parallel()
	dir := recordedRun(t, "order-ignored")
	render(t, dir)
	data, err := os.ReadFile(filepath.Join(dir, report.SummaryFile))
	if err != nil {
		t.Fatal(err)
	}
	got := string(data)
	inOrder(
		t, got, "## Not conformant in the selected guarantees: 3 promises are broken: StatefulSets on Kubernetes v1.36.3",
		"- **ordering/create** broken: set-1 was created", "; and 6 more times\n", "- **storage/unbound-blocks** broken", "- **ordering/scale-up** broken",
		"- inconclusive: `identity/hostname`, `identity/sticky`, ", " and 7 more. its spec failed before exercising it", "| ordering | 2 fail, 3 inconclusive, ",
	)
	if n := strings.Count(got, "\n- "); n != 6 {
		t.Errorf("expected three broken guarantees and three reasons, found %d points in\n%s", n, got)
	}
}

// The spec of the set of a thousand pods, in the tests of the page's size.
const largeSetSpec = "A set of a thousand pods is created, updated and scaled to nothing"

// largeSetPage is the page of a complete run and one more spec: a set of a thousand pods with claims, which are created one after
// another, replaced by an update, and scaled to nothing; at its end the spec failed.
//
//nolint:gochecknoglobals // Read by all tests.
var largeSetPage = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "large-set")
	if err != nil {
		return nil, err
	}
	page, err := renderLargeSet(dir)
	return page, errors.Join(err, os.RemoveAll(dir))
})

func renderLargeSet(dir string) ([]byte, error) {
	if err := os.CopyFS(dir, os.DirFS("testdata/conformant")); err != nil {
		return nil, err
	}
	h := largeSetHistory(1000)
	failures := filepath.Join(dir, "failures", "large", "logs")
	if err := errors.Join(h.Save(filepath.Join(dir, "histories", "large.jsonl.gz")), os.MkdirAll(failures, 0o755)); err != nil {
		return nil, err
	}
	object := "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: web-%d\nspec:\n" + strings.Repeat("  - something: of a pod's many lines\n", 100)
	var objects strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&objects, object, i)
	}
	if err := os.WriteFile(filepath.Join(failures, "..", "objects.yaml"), []byte(objects.String()), 0o644); err != nil {
		return nil, err
	}
	err := changeSpecs(dir, func(specs []verdict.Spec) []verdict.Spec {
		return append(specs, verdict.Spec{
			Text: largeSetSpec, State: "failed", Selected: true, Seconds: 300, Message: "web-0 is still there", History: "histories/large.jsonl.gz",
			Proves: h.Header.Proves,
		})
	})
	if err != nil {
		return nil, err
	}
	c, err := judgeFolder(dir)
	if err != nil {
		return nil, err
	}
	var page bytes.Buffer
	err = report.WritePage(&page, dir, c)
	return page.Bytes(), err
}

func largeSetHistory(pods int) *history.History {
	s := historytest.New().Pace(20 * time.Millisecond)
	s.Running("web", pods, historytest.Claims("data"))
	s.NewTemplate("web", 2)
	for i := pods - 1; i >= 0; i-- {
		s.Roll("web", i)
	}
	s.Operation("scale", "statefulsets", "web")
	s.Scale("web", 0)
	for i := pods - 1; i >= 0; i-- {
		s.DeletePod(fmt.Sprintf("web-%d", i))
	}
	h := s.History()
	h.Header.Spec, h.Header.Proves = largeSetSpec, []contract.ID{contract.OrderingCreate}
	return h
}

// A page stays below 5 MB, whatever the run: it names what it leaves out.
func TestPageStaysSmall(t *testing.T) {
	t.Parallel()
	const most = 5 << 20
	large, err := largeSetPage()
	if err != nil {
		t.Fatal(err)
	}
	inOrder(t, string(large), largeSetSpec, "more are in histories/large.jsonl.gz", "more objects are in failures/large")
	for name, got := range map[string]string{"a complete run": page(t, recordedRun(t, "conformant")), "a complete run and a set of 1,000 pods": string(large)} {
		t.Logf("%s: %.2f MB", name, float64(len(got))/(1<<20))
		if len(got) > most {
			t.Errorf("%s: expected at most %d bytes, found %d", name, most, len(got))
		}
	}
}

// A run with wide tolerances is partial, and the page and the summary say why.
func TestPageTellsWideTolerances(t *testing.T) {
	t.Parallel()
	dir := recordedRun(t, "conformant")
	c := copyOf(t, recordedReport(t, "conformant"))
	c.Partial, c.Settings.Limits = true, []string{"controller-lag=12s", "pod-ready=5m0s"}
	var page, summary bytes.Buffer
	if err := errors.Join(report.WritePage(&page, dir, c), report.WriteSummary(&summary, c)); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"page": page.String(), "summary": summary.String()} {
		if !strings.Contains(text, "judged with controller-lag=12s, wider than it takes to tell a broken controller") {
			t.Errorf("%s: expected the tolerance to be told", name)
		}
		if strings.Contains(text, "in the selected guarantees") {
			t.Errorf("%s: expected no word of a selection, which there was not", name)
		}
	}
	c.Settings.Focus = "dns"
	summary.Reset()
	if err := report.WriteSummary(&summary, c); err != nil || !strings.Contains(summary.String(), "in the selected guarantees") {
		t.Errorf("expected the selection to be told as well, found %v and %s", err, summary.String())
	}
}

// What a settings file gave is told by page, summary and the report itself, except for values that no report holds.
func TestReportTellsWhatASettingsFileGave(t *testing.T) {
	t.Parallel()
	c := copyOf(t, recordedReport(t, "conformant"))
	c.Settings.File = report.SettingsOf(runconfig.Settings{FromFile: []string{"level=extended", "node-selector=pool=db", "pull-secret=/SECRET/config.json", "namespace-annotations=owner=SECRET", "results-dir=/SECRET/out"}}).File
	var page, summary bytes.Buffer
	dir := t.TempDir()
	if err := errors.Join(report.WritePage(&page, recordedRun(t, "conformant"), c), report.WriteSummary(&summary, c), c.Save(dir)); err != nil {
		t.Fatal(err)
	}
	saved, err := os.ReadFile(filepath.Join(dir, report.File))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"page": page.String(), "summary": summary.String(), "report": string(saved)} {
		for _, want := range []string{"level=extended", "node-selector=pool=db", "pull-secret=("} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: expected %q", name, want)
			}
		}
		for _, hidden := range []string{"SECRET"} {
			if strings.Contains(text, hidden) {
				t.Errorf("%s: expected no %q", name, hidden)
			}
		}
	}
}

// A run on an old version is partial without a selection.
func TestPageTellsThatAnOldVersionIsHeldToAPart(t *testing.T) {
	t.Parallel()
	c := copyOf(t, recordedReport(t, "conformant"))
	c.Partial, c.Cluster.KubernetesVersion = true, "v1.30.2"
	var summary bytes.Buffer
	if err := report.WriteSummary(&summary, c); err != nil {
		t.Fatal(err)
	}
	if text := summary.String(); !strings.Contains(text, "this old is held to the guarantees that it already had") || strings.Contains(text, "in the selected guarantees") {
		t.Errorf("expected the age and no selection to be told, found %s", text)
	}
}

// A cluster that was held to a later version's promises is said to be, and is as old as that version.
func TestPageTellsWhatVersionTheClusterWasHeldTo(t *testing.T) {
	t.Parallel()
	c := copyOf(t, recordedReport(t, "conformant"))
	c.Cluster.KubernetesVersion = "v1.30.2"
	for heldTo, held := range map[string]bool{"": false, "v1.29": false, "v1.34": true} {
		c.Settings.HeldTo = heldTo
		var summary bytes.Buffer
		if err := report.WriteSummary(&summary, c); err != nil {
			t.Fatal(err)
		}
		text := summary.String()
		if strings.Contains(text, "It was held to the promises of Kubernetes v1.34, a later version than its own.") != held || strings.Contains(text, "this old is held") == held {
			t.Errorf("held to %q: expected that to be told: %t, found %s", heldTo, held, text)
		}
	}
}
