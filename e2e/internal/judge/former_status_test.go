package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// What a controller does with a set that began with the status of the set before it is open; a set that began with its own is judged.
func TestStatusOfTheFormerSet(t *testing.T) {
	const order, observed = contract.OrderingCreate, contract.StatusObservedGeneration
	runLiveCases(t, []testCase{
		{name: "a revision that only the former set had", inconclusive: ids(order), texts: []string{"that of the set of that name before it"}, build: follows(time.Second, formersRevision, 1)},
		{name: "a generation that only the former set had", inconclusive: ids(order, observed), build: follows(time.Second, ownRevision, 3)},
		{name: "its own", broken: ids(order), build: follows(time.Second, ownRevision, 1)},
		{name: "a revision that was adopted", broken: ids(order), build: follows(time.Second, adoptedRevision, 1)},
		{name: "long after the former set", broken: ids(order), build: follows(time.Minute, formersRevision, 1)},
		{name: "a generation that no set of that name had for long", broken: ids(order, observed), build: follows(time.Minute, ownRevision, 3)},
	})
}

// Whose revision the first status of a set names.
const (
	formersRevision = iota
	adoptedRevision
	ownRevision
)

// follows has a set come that long after another one of its name, with a first status that names a revision and has observed a generation. Its second pod is
// created before the first is Ready.
func follows(after time.Duration, whose int, generation int64) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		b.Set("web", historytest.Replicas(0))
		b.Revision("web", 1, 1)
		for range 2 {
			b.Scale("web", 0) // another generation
		}
		b.Status("web")
		b.DeleteSet("web")
		b.Wait(after)
		set := b.Set("web", historytest.Replicas(2), func(s *history.Set) { s.Status = history.Status{} })
		revision := "web-1"
		switch whose {
		case adoptedRevision:
			b.Change(history.Revisions, "web-1", func(e *history.Event) { e.Owners[0].UID = set.UID })
		case ownRevision:
			revision = b.Revision("web", 2, 1).Name
		}
		b.Status("web", func(st *history.Status) {
			st.ObservedGeneration, st.CurrentRevision, st.UpdateRevision = generation, revision, revision
		})
		b.Wait(5 * time.Second)
		b.Pod("web-0")
		b.Pod("web-1")
	}
}

// TestGenerationOfAFormerSet: a status that was computed for a set may be written to the next one of its name.
func TestGenerationOfAFormerSet(t *testing.T) {
	const id = contract.StatusObservedGeneration
	again := func(generations int32, wait time.Duration) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 1)
			for n := range generations - 1 {
				b.Scale("web", n+2)
			}
			b.DeleteSet("web")
			b.Wait(wait)
			b.Set("web", historytest.Replicas(0))
			b.Status("web", func(st *history.Status) { st.ObservedGeneration = 2 })
			b.Status("web", func(st *history.Status) { st.ObservedGeneration = 1 })
			b.Wait(time.Second)
		}
	}
	runLiveCases(t, []testCase{
		{name: "just gone", inconclusive: ids(id), texts: []string{"that of the set of that name before it"}, build: again(2, 0)},
		{name: "without that generation", broken: ids(id), build: again(1, 0)},
		{name: "long gone", broken: ids(id), build: again(2, time.Hour)},
	})
}
