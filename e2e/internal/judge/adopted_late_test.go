package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// TestAdoptedLate: a set that is being deleted adopts no pods, unless it may not have known.
func TestAdoptedLate(t *testing.T) {
	const id = contract.TerminationNoRecreate
	adopted := func(after time.Duration) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 1)
			b.Operation(history.VerbDelete, history.Sets, "web")
			b.Change(history.Sets, "web", func(e *history.Event) {
				e.Generation++
				e.DeletionTimestamp, e.Finalizers = new(b.Timestamp()), []string{"foregroundDeletion"}
			})
			if after > time.Second {
				b.Status("web")
			}
			b.Wait(after)
			b.Operation(history.VerbCreate, history.Pods, "web-7")
			b.Pod("web-7").Owners = nil
			b.Adopt("web-7", "web")
		}
	}
	runCases(t, []testCase{
		{name: "long after its deletion began", broken: ids(id), texts: []string{"web-7 was adopted at rv", "although deletion of the set web began at rv"}, build: adopted(5 * time.Second)},
		{name: "at the same time", build: adopted(100 * time.Millisecond)},
	})
}
