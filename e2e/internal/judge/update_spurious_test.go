package judge_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestNoSpurious(t *testing.T) {
	runLiveCases(t, []testCase{
		{
			name: "more replicas", exercised: ids(contract.UpdateNoSpurious),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Scale("web", 3)
				b.CreateReady("web-2")
				b.Status("web")
				b.Wait(4 * time.Second)
			},
		},
		{
			name: "other labels", exercised: ids(contract.UpdateNoSpurious),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Change(history.Sets, "web", func(e *history.Event) { e.Labels = map[string]string{"team": "b"} })
				b.Wait(4 * time.Second)
			},
		},
		{
			name: "another update strategy, both ways, and another maxUnavailable", exercised: ids(contract.UpdateNoSpurious),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				for _, change := range []historytest.Option{historytest.OnDelete, rollingUpdate, historytest.MaxUnavailable("2")} {
					b.Update("web", change)
					b.Status("web")
					b.Wait(4 * time.Second)
				}
			},
		},
		{
			name: "restarted by another update strategy", broken: ids(contract.UpdateNoSpurious), texts: []string{"although no update was pending for it"},
			build: func(b *historytest.Builder) {
				b.Running("web", 2, historytest.OnDelete)
				b.Update("web", rollingUpdate)
				b.Status("web")
				b.Terminate("web-1")
			},
		},
		{
			name: "too short to count", notExercised: ids(contract.UpdateNoSpurious),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Scale("web", 3)
				b.Status("web")
			},
		},
		{
			name: "restarted by a scale up", broken: ids(contract.UpdateNoSpurious), texts: []string{"although no update was pending for it: its revision web-1 holds the set's template"},
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Scale("web", 3)
				b.Status("web")
				b.Terminate("web-1")
			},
		},
		{
			name: "restarted twice by one update", broken: ids(contract.UpdateNoSpurious),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.NewTemplate("web", 2)
				b.Roll("web", 1, 0)
				b.Wait(3 * time.Second)
				b.Roll("web", 1)
			},
		},
		{
			name: "a new revision of the same template", broken: ids(contract.UpdateNoSpurious), texts: []string{"which had not changed when the status named web-2 as update revision"},
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Wait(5 * time.Second)
				b.Change(history.Sets, "web", func(e *history.Event) { e.Labels = map[string]string{"team": "b"} })
				b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
				b.Terminate("web-1")
			},
		},
		{
			name: "a change that only the digest shows", exercised: ids(contract.UpdateComplete),
			build: func(b *historytest.Builder) {
				b.Running("web", 2, func(t *history.Set) { t.TemplateDigest = "a" })
				b.Update("web", func(t *history.Set) { t.TemplateDigest = "b" })
				b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
				b.Roll("web", 1, 0)
			},
		},
		{
			name: "failed, evicted and deleted pods", notExercised: ids(contract.UpdateNoSpurious),
			build: func(b *historytest.Builder) {
				b.Running("web", 3)
				b.Scale("web", 4)
				b.Fail("web-2")
				b.DeletePod("web-2")
				b.DeleteByTest("web-1")
			},
		},
		{
			name: "a bulk deletion by the test of a pod that is recorded late", notExercised: ids(contract.UpdateNoSpurious),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Scale("web", 2)
				b.Operation(history.VerbDelete, history.Pods, "")
				b.Pod("web-1")
				b.Terminate("web-0")
				b.Terminate("web-1")
			},
		},
		{
			name: "a template changed and reverted within the lag",
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.ChangeTemplate("web", 2)
				b.ChangeTemplate("web", 1)
				b.Terminate("web-1")
				b.FinishDeletion("web-1")
				b.PodAt("web-1", 2)
				b.Ready("web-1")
			},
		},
		{
			name: "a revert that no status has shown to be observed",
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.NewTemplate("web", 2)
				b.ChangeTemplate("web", 1)
				b.Wait(5 * time.Second)
				b.Terminate("web-1")
			},
		},
		{
			name: "a terminating set", notExercised: ids(contract.UpdateNoSpurious),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.DeleteSet("web")
				b.DeletePod("web-1")
				b.DeletePod("web-0")
			},
		},
		{
			name: "a gap may hold the change", inconclusive: ids(contract.UpdateNoSpurious),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				from := b.Now()
				b.Wait(time.Second)
				b.Gap(history.Sets, from)
				b.Terminate("web-1")
			},
		},
	})
}

func rollingUpdate(s *history.Set) { s.Strategy = appsv1.RollingUpdateStatefulSetStrategyType }
