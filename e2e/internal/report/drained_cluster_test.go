package report_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/recording"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
)

// drainedCluster returns a folder with a recording of a namespace with five sets on a kind cluster of three nodes (v1.37.2), while each worker was drained,
// the node of the control plane restarted, a pod deleted, a set updated, and a worker paused for 70 s.
func drainedCluster(t *testing.T) (dir string, r *recording.Recording) {
	t.Helper()
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "drained-cluster"))); err != nil {
		t.Fatal(err)
	}
	var all []*history.History
	file := func(i int) string { return fmt.Sprintf("histories/shop-%d.jsonl.gz", i+1) }
	for i := range 2 {
		h, err := history.Load(filepath.Join(dir, file(i)))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, h)
	}
	r = recording.New([]string{"shop"}, "")
	r.NoteVersion("v1.37.2")
	turn := all[1].Header.Start
	for i, span := range []recording.Span{{Until: turn}, {From: turn}} {
		r.Add(all[i], file(i), span, func(map[string]string) bool { return true })
	}
	if err := report.RenderRecording(dir, r); err != nil {
		t.Fatal(err)
	}
	return dir, r
}

// TestDrainedCluster: what real drains and restarts are told as. Nobody is accused, each drain and the silent node are named with what they
// cost, and the deletion whose author nothing shows is said to be not told.
func TestDrainedCluster(t *testing.T) {
	t.Parallel()
	_, r := drainedCluster(t)
	if broken := r.Promises(); len(broken) > 0 {
		t.Errorf("expected no promise broken, found %+v", broken)
	}
	var told bytes.Buffer
	if err := report.WriteRecordingSummary(&told, r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"a client, by eviction (kubectl drain for example; node statefulset-conformance-worker was cordoned)",
		"a client, by eviction (kubectl drain for example; node statefulset-conformance-worker2 was cordoned)",
		"deleted, by whom is not told",
		"NodeNotReady",
		"no majority of its pods",
		"budget shop/etcd allowed no disruption",
	} {
		if !strings.Contains(told.String(), want) {
			t.Errorf("expected %q in the summary, found\n%s", want, told.String())
		}
	}
	if n := len(r.Sets); n != 5 {
		t.Errorf("expected five sets, found %d", n)
	}
}
