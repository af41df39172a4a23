package figures_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/figures"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestNextPod(t *testing.T) {
	two := func(options ...historytest.Option) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Set("web", append(options, historytest.Replicas(2))...)
			b.Wait(time.Second)
			b.CreateReady("web-0")
			b.Wait(50 * time.Millisecond)
			b.Pod("web-1")
		}
	}
	check(t, []measured{
		{"an ordered set", figures.PodNext, two(), []float64{0.05}},
		{"one whose pods are made together", figures.PodNext, two(historytest.Parallel), nil},
		{"one that waits for minReadySeconds", figures.PodNext, two(historytest.MinReady(5)), nil},
		{"a pod that a scale asks for", figures.PodNext, func(b *historytest.Builder) {
			b.Running("web", 1)
			b.Wait(time.Minute)
			b.Scale("web", 2)
			b.Pod("web-1")
		}, nil},
		{"a pod that is made again", figures.PodNext, func(b *historytest.Builder) {
			two()(b)
			b.Wait(time.Minute)
			b.DeletePod("web-1")
			b.Pod("web-1")
		}, []float64{0.05}},
		{"a pod before that is Ready once more", figures.PodNext, func(b *historytest.Builder) {
			b.Set("web", historytest.Replicas(2))
			b.CreateReady("web-0")
			b.Unready("web-0")
			b.Wait(time.Minute)
			b.Ready("web-0")
			b.Wait(time.Second)
			b.Pod("web-1")
		}, []float64{1}},
		{"a pod before that is being deleted", figures.PodNext, func(b *historytest.Builder) {
			b.Set("web", historytest.Replicas(2))
			b.Wait(time.Second)
			b.CreateReady("web-0")
			b.Wait(time.Second)
			b.Terminate("web-0")
			b.Pod("web-1")
		}, nil},
	})
}

func TestRollouts(t *testing.T) {
	rolled := func(meanwhile func(*historytest.Builder), options ...historytest.Option) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 2, options...)
			b.Wait(time.Minute)
			b.NewTemplate("web", 2)
			b.Wait(2 * time.Second)
			b.Roll("web", 1)
			b.Wait(2 * time.Second)
			if meanwhile != nil {
				meanwhile(b)
			}
			b.Roll("web", 0)
		}
	}
	gatedParts := func(s *history.Set) { s.Template.Parts = "readinessGates[released].conditionType" }
	check(t, []measured{
		{"a rollout of two pods", figures.PodRolled, rolled(nil), []float64{2}},
		{"one that ends before a partition", figures.PodRolled, rolled(nil, historytest.Partition(1)), nil},
		{"one that people make", figures.PodRolled, rolled(nil, historytest.OnDelete), nil},
		{"one that a readiness gate holds", figures.PodRolled, rolled(nil, gatedParts), nil},
		{"one that waits for minReadySeconds", figures.PodRolled, rolled(nil, historytest.MinReady(1)), nil},
		{"one in which the set is changed", figures.PodRolled, rolled(func(b *historytest.Builder) { b.Scale("web", 2) }), nil},
		{"one in which the spec deletes a pod", figures.PodRolled, rolled(func(b *historytest.Builder) {
			b.DeleteByTest("web-1")
			b.FinishDeletion("web-1")
			b.CreateReady("web-1")
			b.Wait(time.Second)
		}), nil},
		{"one in which it does what matters to nobody", figures.PodRolled, rolled(func(b *historytest.Builder) {
			b.Operation(history.VerbOther, "", "")
			b.Wait(2 * time.Second)
		}), []float64{3}},
		{"a set that is scaled", figures.PodRolled, func(b *historytest.Builder) {
			b.Running("web", 1)
			b.Scale("web", 2)
			b.CreateReady("web-1")
			b.Status("web")
		}, nil},
		{"a rollout that goes on", figures.PodRolled, func(b *historytest.Builder) {
			b.Running("web", 2)
			b.NewTemplate("web", 2)
			b.Roll("web", 1)
		}, nil},
	})
}

// TestResponses: what judges know of the controller's reaction is told with the other figures.
func TestResponses(t *testing.T) {
	got := figures.Measure(historytest.New().History(), []time.Duration{time.Second, 2 * time.Second})
	if len(got) != 2 || got[1] != (figures.Sample{Kind: figures.SetObserved, Took: 2 * time.Second}) {
		t.Errorf("expected both, found %v", got)
	}
}
