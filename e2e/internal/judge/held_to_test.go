package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// A pod that was not Ready for minReadySeconds stays for ever up to 1.33 (kubernetes issue 123918): that accuses a cluster of 1.33 only if it is held
// to the promises of a later version.
func TestHeldToALaterVersion(t *testing.T) {
	stays := func(own, heldTo string) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Version(own).HeldTo(heldTo)
			b.Running("web", 3, historytest.MinReady(1))
			b.Scale("web", 2)
			b.Wait(time.Minute)
		}
	}
	const id = contract.OrderingScaleDownCompletes
	runCompletionCases(t, []testCase{
		{name: "its own promises", controllerActs: true, build: stays("v1.33.13", "")},
		{name: "held to a later version", controllerActs: true, broken: ids(id), texts: []string{"web-2 is out of the range"}, build: stays("v1.33.13", "v1.34")},
		{name: "held to an earlier version", controllerActs: true, broken: ids(id), build: stays("v1.34.1", "v1.33")},
		{name: "held to a later one, of which this is no promise yet", controllerActs: true, build: stays("v1.32.1", "v1.33")},
	})
}
