package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// twoDown begins the rollout of a Parallel set of four pods, with maxUnavailable 2, on two of them.
func twoDown(b *historytest.Builder, version string) {
	b.Version(version).Running("web", 4, historytest.Parallel, historytest.MaxUnavailable("2"), historytest.MinReady(10))
	b.Wait(20 * time.Second)
	b.Status("web")
	b.Wait(4 * time.Second)
	b.NewTemplate("web", 2)
	b.Terminate("web-3")
	b.Terminate("web-2")
}

// A pod that a rollout has replaced is unavailable until it has been Ready for minReadySeconds.
func TestMaxUnavailableCountsPodsThatAreNotAvailableYet(t *testing.T) {
	const id = contract.UpdateMaxUnavailable
	next := func(version string, after time.Duration, then func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			twoDown(b, version)
			b.FinishDeletion("web-3")
			b.CreateReady("web-3")
			b.Wait(after)
			then(b)
			b.Terminate("web-1")
		}
	}
	nothing := func(*historytest.Builder) {}
	runCases(t, []testCase{
		{
			name: "Ready for a moment", broken: ids(id), build: next("v1.37.2", time.Second, nothing),
			texts: []string{"web-1 was deleted for an update at", "with it 3 pods were down through the rollout (web-1, web-2, web-3, which had not been Ready for minReadySeconds) where maxUnavailable is 2"},
		},
		{name: "Ready for long enough", build: next("v1.37.2", 11*time.Second, nothing)},
		{name: "before 1.37, where the controller ignores the field", build: next("v1.33.1", time.Second, nothing)},
		{
			name: "lost by itself meanwhile", build: next("v1.37.2", 11*time.Second, func(b *historytest.Builder) { b.Unready("web-3") }),
		},
		{
			name: "minReadySeconds fell a moment ago", build: next("v1.37.2", time.Second, func(b *historytest.Builder) {
				b.Update("web", historytest.MinReady(0))
			}),
		},
	})
}

// The same counts beside a pod that is down by itself.
func TestBudgetCountsPodsThatAreNotAvailableYet(t *testing.T) {
	const id = contract.UpdateBudgetCountsFailures
	third := func(after time.Duration) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			twoDown(b, "v1.37.2")
			b.FinishDeletion("web-2")
			b.CreateReady("web-2")
			b.Unready("web-0")
			b.Status("web")
			b.Wait(12 * time.Second)
			b.FinishDeletion("web-3")
			b.CreateReady("web-3")
			b.Wait(after)
			b.Terminate("web-1")
		}
	}
	runLiveCases(t, []testCase{
		{
			name: "Ready for a moment", broken: ids(id), build: third(time.Second),
			texts: []string{"although maxUnavailable is 2: down through the rollout were web-1, web-3, which had not been Ready for minReadySeconds, and web-0 was no longer Ready"},
		},
		{name: "Ready for long enough", exercised: ids(id), build: third(12 * time.Second)},
	})
}
