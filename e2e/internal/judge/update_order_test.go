package judge_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// rollTwoAtATime has the pods of the set "web" replaced in that order, two at a time.
func rollTwoAtATime(ordinals ...int) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		b.Wait(5 * time.Second)
		b.NewTemplate("web", 2)
		for i, n := range ordinals {
			b.Terminate(fmt.Sprintf("web-%d", n))
			if i%2 == 0 {
				continue
			}
			for _, gone := range ordinals[i-1 : i+1] {
				pod := fmt.Sprintf("web-%d", gone)
				b.FinishDeletion(pod)
				b.CreateReady(pod)
			}
			b.Status("web")
			b.Wait(5 * time.Second)
		}
	}
}

func TestUpdateOrderOfSeveralAtATime(t *testing.T) {
	const id = contract.UpdateOrder
	running := func(options ...historytest.Option) func(*historytest.Builder) {
		return func(b *historytest.Builder) { b.Running("web", 4, append(options, historytest.MaxUnavailable("2"))...) }
	}
	both := func(first, then func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			first(b)
			then(b)
		}
	}
	runCases(t, []testCase{
		{name: "the highest two first", build: both(running(), rollTwoAtATime(3, 2, 1, 0))},
		{name: "the highest two in any order", build: both(running(), rollTwoAtATime(2, 3, 0, 1))},
		{name: "the highest two first under Parallel", build: both(running(historytest.Parallel), rollTwoAtATime(3, 2, 1, 0))},
		{
			name: "the lowest two first", broken: ids(id), texts: []string{"web-0 (revision web-1) was deleted for an update at", "the higher web-3 still ran revision web-1"},
			build: both(running(), rollTwoAtATime(0, 1, 2, 3)),
		},
		{
			name: "the lowest two first under Parallel", broken: ids(id), build: both(running(historytest.Parallel), rollTwoAtATime(1, 0, 3, 2)),
		},
		{
			name: "one is left out", broken: ids(id), texts: []string{"web-1 (revision web-1) was deleted for an update at", "the higher web-2 still ran revision web-1"},
			build: both(running(), rollTwoAtATime(3, 1, 2, 0)),
		},
		{
			name: "under Parallel one that is not available comes before its turn",
			build: func(b *historytest.Builder) {
				running(historytest.Parallel)(b)
				b.Unready("web-0")
				b.Status("web")
				b.Wait(5 * time.Second)
				b.NewTemplate("web", 2)
				b.Terminate("web-0")
				b.Wait(5 * time.Second)
				b.Terminate("web-3")
			},
		},
		{
			name: "one above the highest was added a moment ago, at the old template",
			build: func(b *historytest.Builder) {
				running()(b)
				b.Wait(5 * time.Second)
				b.Scale("web", 5)
				b.CreateReady("web-4")
				b.ChangeTemplate("web", 2)
				b.Terminate("web-3")
				b.Terminate("web-4")
			},
		},
	})
}
