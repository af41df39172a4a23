package simulator

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

const (
	clients = 3
	// clientsEvery is how often each client begins an operation; it ends before the next.
	clientsEvery = 800 * time.Millisecond
	clientTakes  = 100 * time.Millisecond
	// listEvery and askEvery are how many operations apart a client lists all entries, and the members are asked.
	listEvery, askEvery = 20, 3
)

// database is a correct database in a set, which loses nothing as long as the set's claims stay, and serves while a majority of the pods is Ready.
type database struct {
	h       *history.History
	rng     *rand.Rand
	set     string
	uid     types.UID // of the set that it runs in
	values  map[string]int64
	entries []int64
	written int64
	applied uint64
}

// AddClients adds to a history of a correct cluster what clients of a database in one of its sets see. It returns false where no set can carry one:
// each pod needs claims, and the same ones when the set is created again.
func AddClients(h *history.History, rng *rand.Rand) bool {
	set := carrier(h)
	if set == "" {
		return false
	}
	d := &database{h: h, rng: rng, set: set, values: map[string]int64{}}
	state, next := history.NewState(), 0
	for n, at := 0, time.Duration(0); at < h.Duration(); n, at = n+1, at+clientsEvery {
		for ; next < len(h.Events) && h.Events[next].At <= at; next++ {
			d.begin(h.Events[next])
			state.Apply(h.Events[next])
		}
		if d.uid != "" {
			d.step(state, n, at)
		}
	}
	SortByTime(h)
	return len(h.Clients) > 0
}

// carrier returns the name of a set that a database can run in, "" if there is none.
func carrier(h *history.History) string {
	templates := map[string][]string{}
	name := ""
	for _, e := range h.Events {
		if e.Resource != history.Sets {
			continue
		}
		if was, seen := templates[e.Name]; seen && !slices.Equal(was, e.Set.ClaimTemplates) {
			return ""
		}
		templates[e.Name] = e.Set.ClaimTemplates
		if len(e.Set.ClaimTemplates) > 0 && name == "" {
			name = e.Name
		}
	}
	return name
}

// begin notes that the set is created, or created again, and then with what its claims kept.
func (d *database) begin(e *history.Event) {
	if e.Resource != history.Sets || e.Name != d.set || e.UID == d.uid {
		return
	}
	if d.uid != "" && !d.keeps() {
		d.values, d.entries = map[string]int64{}, nil
	}
	d.uid = e.UID
}

// keeps reports whether the claims outlasted the set that there was last.
func (d *database) keeps() bool {
	for _, e := range d.h.Events {
		if e.UID == d.uid && (e.Terminating() || e.Gone()) {
			return e.Set.WhenDeleted != deletePolicy || slices.Contains(e.Finalizers, metav1.FinalizerOrphanDependents)
		}
	}
	return true
}

// step has every client carry out an operation, and some members say how they are.
func (d *database) step(state *history.State, n int, at time.Duration) {
	set := state.Get(history.Sets, d.set)
	if set == nil {
		return
	}
	var ready []string
	for _, p := range state.PodsOf(d.uid) {
		if ordinal := history.Ordinal(p.Name); p.Pod.RunningAndReady() && !p.Terminating() && ordinal >= int(set.Set.Start) && ordinal < int(set.Set.Start+set.Set.Replicas) {
			ready = append(ready, p.Name)
		}
	}
	serves := len(ready) > int(set.Set.Replicas)/2 && !set.Terminating()
	type running struct {
		op     *history.ClientOperation
		effect time.Duration
	}
	var all []running
	for client := range clients {
		call := at + d.part(clientsEvery/2)
		effect := call + d.part(clientTakes)
		o := &history.ClientOperation{Client: client, Call: call, At: effect + d.part(clientTakes), Member: d.set + "-0", Key: pick(d.rng, "a", "b")}
		if len(ready) > 0 {
			o.Member = pick(d.rng, ready...)
		}
		o.Verb = pick(d.rng, history.ClientGet, history.ClientPut, history.ClientPut, history.ClientSwap)
		if client == 0 && n%listEvery == listEvery-1 {
			o.Verb, o.Key = history.ClientList, ""
		}
		if o.Verb == history.ClientPut || o.Verb == history.ClientSwap {
			d.written++
			o.Value = d.written
		}
		all = append(all, running{o, effect})
	}
	slices.SortFunc(all, func(a, b running) int { return cmp.Compare(a.effect, b.effect) })
	for _, r := range all {
		d.carryOut(r.op, serves)
		d.h.Clients = append(d.h.Clients, r.op)
	}
	for _, name := range ready {
		if n%askEvery == 0 && serves {
			d.h.Members = append(d.h.Members, &history.MemberState{Call: at, At: at + d.part(clientTakes), Member: name, ID: name, Leader: ready[0], Index: d.applied})
		}
	}
}

// carryOut decides what becomes of an operation.
func (d *database) carryOut(o *history.ClientOperation, serves bool) {
	now := d.values[o.Key]
	if o.Verb == history.ClientSwap {
		o.Expected = pick(d.rng, now, now, now, now/2)
	}
	lost := d.rng.IntN(20) == 0
	switch {
	case serves && !lost:
		o.Outcome = history.ClientOK
	case o.Value > 0:
		o.Outcome, o.Reason = history.ClientUnknown, "deadline exceeded"
	default:
		o.Outcome, o.Reason = history.ClientFailed, "deadline exceeded"
	}
	if o.Value > 0 && serves && (!lost || d.rng.IntN(2) == 0) && (o.Verb == history.ClientPut || now == o.Expected) {
		d.values[o.Key] = o.Value
		d.entries = append(d.entries, o.Value)
		d.applied++
	}
	switch {
	case o.Outcome != history.ClientOK:
	case o.Verb == history.ClientList:
		o.Entries = ranges(d.entries)
	case o.Verb != history.ClientPut:
		o.Found = now
	}
}

// ranges writes numbers as ranges.
func ranges(numbers []int64) []history.Range {
	numbers = slices.Sorted(slices.Values(numbers))
	var out []history.Range
	for _, n := range numbers {
		if last := len(out) - 1; last >= 0 && out[last][1] == n-1 {
			out[last][1] = n
		} else {
			out = append(out, history.Range{n, n})
		}
	}
	return out
}

// part returns a random part of a time.
func (d *database) part(of time.Duration) time.Duration {
	return time.Duration(d.rng.Int64N(int64(of) + 1))
}

// numberClients gives clients and members places in the history by the time of their end, and moves the other records up.
func numberClients(h *history.History) {
	type place struct {
		at  time.Duration
		seq *int
	}
	var all []place
	for i := range h.Operations {
		all = append(all, place{h.Operations[i].At, &h.Operations[i].Seq})
	}
	for _, e := range h.Events {
		all = append(all, place{e.At, &e.Seq})
	}
	slices.SortStableFunc(all, func(a, b place) int { return *a.seq - *b.seq })
	for _, o := range h.Clients {
		all = append(all, place{o.At, &o.Seq})
	}
	for _, s := range h.Members {
		all = append(all, place{s.At, &s.Seq})
	}
	slices.SortStableFunc(all, func(a, b place) int { return cmp.Compare(a.at, b.at) })
	for i, p := range all {
		*p.seq = i + 1
	}
	h.End.Seq = len(all) + 1
}
