package report_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
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
	got := page(t, recordedRun(t, "order-ignored"))
	inOrder(
		t, got, "<h1>Not conformant, in what was asked: 3 promises are broken</h1>", "8 of 25 guarantees held",
		"ordering/create <", "set-1 was created at rv 5026", "<svg", "Seen 6 more times",
		"storage/unbound-blocks <", "Seen 3 more times", "ordering/scale-up <", "14 guarantees stayed open as well", "The run", "Guarantees",
	)
	if n := strings.Count(got, "its spec failed before exercising it: ordering/create broken: web-statefulset-1"); n != 13 {
		t.Errorf("expected a reason that 12 guarantees share once above, and once at each, found it %d times", n)
	}
}

func TestPageOfAConformantClusterAsksNothingOfItsReader(t *testing.T) {
	got := page(t, recordedRun(t, "conformant"))
	inOrder(t, got, "<h1>Conformant</h1>", "Nothing is to be done", "The run", "Guarantees", "Specs")
	if strings.Contains(got, "What is wrong") || regexp.MustCompile(`<details[^>]* open`).MatchString(got) {
		t.Error("expected nothing wrong and nothing unfolded")
	}
}

func TestPageShowsTheEvidenceOfFailures(t *testing.T) {
	got := page(t, recordedRun(t, "order-ignored"))
	inOrder(
		t, got, "The namespace at the time:", "<summary>Events</summary>", "Normal Scheduled pod/", "<summary>StatefulSet set</summary>",
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
	inOrder(t, got, "<h1>Inconclusive", "What stayed open", "DNS has address", "(failed): CoreDNS did not answer &lt;at all&gt;", "The run",
		"<h2 id=\"specs\">", "open><summary><span class=\"tag is-failed\">failed</span> DNS has")
	if strings.Contains(got, "<at all>") {
		t.Error("expected a message's angle brackets to be written as text")
	}
}

// edit changes the outcome of specs in a report folder, and judges it anew.
func edit(t *testing.T, dir string, change func([]verdict.Spec) []verdict.Spec) *report.Conformance {
	t.Helper()
	path := filepath.Join(dir, verdict.SpecsFile)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var specs []verdict.Spec
	if err := json.Unmarshal(data, &specs); err != nil {
		t.Fatal(err)
	}
	data, err = json.Marshal(change(specs))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return saveReport(t, dir)
}

func TestSummaryTellsEachThingOnce(t *testing.T) {
	dir := recordedRun(t, "order-ignored")
	render(t, dir)
	data, err := os.ReadFile(filepath.Join(dir, report.SummaryFile))
	if err != nil {
		t.Fatal(err)
	}
	got := string(data)
	inOrder(
		t, got, "## Not conformant, in what was asked: 3 promises are broken: StatefulSets on Kubernetes v1.36.3",
		"- **ordering/create** broken: set-1 was created", "; and 6 more times\n", "- **storage/unbound-blocks** broken", "- **ordering/scale-up** broken",
		"- undecided: `identity/hostname`, `identity/sticky`, ", " and 7 more. its spec failed before exercising it", "| ordering | 2 fail, 3 inconclusive, 5 not selected |",
	)
	if n := strings.Count(got, "\n- "); n != 6 {
		t.Errorf("expected three broken guarantees and three reasons, found %d points in\n%s", n, got)
	}
}

// The set of a thousand pods in the tests of the page's size.
const greatSet = "A set of a thousand pods comes and goes"

// wholeRunWithAGreatSet is a whole run and one more spec: a set of so many pods with claims, which are started one after another,
// replaced by an update, and scaled to nothing; at its end the spec failed.
func wholeRunWithAGreatSet(t *testing.T, pods int) string {
	t.Helper()
	dir := recordedRun(t, "conformant")
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
	h.Header.Spec, h.Header.Proves = greatSet, []contract.ID{contract.OrderingCreate}
	if err := h.Save(filepath.Join(dir, "histories", "great.jsonl.gz")); err != nil {
		t.Fatal(err)
	}
	failures := filepath.Join(dir, "failures", "great", "logs")
	if err := os.MkdirAll(failures, 0o755); err != nil {
		t.Fatal(err)
	}
	object := "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: web-%d\nspec:\n" + strings.Repeat("  - something: of a pod's many lines\n", 100)
	var objects strings.Builder
	for i := range pods {
		fmt.Fprintf(&objects, object, i)
	}
	if err := os.WriteFile(filepath.Join(failures, "..", "objects.yaml"), []byte(objects.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	edit(t, dir, func(specs []verdict.Spec) []verdict.Spec {
		return append(specs, verdict.Spec{
			Text: greatSet, State: "failed", Selected: true, Seconds: 300, Message: "web-0 is still there", History: "histories/great.jsonl.gz",
			Proves: h.Header.Proves,
		})
	})
	return dir
}

// A page stays below 5 MB, whatever the run: what was left out is named.
func TestPageStaysSmall(t *testing.T) {
	const most = 5 << 20
	for name, dir := range map[string]string{
		"a whole run":                         recordedRun(t, "conformant"),
		"a whole run and a set of 1,000 pods": wholeRunWithAGreatSet(t, 1000),
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Now()
			got := page(t, dir)
			t.Logf("%.2f MB in %.2f s", float64(len(got))/(1<<20), time.Since(begin).Seconds())
			if len(got) > most {
				t.Errorf("expected at most %d bytes, found %d", most, len(got))
			}
			if strings.Contains(name, "1,000") {
				inOrder(t, got, greatSet, "more are in histories/great.jsonl.gz", "more objects are in failures/great")
			}
		})
	}
}
