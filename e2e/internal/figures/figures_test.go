package figures_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/figures"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// took returns the times of one kind in a history, in seconds.
func took(t *testing.T, kind figures.Kind, build func(*historytest.Builder)) map[string][]float64 {
	t.Helper()
	b := historytest.New()
	build(b)
	out := map[string][]float64{}
	for _, s := range figures.Measure(b.History(), nil) {
		if s.Kind == kind {
			out[s.Of] = append(out[s.Of], s.Took.Seconds())
		}
	}
	return out
}

// onNode moves a pod of a history, in all events of its present life.
func onNode(b *historytest.Builder, pod, node string) {
	uid := b.Get(history.Pods, pod).UID
	for _, e := range b.Events() {
		if e.UID == uid && e.Pod.Node != "" {
			e.Pod.Node = node
		}
	}
}

func TestMeasure(t *testing.T) {
	replaced := func(wait time.Duration, node string) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 1)
			onNode(b, "web-0", "one")
			b.DeletePod("web-0")
			b.Wait(wait)
			b.Pod("web-0")
			b.Wait(2 * time.Second)
			b.Ready("web-0")
			onNode(b, "web-0", node)
		}
	}
	gated := func(b *historytest.Builder) {
		b.Running("web", 1)
		for _, e := range b.Events() {
			if e.Pod != nil {
				e.Pod.Template.Parts = "readinessGates[released].conditionType"
			}
		}
	}
	claimed := func(bound bool) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Set("web", historytest.Claims("data"))
			if bound {
				b.Claim("data", "web-0")
			} else {
				b.Add(&history.Event{Resource: history.Claims, Meta: history.Meta{Name: "data-web-0"}, Claim: &history.Claim{Phase: "Pending"}})
			}
			b.CreateReady("web-0")
		}
	}
	listed := func(b *historytest.Builder) {
		b.Running("web", 1)
		for _, e := range b.Events() {
			if e.Pod != nil && e.Change == history.Added {
				e.Change = history.Listed
			}
		}
	}
	for _, tt := range []struct {
		name  string
		kind  figures.Kind
		build func(*historytest.Builder)
		want  int
	}{
		{"a pod that is Ready", figures.PodReady, func(b *historytest.Builder) { b.Running("web", 1) }, 1},
		{"each of three", figures.PodScheduled, func(b *historytest.Builder) { b.Running("web", 3) }, 3},
		{"and how they started", figures.PodStarted, func(b *historytest.Builder) { b.Running("web", 3) }, 3},
		{"a pod that was there before", figures.PodReady, listed, 0},
		{"a pod that a readiness gate held", figures.PodReady, gated, 0},
		{"a pod that a readiness gate held has a node all the same", figures.PodScheduled, gated, 1},
		{"a claim", figures.ClaimBound, claimed(true), 1},
		{"its pod", figures.PodReady, claimed(true), 1},
		{"a claim that was never Bound", figures.ClaimBound, claimed(false), 0},
		{"its pod", figures.PodScheduled, claimed(false), 0},
		{"a pod that came back", figures.PodReplaced, replaced(0, "one"), 1},
		{"on another node", figures.PodReplaced, replaced(0, "two"), 0},
		{"which is", figures.PodMoved, replaced(0, "two"), 1},
		{"one that something else held", figures.PodReplaced, replaced(time.Minute, "one"), 0},
		{"what the controller took for one that came back", figures.PodRecreated, replaced(0, "two"), 1},
		{"and for one that something else held", figures.PodRecreated, replaced(time.Minute, "one"), 0},
		{"how it stopped", figures.PodStopped, replaced(0, "one"), 1},
		{"a pod that stays", figures.PodStopped, func(b *historytest.Builder) { b.Running("web", 1) }, 0},
		{"a pod that is not gone yet", figures.PodStopped, func(b *historytest.Builder) { b.Running("web", 1); b.Terminate("web-0") }, 0},
	} {
		got := took(t, tt.kind, tt.build)
		n := 0
		for _, all := range got {
			n += len(all)
		}
		if n != tt.want {
			t.Errorf("%s: expected %d times of %s, found %v", tt.name, tt.want, tt.kind, got)
		}
	}
	if got := took(t, figures.PodReplaced, replaced(0, "one")); len(got["one"]) != 1 || got["one"][0] < 2 || got["one"][0] > 3 {
		t.Errorf("expected between the 2 s that the pod was not Ready and 3 s, on its node, found %v", got)
	}
}

func TestHowLongAPodTookToStop(t *testing.T) {
	got := took(t, figures.PodStopped, func(b *historytest.Builder) {
		b.Running("web", 1)
		onNode(b, "web-0", "one")
		b.Terminate("web-0")
		b.Wait(3 * time.Second)
		b.FinishDeletion("web-0")
	})
	if len(got["one"]) != 1 || got["one"][0] < 3 || got["one"][0] > 4 {
		t.Errorf("expected the 3 s from the request to the end, found %v", got)
	}
}

func TestSum(t *testing.T) {
	var samples []figures.Sample
	for n := range 100 {
		samples = append(samples, figures.Sample{Kind: figures.PodReady, Of: []string{"one", "two"}[n%2], Took: time.Duration(100-n) * time.Second})
	}
	samples = append(samples, figures.Sample{Kind: figures.ClaimBound, Of: "standard", Took: 1234567 * time.Microsecond})
	want := []figures.Figure{
		{Kind: figures.PodReady, Count: 100, Median: 50, P95: 95, Max: 100},
		{Kind: figures.PodReady, Of: "one", Count: 50, Median: 50, P95: 96, Max: 100},
		{Kind: figures.PodReady, Of: "two", Count: 50, Median: 49, P95: 95, Max: 99},
		{Kind: figures.ClaimBound, Count: 1, Median: 1.234, P95: 1.234, Max: 1.234},
	}
	if diff := cmp.Diff(want, figures.Sum(samples)); diff != "" {
		t.Error(diff)
	}
	if got := figures.Sum(nil); len(got) > 0 {
		t.Errorf("expected nothing of nothing, found %v", got)
	}
}

// TestKindsHaveMeanings keeps the list of kinds and their words together.
func TestKindsHaveMeanings(t *testing.T) {
	for _, k := range figures.Kinds() {
		if k.Meaning() == "" {
			t.Errorf("%s has no words", k)
		}
	}
}
