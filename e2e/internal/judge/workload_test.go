package judge_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge/simulator"
)

// clientAt has a client carry out an operation at a member, which took 50 ms and ends 100 ms after what was before.
func clientAt(b *historytest.Builder, member string, o history.ClientOperation) *history.ClientOperation {
	b.Wait(100 * time.Millisecond)
	o.Member = member
	return b.Client(50*time.Millisecond, o)
}

func put(b *historytest.Builder, value int64) *history.ClientOperation {
	return clientAt(b, "db-0", history.ClientOperation{Verb: history.ClientPut, Key: "a", Value: value})
}

func get(b *historytest.Builder, found int64) {
	clientAt(b, "db-0", history.ClientOperation{Client: 1, Verb: history.ClientGet, Key: "a", Found: found})
}

func list(b *historytest.Builder, entries ...history.Range) {
	clientAt(b, "db-0", history.ClientOperation{Verb: history.ClientList, Entries: entries})
}

// replaceMember deletes a pod, has f happen while it is away, and creates it again.
func replaceMember(b *historytest.Builder, pod string, f func()) {
	b.DeleteByTest(pod)
	b.FinishDeletion(pod)
	f()
	b.CreateReady(pod)
	b.Status("db")
}

// running is a database of three members.
func running(b *historytest.Builder, options ...historytest.Option) {
	b.Running("db", 3, append(options, historytest.Claims("data"))...)
}

func TestLinearizable(t *testing.T) {
	id := contract.WorkloadLinearizable
	around := func(after func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			running(b)
			put(b, 1)
			put(b, 2)
			replaceMember(b, "db-1", func() { put(b, 3) })
			after(b)
		}
	}
	runCases(t, []testCase{
		{name: "the last value is read", exercised: ids(id), build: around(func(b *historytest.Builder) { get(b, 3) })},
		{name: "nothing happened to the members", notExercised: ids(id), build: func(b *historytest.Builder) {
			running(b)
			put(b, 1)
			get(b, 1)
		}},
		{
			name: "an overwritten value is read", broken: ids(id), build: around(func(b *historytest.Builder) { get(b, 2) }),
			texts: []string{"no order of these operations on key a, of 4, explains what they found: client 0 put 2 at db-0 from +", "; client 1 got 2 at db-0"},
		},
		{name: "the value is gone", broken: ids(id), build: around(func(b *historytest.Builder) { get(b, 0) }), texts: []string{"client 1 got 0"}},
		{
			name: "a swap of what was overwritten", broken: ids(id), texts: []string{"client 2 put 9 in place of 1"},
			build: around(func(b *historytest.Builder) {
				clientAt(b, "db-2", history.ClientOperation{Client: 2, Verb: history.ClientSwap, Key: "a", Value: 9, Expected: 1, Found: 1})
			}),
		},
		{name: "a write that may have been lost is read", exercised: ids(id), build: around(func(b *historytest.Builder) {
			clientAt(b, "db-0", history.ClientOperation{Verb: history.ClientPut, Key: "a", Value: 4, Outcome: history.ClientUnknown})
			get(b, 3)
			get(b, 4)
		})},
		{
			name: "a write that may have been lost is read, and then what was before", broken: ids(id), texts: []string{"client 0 put 4, perhaps, at db-0"},
			build: around(func(b *historytest.Builder) {
				clientAt(b, "db-0", history.ClientOperation{Verb: history.ClientPut, Key: "a", Value: 4, Outcome: history.ClientUnknown})
				get(b, 4)
				get(b, 3)
			}),
		},
		{name: "somebody deletes a claim", inconclusive: ids(id), texts: []string{"; but claim data-db-1 was deleted at rv"}, build: func(b *historytest.Builder) {
			running(b)
			put(b, 1)
			replaceMember(b, "db-1", func() {
				b.Operation(history.VerbDelete, history.Claims, "data-db-1")
				b.DeleteClaim("data-db-1")
				b.Claim("data", "db-1")
			})
			get(b, 0)
		}},
		{name: "a set without claims promises nothing", build: func(b *historytest.Builder) {
			b.Running("db", 3)
			put(b, 1)
			replaceMember(b, "db-1", func() {})
			get(b, 0)
		}},
	})
}

