package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestStatusAvailable(t *testing.T) {
	runLiveCases(t, []testCase{
		{
			name: "only after minReadySeconds", exercised: ids(contract.StatusAvailable, contract.StatusCounts),
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.MinReady(9))
				b.CreateReady("web-0")
				b.Status("web")
				b.Wait(10 * time.Second)
				b.Status("web")
				b.Wait(3 * time.Second)
			},
		},
		{
			name: "counted before the pod's readiness is recorded", exercised: ids(contract.StatusAvailable, contract.StatusCounts),
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.MinReady(600))
				b.Pod("web-0")
				b.Status("web")
				miscount(b, func(st *history.Status) { st.Ready = 1 })
				b.Ready("web-0")
				b.Wait(5 * time.Second)
			},
		},
		{
			name: "at once", broken: ids(contract.StatusAvailable), texts: []string{"counts 1 pods as available, at most 0 can be: minReadySeconds asks for 9s"},
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.MinReady(9))
				b.CreateReady("web-0")
				b.Status("web", func(*history.Status) {})
				miscount(b, func(st *history.Status) { st.Available = 1 })
			},
		},
		{
			name: "some seconds early", broken: ids(contract.StatusAvailable), exercised: ids(contract.StatusAvailable),
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.MinReady(9))
				b.CreateReady("web-0")
				b.Status("web")
				b.Wait(5 * time.Second)
				miscount(b, func(st *history.Status) { st.Available = 1 })
			},
		},
		{
			name: "within what clocks allow", exercised: ids(contract.StatusAvailable),
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.MinReady(9))
				b.CreateReady("web-0")
				b.Status("web")
				b.Wait(8 * time.Second)
				miscount(b, func(st *history.Status) { st.Available = 1 })
			},
		},
		{
			name: "by a shorter minReadySeconds that is not said to be observed yet",
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.MinReady(9))
				b.CreateReady("web-0")
				b.Status("web", func(*history.Status) {})
				b.Update("web", func(s *history.Set) { s.MinReadySeconds = 0 })
				miscount(b, func(st *history.Status) { st.ObservedGeneration, st.Available = 1, 1 })
				b.Status("web")
				b.Wait(3 * time.Second)
			},
		},
		{
			name: "at once, with a longer minReadySeconds that is not said to be observed yet", broken: ids(contract.StatusAvailable), texts: []string{"minReadySeconds asks for 9s"},
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.MinReady(9))
				b.CreateReady("web-0")
				b.Status("web", func(*history.Status) {})
				b.Update("web", func(s *history.Set) { s.MinReadySeconds = 600 })
				miscount(b, func(st *history.Status) { st.ObservedGeneration, st.Available = 1, 1 })
			},
		},
		{
			name: "beside a pod that became Ready twice", exercised: ids(contract.StatusAvailable),
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.MinReady(5), historytest.Replicas(2), historytest.Parallel)
				b.CreateReady("web-0")
				b.Wait(3 * time.Second)
				b.CreateReady("web-1")
				b.Status("web")
				b.Unready("web-1")
				b.Ready("web-1")
				b.Wait(2 * time.Second)
				b.Status("web")
			},
		},
		{
			name: "counted some seconds late", exercised: ids(contract.StatusAvailable),
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.MinReady(9))
				b.CreateReady("web-0")
				b.Status("web")
				b.Wait(14 * time.Second)
				b.Status("web")
			},
		},
		{
			name: "counted by the first act of a controller that was away", inconclusive: ids(contract.StatusCounts), texts: []string{"but nothing shows that the controller was at work"},
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.MinReady(9))
				b.CreateReady("web-0")
				b.Status("web")
				b.Wait(time.Minute)
				b.Status("web")
			},
		},
		{
			name: "counted long after something had the set synced before another got a pod", broken: ids(contract.StatusCounts), texts: []string{"availableReplicas 0 where the pods show 1"},
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.MinReady(9))
				b.CreateReady("web-0")
				b.Status("web")
				b.Wait(time.Minute)
				b.Change(history.Sets, "web", func(*history.Event) {})
				b.Wait(3 * time.Second)
				b.Set("db")
				b.Pod("db-0")
				b.Wait(3 * time.Second)
				b.Status("web")
			},
		},
		{
			name: "never counted, by a controller that may not be running", inconclusive: ids(contract.StatusCounts), texts: []string{"but nothing shows that the controller was at work"},
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.MinReady(9))
				b.CreateReady("web-0")
				b.Status("web")
				b.Wait(time.Minute)
			},
		},
		{
			name: "never counted at all", controllerActs: true, broken: ids(contract.StatusCounts), texts: []string{"availableReplicas 0 where the pods show 1"},
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.MinReady(9))
				b.CreateReady("web-0")
				b.Status("web")
				b.Wait(time.Minute)
			},
		},
	})
}
