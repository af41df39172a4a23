package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// A controller that adopts pods one after another may not know of the higher one yet when it removes the lower.
func TestScaleDownBesideAPodThatWasJustAdopted(t *testing.T) {
	adopted := func(after time.Duration) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 3)
			b.Wait(5 * time.Second)
			b.Orphan("web-2")
			b.Status("web")
			b.Wait(5 * time.Second)
			b.Scale("web", 1)
			b.Wait(4 * time.Second)
			b.Adopt("web-2", "web")
			b.Wait(after)
			b.Terminate("web-1")
			b.Wait(time.Second)
			b.Terminate("web-2")
		}
	}
	runCases(t, []testCase{
		{name: "a moment ago", excused: ids(contract.OrderingScaleDown), build: adopted(0)},
		{name: "long ago", broken: ids(contract.OrderingScaleDown), build: adopted(5 * time.Second)},
	})
}
