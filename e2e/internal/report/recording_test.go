package report_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/recording"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
)

// recordedFolder saves the recording of a namespace in which a pod was created too early, if broken, and another was evicted.
func recordedFolder(t *testing.T, broken bool) (dir string, r *recording.Recording) {
	t.Helper()
	b := historytest.New()
	b.Set("web", historytest.Replicas(2), historytest.Claims("data"))
	b.Wait(time.Minute)
	b.Claim("data", "web-0")
	b.Pod("web-0")
	if !broken {
		b.Ready("web-0")
	}
	b.Claim("data", "web-1")
	b.Pod("web-1")
	b.Wait(time.Minute)
	b.Ready("web-0")
	b.Ready("web-1")
	b.Add(&history.Event{Resource: history.Nodes, Meta: history.Meta{Name: b.Get(history.Pods, "web-1").Pod.Node}, Node: &history.Node{Unschedulable: true}})
	b.Add(&history.Event{Resource: history.Budgets, Meta: history.Meta{Name: "two"}, Budget: &history.Budget{
		Selector: &metav1.LabelSelector{}, Computed: true, Healthy: 2, Desired: 2, Expected: 2,
	}})
	b.Disrupt("web-1", "EvictionByEvictionAPI")
	b.ByOthers(func() { b.DeletePod("web-1") })
	b.CreateReady("web-1")
	b.Update("web", func(s *history.Set) { s.Replicas, s.Scaler = 1, "<script>alert(1)</script>" })
	b.Gap(history.Nodes, 0)
	h := b.History()
	dir = t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "histories"), 0o755); err != nil {
		t.Fatal(err)
	}
	const file = "histories/shop.jsonl.gz"
	if err := h.Save(filepath.Join(dir, file)); err != nil {
		t.Fatal(err)
	}
	r = recording.New([]string{"shop"}, "")
	r.Add(h, file, recording.Span{}, func(map[string]string) bool { return true })
	r.Cost = &recording.Cost{Requests: map[string]int{"list": 11, "watch": 13}, Received: 3 << 19, Memory: 60 << 20}
	if err := report.SaveRecording(dir, r); err != nil {
		t.Fatal(err)
	}
	return dir, r
}

func TestRecordingIsToldEverywhere(t *testing.T) {
	for _, broken := range []bool{false, true} {
		dir, r := recordedFolder(t, broken)
		var console bytes.Buffer
		if err := report.WriteRecordingConsole(&console, r); err != nil {
			t.Fatal(err)
		}
		texts := map[string]string{"console": console.String()}
		for _, name := range []string{report.PageFile, report.SummaryFile, recording.File} {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			texts[name] = string(data)
		}
		for where, text := range texts {
			for _, want := range []string{"kubectl drain for example; node node was cordoned", "web-1", "allowed no disruption", "2 of 2 pods were Ready"} {
				if !strings.Contains(text, want) {
					t.Errorf("%s (broken: %t): expected %q in\n%s", where, broken, want, text)
				}
			}
			if where != recording.File && !strings.Contains(text, "he recording itself took 24 requests (11 list, 13 watch), 1.5 MiB received, 60 MiB of memory at most") {
				t.Errorf("%s: expected what the recording took, in\n%s", where, text)
			}
			if where != recording.File && (!strings.Contains(text, "at that time node node was cordoned from") || !strings.Contains(strings.ToLower(text), "nodes and budgets meanwhile")) {
				t.Errorf("%s: expected what was so of the node beside the outage, in\n%s", where, text)
			}
			if got := strings.Contains(text, "web-1 was created at"); got != broken {
				t.Errorf("%s: expected it to say what is broken: %t, found\n%s", where, broken, text)
			}
			if where != recording.File && where != "console" && strings.Contains(text, "<script>") {
				t.Errorf("%s: expected what the cluster says to be escaped", where)
			}
			if where == report.PageFile && strings.Contains(text, "gap in nodes") {
				t.Error("expected what is missing of nodes to be said, and not to be drawn over pods")
			}
			if where == report.PageFile && !strings.Contains(text, "<svg") {
				t.Error("expected a timeline on the page")
			}
		}
		again, err := recording.Load(dir)
		if err != nil || len(again.Acts) != len(r.Acts) || len(again.Outages) != len(r.Outages) || len(again.Broken) != len(r.Broken) {
			t.Errorf("expected the saved recording to be the same: %v", err)
		}
	}
}

// TestTimelinesOfLongRecordings: of many events the newest history is drawn on the page, with those in which something was broken, and each other on a page of its
// own, which is written once.
func TestTimelinesOfLongRecordings(t *testing.T) {
	dir, r := recordedFolder(t, false)
	saved, err := os.ReadFile(filepath.Join(dir, r.Histories[0].File))
	if err != nil {
		t.Fatal(err)
	}
	first := r.Histories[0]
	first.Events = 50_000
	r.Histories = nil
	for _, name := range []string{"histories/shop-1.jsonl.gz", "histories/shop-2.jsonl.gz", "histories/shop-3.jsonl.gz"} {
		if err := os.WriteFile(filepath.Join(dir, name), saved, 0o600); err != nil {
			t.Fatal(err)
		}
		first.File = name
		r.Histories = append(r.Histories, first)
	}
	if err := report.SaveRecording(dir, r); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	page := read(report.PageFile)
	if n := strings.Count(page, "<svg"); n != 1 || !strings.Contains(page, `href="timeline-shop-1.html"`) || !strings.Contains(page, `href="timeline-shop-2.html"`) || strings.Contains(page, "timeline-shop-3") {
		t.Errorf("expected one timeline on the page, and links to two, found %d in\n%s", n, page)
	}
	for _, name := range []string{"timeline-shop-1.html", "timeline-shop-2.html"} {
		if text := read(name); strings.Count(text, "<svg") != 1 || !strings.Contains(text, "index.html") {
			t.Errorf("%s: expected a timeline and the way back, found\n%s", name, text)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "timeline-shop-1.html"), []byte("as it was"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := report.SaveRecording(dir, r); err != nil || read("timeline-shop-1.html") != "as it was" {
		t.Errorf("expected a page that is there to stay: %v", err)
	}
	r.Broken = []recording.Finding{{Guarantee: "ordering/create", File: "histories/shop-1.jsonl.gz"}}
	if err := report.RenderRecording(dir, r); err != nil {
		t.Fatal(err)
	}
	if page := read(report.PageFile); strings.Contains(page, "timeline-shop-1") || !strings.Contains(page, "timeline-shop-3") {
		t.Errorf("expected the history with what is broken on the page, found\n%s", page)
	}
	if _, err := os.Stat(filepath.Join(dir, "timeline-shop-1.html")); err == nil {
		t.Error("expected all pages to be made anew")
	}
}
