package judge_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestUpdateHistoryLimit(t *testing.T) {
	kept := func(limit int32, then func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Set("web", historytest.HistoryLimit(limit))
			b.Revision("web", 1, 1)
			b.CreateReady("web-0")
			b.Status("web")
			for n := range 2 {
				b.Revision("web", n+2, int64(n+2))
				b.NewTemplate("web", n+2)
				b.Roll("web", 0)
			}
			then(b)
		}
	}
	// The set keeps no history; the first of the revisions that it has no use for is removed.
	adopted := func(unused ...int) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Set("web", historytest.HistoryLimit(0), func(s *history.Set) { s.Status = history.Status{} })
			b.Revision("web", 1, 1)
			for _, n := range unused {
				b.Revision("web", n, int64(n))
			}
			b.Remove(history.Revisions, fmt.Sprintf("web-%d", unused[0]))
			b.Status("web", func(s *history.Status) { s.CurrentRevision, s.UpdateRevision = "web-1", "web-1" })
			b.Wait(3 * time.Second)
		}
	}
	runLiveCases(t, []testCase{
		{
			name: "the oldest is removed", exercised: ids(contract.UpdateHistoryLimit),
			build: kept(1, func(b *historytest.Builder) {
				b.Remove(history.Revisions, "web-1")
				b.Wait(3 * time.Second)
			}),
		},
		{
			name: "all are kept", broken: ids(contract.UpdateHistoryLimit), controllerActs: true, texts: []string{"2 revisions of web are kept that nothing uses (web-1, web-2) where revisionHistoryLimit is 1"},
			build: kept(1, func(b *historytest.Builder) { b.Wait(30 * time.Second) }),
		},
		{
			name: "one too many of none", broken: ids(contract.UpdateHistoryLimit), controllerActs: true, texts: []string{"1 revisions of web are kept that nothing uses (web-2) where revisionHistoryLimit is 0"},
			build: kept(0, func(b *historytest.Builder) {
				b.Remove(history.Revisions, "web-1")
				b.Wait(30 * time.Second)
			}),
		},
		{
			name: "nothing shows that the controller was at work", inconclusive: ids(contract.UpdateHistoryLimit),
			build: kept(1, func(b *historytest.Builder) { b.Wait(30 * time.Second) }),
		},
		{name: "nothing had to go", notExercised: ids(contract.UpdateHistoryLimit), build: kept(10, func(b *historytest.Builder) { b.Wait(30 * time.Second) })},
		{name: "about to be removed", notExercised: ids(contract.UpdateHistoryLimit), build: kept(1, func(b *historytest.Builder) { b.Wait(3 * time.Second) })},
		{
			name: "one that another set left behind, before the status is recorded which names those in use", exercised: ids(contract.UpdateHistoryLimit), build: adopted(7),
		},
		{name: "one of two that another set left behind", notExercised: ids(contract.UpdateHistoryLimit), build: adopted(7, 8)},
		{
			name: "one of two, and the limit is raised later", notExercised: ids(contract.UpdateHistoryLimit), build: func(b *historytest.Builder) {
				adopted(7, 8)(b)
				b.Update("web", func(s *history.Set) { s.RevisionHistoryLimit = new(int32(1)) })
			},
		},
		{
			name: "one that a pod still uses", notExercised: ids(contract.UpdateHistoryLimit),
			build: func(b *historytest.Builder) {
				heldRevision(b, 0)
				b.Wait(30 * time.Second)
			},
		},
	})
}
