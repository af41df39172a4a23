package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// TestPodsOfNeitherRevision: a pod that is lost is made again of the update revision or, during a rollout, of the current one, and of no other.
func TestPodsOfNeitherRevision(t *testing.T) {
	broken := ids(contract.UpdateComplete)
	named := func(b *historytest.Builder, current string) {
		b.Status("web", func(st *history.Status) { st.CurrentRevision = current })
	}
	// updated is a set whose rollout from the first template to the second is complete.
	updated := func(options ...historytest.Option) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 2, options...)
			named(b, "web-1")
			b.NewTemplate("web", 2)
			b.Roll("web", 1, 0)
			named(b, "web-2")
		}
	}
	// again has a pod that the test deletes come back at that revision.
	again := func(b *historytest.Builder, pod string, revision int) {
		b.DeleteByTest(pod)
		b.PodAt(pod, revision)
		b.Ready(pod)
		b.Status("web")
	}
	without := func(s *history.Set) { s.NoRollingUpdate = true }
	then := func(build func(*historytest.Builder), wait time.Duration, act func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			build(b)
			b.Wait(wait)
			act(b)
			b.Wait(time.Second)
		}
	}
	runCases(t, []testCase{
		{
			name: "the former one, once it was replaced", broken: broken, texts: []string{"web-1 was created at rv", "at revision web-1, expected the update revision web-2"},
			build: then(updated(), 10*time.Second, func(b *historytest.Builder) { again(b, "web-1", 1) }),
		},
		{
			name: "the former one, where the strategy has no field rollingUpdate", broken: broken,
			build: then(updated(without), 10*time.Second, func(b *historytest.Builder) { again(b, "web-1", 1) }),
		},
		{
			name: "that before the current one, during a rollout", broken: broken, texts: []string{"at revision web-1, expected the update revision web-3"},
			build: then(updated(), 10*time.Second, func(b *historytest.Builder) {
				b.NewTemplate("web", 3)
				b.Roll("web", 1)
				again(b, "web-0", 1)
			}),
		},
		{name: "the update revision", build: then(updated(), 10*time.Second, func(b *historytest.Builder) { again(b, "web-1", 2) })},
		{
			name: "the current one, during a rollout", build: then(updated(), 10*time.Second, func(b *historytest.Builder) {
				b.NewTemplate("web", 3)
				b.Roll("web", 1)
				again(b, "web-0", 2)
			}),
		},
		{name: "the former one, a moment after it was the current one", build: then(updated(), 0, func(b *historytest.Builder) { again(b, "web-1", 1) })},
		{
			name: "one of which no status said what template it has", build: then(updated(), 10*time.Second, func(b *historytest.Builder) { again(b, "web-1", 7) }),
		},
	})
}