func TestNoLostWrite(t *testing.T) {
	id := contract.WorkloadNoLostWrite
	around := func(entries ...history.Range) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			running(b)
			put(b, 1)
			put(b, 2)
			replaceMember(b, "db-1", func() { put(b, 3).Outcome = history.ClientUnknown })
			list(b, entries...)
			put(b, 5)
		}
	}
	runCases(t, []testCase{
		{name: "all are there", exercised: ids(id), build: around(history.Range{1, 2})},
		{name: "and one that may have been lost", exercised: ids(id), build: around(history.Range{1, 3})},
		{
			name: "one is missing", broken: ids(id), build: around(history.Range{1, 1}),
			texts: []string{"of 2 acknowledged writes 1 are missing in what client 0 was told by db-0", ": 2 (put, key a, acknowledged by db-0 at +"},
		},
		{name: "none is there", broken: ids(id), build: around(), texts: []string{"of 2 acknowledged writes 2 are missing"}},
		{name: "nothing happened to the members", notExercised: ids(id), build: func(b *historytest.Builder) {
			running(b)
			put(b, 1)
			list(b, history.Range{1, 1})
		}},
		{name: "the set was changed by somebody else", inconclusive: ids(id), texts: []string{"by somebody else than the suite"}, build: func(b *historytest.Builder) {
			b.Begin(history.Operation{Verb: history.VerbCreate, Resource: history.Sets, Name: "db"})
			running(b)
			put(b, 1)
			b.Scale("db", 3)
			list(b)
		}},
	})
}

// recreate deletes the set and its pods, and makes all of it again; f happens in between.
func recreate(b *historytest.Builder, f func(), options ...historytest.Option) {
	b.Operation(history.VerbDelete, history.Sets, "db")
	b.DeleteSet("db")
	for _, pod := range []string{"db-0", "db-1", "db-2"} {
		b.Operation(history.VerbDelete, history.Pods, pod)
		b.DeletePod(pod)
	}
	f()
	b.Wait(40 * time.Second)
	b.Set("db", append(options, historytest.Replicas(3), historytest.Claims("data"))...)
	for _, pod := range []string{"db-0", "db-1", "db-2"} {
		if !b.Exists(history.Claims, "data-"+pod) {
			b.Claim("data", pod)
		}
		b.CreateReady(pod)
		b.Status("db")
	}
}

func TestDataOfARecreatedSet(t *testing.T) {
	kept, gone := contract.WorkloadDataKept, contract.WorkloadDataGone
	again := func(entries ...history.Range) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			running(b)
			put(b, 1)
			recreate(b, func() {})
			put(b, 2)
			list(b, entries...)
		}
	}
	empty := func(entries ...history.Range) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			running(b, historytest.WhenDeletedDelete)
			put(b, 1)
			owner := b.Get(history.Sets, "db").UID
			recreate(b, func() {
				for _, pod := range []string{"db-0", "db-1", "db-2"} {
					b.CollectClaim("data-"+pod, "StatefulSet", "db", owner)
				}
			}, historytest.WhenDeletedDelete)
			put(b, 2)
			list(b, entries...)
			get(b, 2)
		}
	}
	runCases(t, []testCase{
		{name: "kept", exercised: ids(kept), notExercised: ids(gone), build: again(history.Range{1, 2})},
		{
			name: "not kept", broken: ids(kept), build: again(history.Range{2, 2}), notExercised: ids(kept, gone),
			texts: []string{"of 1 acknowledged writes 1 are missing", "1 (put, key a"},
		},
		{name: "lost after it was made again", broken: ids(contract.WorkloadNoLostWrite), exercised: ids(kept), build: again(history.Range{1, 1})},
		{name: "gone with the claims", exercised: ids(gone), notExercised: ids(kept), build: empty(history.Range{2, 2})},
		{name: "still there", broken: ids(gone), build: empty(history.Range{1, 2}), texts: []string{"of 1 acknowledged writes 1 are still there"}},
		{name: "empty, and empties itself again", broken: ids(contract.WorkloadNoLostWrite), exercised: ids(gone), build: empty()},
		{name: "listed while it is made again", notExercised: ids(kept, contract.WorkloadNoLostWrite), build: func(b *historytest.Builder) {
			running(b)
			put(b, 1)
			recreate(b, func() { list(b) })
		}},
	})
}

