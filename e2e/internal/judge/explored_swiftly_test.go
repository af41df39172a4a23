package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// TestExploredSwiftly has kinds of histories, as TestExploredKinds, in which something was undone within the lag of the informer caches.
func TestExploredSwiftly(t *testing.T) {
	runLiveCases(t, []testCase{
		{
			name: "the current revision was the set's own, and was removed just before", broken: ids(contract.UpdateHistoryOldestFirst), notExercised: ids(contract.StatusRevisions), build: currentRemoved(true),
		},
		{
			name: "another one than the current revision was removed just before", broken: ids(contract.StatusRevisions), build: currentRemoved(false),
		},
		{
			name: "an orphan that had a former revision until its template came back", notExercised: ids(contract.LifecycleAdoption), build: orphanDeleted(true),
		},
		{
			name: "an orphan that had no former revision", broken: ids(contract.LifecycleAdoption), build: orphanDeleted(false),
		},
	})
}

// currentRemoved has a status name the update revision as current though the only pod has another one, just after a revision was removed, as a sync that fails
// does: the current one of the status before, or one that nothing names.
func currentRemoved(current bool) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		b.Set("web", historytest.HistoryLimit(0))
		b.Revision("web", 1, 1)
		b.Revision("web", 9, 1)
		b.Status("web")
		b.Wait(5 * time.Second)
		b.NewTemplate("web", 2)
		b.Revision("web", 2, 2)
		b.PodAt("web-0", 2)
		b.Status("web")
		b.Wait(5 * time.Second)
		b.NewTemplate("web", 3)
		b.Revision("web", 3, 3)
		if current {
			b.Remove(history.Revisions, "web-1")
		} else {
			b.Remove(history.Revisions, "web-9")
		}
		b.Wait(time.Second / 2)
		b.Status("web", func(st *history.Status) { st.CurrentRevision = "web-3" })
		b.Wait(5 * time.Second)
	}
}

// orphanDeleted has a pod deleted just after it was orphaned, while its revision was not the update revision, or while it was.
func orphanDeleted(former bool) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		b.Running("web", 1)
		b.Wait(5 * time.Second)
		if former {
			b.NewTemplate("web", 2)
			b.Status("web")
		}
		b.Orphan("web-0")
		b.DeletePod("web-0")
		if former {
			b.ChangeTemplate("web", 1)
			b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-1" })
		}
		b.Wait(5 * time.Second)
	}
}
