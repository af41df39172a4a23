package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestUpdateHistoryLimit(t *testing.T) {
	kept := func(limit int32, then func(*historytest.Builder)) func(*historytest.Builder) {
		return func(s *historytest.Builder) {
			s.Set("web", historytest.HistoryLimit(limit))
			s.Revision("web", 1, 1)
			s.CreateReady("web-0")
			s.Status("web")
			for n := range 2 {
				s.Revision("web", n+2, int64(n+2))
				s.NewTemplate("web", n+2)
				s.Roll("web", 0)
			}
			then(s)
		}
	}
	liveTales(t, []tale{
		{
			name: "the oldest is removed", exercised: ids(contract.UpdateHistoryLimit),
			tell: kept(1, func(s *historytest.Builder) {
				s.Remove(history.Revisions, "web-1")
				s.Wait(3 * time.Second)
			}),
		},
		{
			name: "all are kept", broken: ids(contract.UpdateHistoryLimit), atWork: true, texts: []string{"2 revisions of web are kept that nothing uses (web-1, web-2) where revisionHistoryLimit is 1"},
			tell: kept(1, func(s *historytest.Builder) { s.Wait(30 * time.Second) }),
		},
		{
			name: "one too many of none", broken: ids(contract.UpdateHistoryLimit), atWork: true, texts: []string{"1 revisions of web are kept that nothing uses (web-2) where revisionHistoryLimit is 0"},
			tell: kept(0, func(s *historytest.Builder) {
				s.Remove(history.Revisions, "web-1")
				s.Wait(30 * time.Second)
			}),
		},
		{
			name: "nothing shows that the controller was at work", doubted: ids(contract.UpdateHistoryLimit),
			tell: kept(1, func(s *historytest.Builder) { s.Wait(30 * time.Second) }),
		},
		{name: "nothing had to go", idle: ids(contract.UpdateHistoryLimit), tell: kept(10, func(s *historytest.Builder) { s.Wait(30 * time.Second) })},
		{name: "about to be removed", idle: ids(contract.UpdateHistoryLimit), tell: kept(1, func(s *historytest.Builder) { s.Wait(3 * time.Second) })},
		{
			name: "one that a pod still uses", idle: ids(contract.UpdateHistoryLimit),
			tell: func(s *historytest.Builder) {
				s.Set("web", historytest.HistoryLimit(0), historytest.Replicas(2), historytest.OnDelete)
				s.Revision("web", 1, 1)
				s.CreateReady("web-0")
				s.CreateReady("web-1")
				s.Status("web")
				s.Revision("web", 2, 2)
				s.NewTemplate("web", 2)
				s.DeleteByTest("web-1")
				s.FinishDeletion("web-1")
				s.CreateReady("web-1")
				s.Revision("web", 3, 3)
				s.NewTemplate("web", 3)
				s.Wait(30 * time.Second)
			},
		},
	})
}
