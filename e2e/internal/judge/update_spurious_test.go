package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestNoSpurious(t *testing.T) {
	liveTales(t, []tale{
		{
			name: "more replicas", exercised: ids(contract.UpdateNoSpurious),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Scale("web", 3)
				s.CreateReady("web-2")
				s.Status("web")
				s.Wait(4 * time.Second)
			},
		},
		{
			name: "other labels", exercised: ids(contract.UpdateNoSpurious),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Change(history.Sets, "web", func(e *history.Event) { e.Labels = map[string]string{"team": "b"} })
				s.Wait(4 * time.Second)
			},
		},
		{
			name: "too short to tell", idle: ids(contract.UpdateNoSpurious),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Scale("web", 3)
				s.Status("web")
			},
		},
		{
			name: "restarted by a scale up", broken: ids(contract.UpdateNoSpurious), texts: []string{"although no update was pending for it: its revision web-1 holds the set's template"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Scale("web", 3)
				s.Status("web")
				s.Terminate("web-1")
			},
		},
		{
			name: "restarted twice by one update", broken: ids(contract.UpdateNoSpurious),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.NewTemplate("web", 2)
				s.Roll("web", 1, 0)
				s.Wait(3 * time.Second)
				s.Roll("web", 1)
			},
		},
		{
			name: "a new revision of the same template", broken: ids(contract.UpdateNoSpurious), texts: []string{"which had not changed when the status named web-2 as update revision"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Wait(5 * time.Second)
				s.Change(history.Sets, "web", func(e *history.Event) { e.Labels = map[string]string{"team": "b"} })
				s.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
				s.Terminate("web-1")
			},
		},
		{
			name: "a change that only the digest shows", exercised: ids(contract.UpdateComplete),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2, func(t *history.Set) { t.TemplateDigest = "a" })
				s.Update("web", func(t *history.Set) { t.TemplateDigest = "b" })
				s.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
				s.Roll("web", 1, 0)
			},
		},
		{
			name: "failed, evicted and deleted pods", idle: ids(contract.UpdateNoSpurious),
			tell: func(s *historytest.Builder) {
				s.Running("web", 3)
				s.Scale("web", 4)
				s.Fail("web-2")
				s.DeletePod("web-2")
				s.DeleteByTest("web-1")
			},
		},
		{
			name: "a sweep of the spec over a pod that is told of late", idle: ids(contract.UpdateNoSpurious),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.Scale("web", 2)
				s.Operation(history.VerbDelete, history.Pods, "")
				s.Pod("web-1")
				s.Terminate("web-0")
				s.Terminate("web-1")
			},
		},
		{
			name: "a template changed and changed back before anybody saw it",
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.ChangeTemplate("web", 2)
				s.ChangeTemplate("web", 1)
				s.Terminate("web-1")
				s.FinishDeletion("web-1")
				s.PodAt("web-1", 2)
				s.Ready("web-1")
			},
		},
		{
			name: "a revert that no status has shown to be observed",
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.NewTemplate("web", 2)
				s.ChangeTemplate("web", 1)
				s.Wait(5 * time.Second)
				s.Terminate("web-1")
			},
		},
		{
			name: "a set on its way out", idle: ids(contract.UpdateNoSpurious),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.DeleteSet("web")
				s.DeletePod("web-1")
				s.DeletePod("web-0")
			},
		},
		{
			name: "a gap may hold the change", doubted: ids(contract.UpdateNoSpurious),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				from := s.Now()
				s.Wait(time.Second)
				s.Gap(history.Sets, from)
				s.Terminate("web-1")
			},
		},
	})
}