func TestMemberReturns(t *testing.T) {
	id := contract.WorkloadMemberReturns
	state := func(b *historytest.Builder, memberID string, index uint64) {
		b.Wait(time.Second)
		b.Member(history.MemberState{Member: "db-1", ID: memberID, Index: index})
	}
	// returns replaces db-1, which was the member b at entry 10.
	returns := func(after func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			running(b)
			put(b, 1)
			state(b, "b", 10)
			replaceMember(b, "db-1", func() { put(b, 2) })
			after(b)
		}
	}
	crashes := func(write bool) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			running(b)
			state(b, "b", 10)
			b.DeleteByTest("db-1")
			b.FinishDeletion("db-1")
			b.Pod("db-1")
			for n := range 4 {
				b.Change(history.Pods, "db-1", func(e *history.Event) {
					e.Pod.Phase, e.Pod.Node = "Running", "node"
					e.Pod.Containers = []history.Container{{Name: "main", State: history.ContainerTerminated, Reason: "Error", ExitCode: 2, Restarts: int32(n)}}
				})
				b.Wait(10 * time.Second)
			}
			b.Change(history.Pods, "db-1", func(e *history.Event) {
				e.Pod.Containers = []history.Container{{Name: "main", State: history.ContainerWaiting, Reason: "CrashLoopBackOff", Restarts: 3}}
			})
			if write {
				put(b, 2)
			}
			b.Status("db")
		}
	}
	runCases(t, []testCase{
		{name: "back with its data", exercised: ids(id), build: returns(func(b *historytest.Builder) { state(b, "b", 12) })},
		{name: "back, and catching up", exercised: ids(id), build: returns(func(b *historytest.Builder) {
			state(b, "b", 2)
			state(b, "b", 10)
		})},
		{name: "nothing was heard of it since", notExercised: ids(id), build: returns(func(*historytest.Builder) {})},
		{
			name: "another member", broken: ids(id), texts: []string{"is the member c of its database and was b before"},
			build: returns(func(b *historytest.Builder) { state(b, "c", 12) }),
		},
		{
			name: "without its data", broken: ids(id), texts: []string{"has applied 3 entries of its database's log", "and had 10 before"},
			build: returns(func(b *historytest.Builder) {
				state(b, "b", 2)
				b.Wait(40 * time.Second)
				state(b, "b", 3)
			}),
		},
		{name: "without its data so far", notExercised: ids(id), build: returns(func(b *historytest.Builder) { state(b, "b", 2) })},
		{name: "does not come up while others serve", broken: ids(id), texts: []string{"its container has ended by itself 3 times, the last time with exit code 2"}, build: crashes(true)},
		{name: "does not come up and nothing shows that others serve", build: crashes(false)},
	})
}

// TestClientsOfACorrectCluster: whatever happens to a database on a correct cluster, its clients find nothing broken, and all is exercised.
func TestClientsOfACorrectCluster(t *testing.T) {
	t.Parallel()
	exercised := map[contract.ID]int{}
	found, operations := 0, 0
	for seed := range seeds() / 20 {
		h := simulator.History(seed)
		if !simulator.AddClients(h, rand.New(rand.NewPCG(seed, 0xc1))) {
			continue
		}
		operations += len(h.Clients)
		for _, r := range judge.History(h) {
			exercised[r.Guarantee] += r.Exercised
			for _, f := range slices.Concat(r.Violations, r.Inconclusive) {
				if found++; found <= 20 {
					t.Errorf("seed %d: %s: expected no finding, found: %s", seed, r.Guarantee, f.Text)
				}
			}
		}
	}
	t.Logf("%d operations, %d findings", operations, found)
	for id := range workloadMutations() {
		if t.Logf("%-32s exercised %6d times", id, exercised[id]); exercised[id] == 0 {
			t.Errorf("%s: no simulated history exercises it", id)
		}
	}
}
