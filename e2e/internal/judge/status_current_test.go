package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// TestCurrentRevisionMoves: status.currentRevision changes when all pods have got another revision, also where the update revision is yet another one.
func TestCurrentRevisionMoves(t *testing.T) {
	const id = contract.StatusRevisions
	// staged gives a set of two pods, of which the partition spares one, a second and a third template.
	staged := func(then func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 2, historytest.Partition(1))
			b.NewTemplate("web", 2)
			b.Roll("web", 1)
			b.Wait(4 * time.Second)
			then(b)
			b.Wait(4 * time.Second)
		}
	}
	names := func(revision string) func(*history.Status) {
		return func(st *history.Status) { st.CurrentRevision = revision }
	}
	runLiveCases(t, []testCase{
		{
			name: "to that of a template in between, which one pod has", broken: ids(id),
			texts: []string{"status.currentRevision of web became web-2, which is not the update revision, at rv", "although web-0 had revision web-1 (rv "},
			build: staged(func(b *historytest.Builder) {
				b.NewTemplate("web", 3)
				b.Status("web", names("web-2"))
			}),
		},
		{
			name: "to that of a template in between, which all pods have by then", build: staged(func(b *historytest.Builder) {
				b.Update("web", func(s *history.Set) { s.Partition = 0 })
				b.DeletePod("web-0")
				b.CreateReady("web-0")
				b.Wait(4 * time.Second)
				b.NewTemplate("web", 3)
				b.Status("web", names("web-2"))
			}),
		},
		{
			name: "back to one that it had before", build: staged(func(b *historytest.Builder) {
				b.Update("web", func(s *history.Set) { s.Partition = 0 })
				b.Roll("web", 0)
				b.NewTemplate("web", 3)
				b.Status("web", names("web-1"))
				b.Status("web", names("web-2"))
			}),
		},
	})
}
