package judge_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestAvailable(t *testing.T) {
	id := contract.WorkloadAvailable
	// failing are writes that nobody acknowledges, for a time.
	failing := func(b *historytest.Builder, seconds int, reached bool) {
		for n := range seconds {
			b.Wait(900 * time.Millisecond)
			put(b, int64(1000+n)).Outcome = history.ClientUnknown
			if reached {
				b.Member(history.MemberState{Member: "db-0", ID: "0"})
			}
		}
	}
	update := func(wait bool) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			running(b)
			put(b, 1)
			b.NewTemplate("db", 2)
			b.DeletePod("db-2")
			b.Pod("db-2")
			if wait {
				b.Ready("db-2")
			}
			b.Wait(10 * time.Second)
			b.DeletePod("db-1")
			put(b, 2)
		}
	}
	runCases(t, []testCase{
		{name: "a write while a member is away", exercised: ids(id), build: func(b *historytest.Builder) {
			running(b)
			put(b, 1)
			replaceMember(b, "db-1", func() { put(b, 2) })
		}},
		{name: "no write while a member is away", notExercised: ids(id), build: func(b *historytest.Builder) {
			running(b)
			put(b, 1)
			replaceMember(b, "db-1", func() {})
			put(b, 2)
		}},
		{
			name: "no write for long with a majority", broken: ids(id), texts: []string{"no write was acknowledged from", "though a majority of db was Ready all that time"},
			build: func(b *historytest.Builder) {
				running(b)
				put(b, 1)
				replaceMember(b, "db-1", func() { failing(b, 40, true) })
				put(b, 2)
			},
		},
		{name: "the way to the members is cut", inconclusive: ids(id), texts: []string{"the way to them may have been cut"}, build: func(b *historytest.Builder) {
			running(b)
			put(b, 1)
			failing(b, 40, false)
		}},
		{name: "clients cannot connect", inconclusive: ids(id), texts: []string{"clients failed to connect for most of that time"}, build: func(b *historytest.Builder) {
			running(b)
			put(b, 1)
			for n := range 40 {
				b.Wait(900 * time.Millisecond)
				w := put(b, int64(1000+n))
				w.Outcome, w.Unsent = history.ClientFailed, true
				b.Member(history.MemberState{Member: "db-0", ID: "0"})
			}
			put(b, 2)
		}},
		{name: "nobody tried to write", build: func(b *historytest.Builder) {
			running(b)
			put(b, 1)
			b.Wait(time.Minute)
			put(b, 2)
		}},
		{name: "hardly anybody tried to write", build: func(b *historytest.Builder) {
			running(b)
			put(b, 1)
			failing(b, 3, true)
			b.Wait(time.Minute)
			failing(b, 3, true)
			put(b, 2)
		}},
		{name: "no write for long after a rest", broken: ids(id), build: func(b *historytest.Builder) {
			running(b)
			put(b, 1)
			b.Wait(time.Minute)
			failing(b, 40, true)
			put(b, 2)
		}},
		{name: "the test takes a majority away", build: func(b *historytest.Builder) {
			running(b)
			put(b, 1)
			b.DeleteByTest("db-2")
			b.DeleteByTest("db-1")
			failing(b, 40, true)
		}},
		{name: "an update one by one", build: update(true)},
		{
			name: "an update of two at once", broken: ids(id, contract.UpdateOneAtATime), texts: []string{"the controller deleted db-1 at rv"},
			build: func(b *historytest.Builder) {
				running(b)
				put(b, 1)
				b.NewTemplate("db", 2)
				b.Terminate("db-2")
				b.Wait(70 * time.Millisecond)
				b.Terminate("db-1")
			},
		},
		{name: "an update that recreates all", notExercised: ids(contract.UpdateOneAtATime), build: func(b *historytest.Builder) {
			running(b, func(s *history.Set) { s.Strategy = appsv1.RecreateStatefulSetStrategyType })
			put(b, 1)
			b.NewTemplate("db", 2)
			for _, pod := range []string{"db-2", "db-1", "db-0"} {
				b.Wait(70 * time.Millisecond)
				b.Terminate(pod)
			}
		}},
		{
			name: "an update that does not wait", broken: ids(id, contract.UpdateOneAtATime, contract.UpdateHalts), build: update(false),
			texts: []string{"the controller deleted db-1 at rv", "while 1 of the other 2 members were not Ready again, which it had deleted itself: db had no majority any more"},
		},
	})
}
