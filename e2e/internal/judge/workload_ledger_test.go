package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// sum has a client list what there is, with the sum of the accounts.
func sum(b *historytest.Builder, member string, all int64) {
	clientAt(b, member, history.ClientOperation{Verb: history.ClientList, Sum: &all})
}

func TestSumOfAccounts(t *testing.T) {
	id := contract.WorkloadLinearizable
	// ledger is a database whose accounts hold that at first, and that at two of its members after another was replaced.
	ledger := func(first, one, other int64) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			running(b)
			sum(b, "db-0", first)
			replaceMember(b, "db-1", func() {})
			sum(b, "db-0", one)
			sum(b, "db-1", other)
		}
	}
	again := func(then int64, keep bool) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			var options []historytest.Option
			if !keep {
				options = append(options, historytest.WhenDeletedDelete)
			}
			running(b, options...)
			sum(b, "db-0", 1000)
			owner := b.Get(history.Sets, "db").UID
			recreate(b, func() {
				for _, pod := range []string{"db-0", "db-1", "db-2"} {
					if !keep {
						b.CollectClaim("data-"+pod, "StatefulSet", "db", owner)
					}
				}
			}, options...)
			sum(b, "db-0", then)
			replaceMember(b, "db-1", func() {})
			sum(b, "db-0", then)
		}
	}
	runCases(t, []testCase{
		{name: "what they held", exercised: ids(id), build: ledger(1000, 1000, 1000)},
		{
			name: "one was credited and none debited", broken: ids(id), build: ledger(1000, 1000, 1007),
			texts: []string{"no order of transactions explains that the accounts hold 1007 in all, which client 0 was told by db-1 at +", "and they held 1000 at +"},
		},
		{name: "one is gone", broken: ids(id), build: ledger(1000, 900, 900)},
		{name: "nothing happened to the members", notExercised: ids(id), build: func(b *historytest.Builder) {
			running(b)
			sum(b, "db-0", 1000)
			sum(b, "db-0", 1000)
		}},
		{name: "made anew with their claims", exercised: ids(id), build: again(50, false)},
		{name: "not kept with their claims", broken: ids(id), build: again(50, true)},
		{name: "kept with their claims", exercised: ids(id), build: again(1000, true)},
	})
}

// A primary with one replica has no majority while one of them is away: its writes then neither must go on, nor show that they do.
func TestAvailableOfTwo(t *testing.T) {
	id := contract.WorkloadAvailable
	two := func(during func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("db", 2, historytest.Claims("data"))
			put(b, 1)
			replaceMember(b, "db-1", func() { during(b) })
			put(b, 3)
		}
	}
	runCases(t, []testCase{
		{name: "no write while one is away", notExercised: ids(id), build: two(func(b *historytest.Builder) {
			for n := range 60 {
				b.Wait(900 * time.Millisecond)
				put(b, int64(1000+n)).Outcome = history.ClientUnknown
				b.Member(history.MemberState{Member: "db-0", ID: "0"})
			}
		})},
		{name: "a write while one is away", notExercised: ids(id), build: two(func(b *historytest.Builder) { put(b, 2) })},
		{name: "an update of one after the other", notExercised: ids(id), build: func(b *historytest.Builder) {
			b.Running("db", 2, historytest.Claims("data"))
			put(b, 1)
			b.NewTemplate("db", 2)
			for _, pod := range []string{"db-1", "db-0"} {
				b.DeletePod(pod)
				b.CreateReady(pod)
			}
			put(b, 2)
		}},
		{name: "an update of both at once", broken: ids(contract.UpdateOneAtATime), notExercised: ids(id), build: func(b *historytest.Builder) {
			b.Running("db", 2, historytest.Claims("data"))
			put(b, 1)
			b.NewTemplate("db", 2)
			b.Terminate("db-1")
			b.Wait(70 * time.Millisecond)
			b.Terminate("db-0")
		}},
	})
}
