package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// memory is a database in memory, of which a member can be down.
type memory struct {
	mu      sync.Mutex
	values  map[string]int64
	entries []int64
	down    map[string]bool
}

// memberOf is one member of it.
type memberOf struct {
	*memory
	pod string
}

var errDown = errors.New("rpc error: code = Unavailable desc = connection refused")

// do has a request carried out; a member that is down carries some out and answers none.
func (m memberOf) do(f func()) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.down[m.pod] || len(m.entries)%2 == 0 {
		f()
	}
	if m.down[m.pod] {
		return errDown
	}
	return nil
}

func (m memberOf) Get(_ context.Context, key string) (found int64, err error) {
	err = m.do(func() { found = m.values[key] })
	return found, err
}

func (m memberOf) Put(_ context.Context, key string, value int64) error {
	return m.do(func() { m.write(key, value) })
}

func (m memberOf) write(key string, value int64) {
	m.values[key] = value
	m.entries = append(m.entries, value)
}

func (m memberOf) Swap(_ context.Context, key string, expected, value int64) (found int64, err error) {
	err = m.do(func() {
		if found = m.values[key]; found == expected {
			m.write(key, value)
		}
	})
	return found, err
}

func (m memberOf) List(context.Context) (found Listed, err error) {
	err = m.do(func() { found.Values = slices.Clone(m.entries) })
	return found, err
}

// refusing refuses every write, with that error.
type refusing struct {
	memberOf
	err error
}

func (r refusing) Put(context.Context, string, int64) error {
	return fmt.Errorf("%w: lock timeout", r.err)
}

// A write that is known not to have been carried out has failed, and it is told whether it was sent.
func TestRefusedWrite(t *testing.T) {
	for err, unsent := range map[error]bool{ErrRefused: false, ErrUnsent: true} {
		r := &recorded{begin: time.Now(), wake: make(chan struct{}, 1)}
		store := refusing{memberOf{&memory{values: map[string]int64{}}, "a"}, err}
		c := &client{record: r, rng: rand.New(rand.NewPCG(1, 1)), store: func(string) Store { return store }, seen: map[string]int64{}}
		for range 20 {
			_ = c.step(t.Context(), "a")
		}
		puts := 0
		for _, o := range r.ops {
			if o.Verb == history.ClientPut {
				if puts++; o.Outcome != history.ClientFailed || o.Unsent != unsent {
					t.Errorf("%v: expected it to have failed, unsent where it was not sent, found %+v", err, o)
				}
			}
		}
		if puts == 0 {
			t.Error("expected writes")
		}
	}
}

// recorded keeps operations as a recorder does.
type recorded struct {
	begin time.Time
	mu    sync.Mutex
	ops   []history.ClientOperation
	wake  chan struct{}
}

func (r *recorded) Now() time.Duration { return time.Since(r.begin) }

func (r *recorded) RecordClient(o history.ClientOperation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o.Seq, o.At = len(r.ops)+1, r.Now()
	r.ops = append(r.ops, o)
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *recorded) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.ops)
}

func TestClientsRecordWhatTheyAreTold(t *testing.T) {
	db := &memory{values: map[string]int64{}, down: map[string]bool{"etcd-1": true}}
	r := &recorded{begin: time.Now(), wake: make(chan struct{}, 1)}
	var all []func(context.Context)
	var clients []*client
	for n := range 3 {
		c := &client{
			number: n, record: r, rng: rand.New(rand.NewPCG(1, uint64(n))), members: func() []string { return []string{"etcd-0", "etcd-1"} },
			store: func(pod string) Store { return memberOf{db, pod} }, seen: map[string]int64{},
		}
		clients, all = append(clients, c), append(all, c.run)
	}
	g := start(t.Context(), all...)
	for r.count() < 60 {
		<-r.wake
	}
	g.stop()
	for range 20 {
		_ = clients[0].step(t.Context(), "etcd-1")
	}
	if err := clients[0].list(t.Context(), "etcd-0"); err != nil {
		t.Fatal(err)
	}

	h := &history.History{Header: history.Header{Namespace: "n"}}
	values, outcomes := map[int64]bool{}, map[history.ClientOutcome]int{}
	for i := range r.ops {
		o := &r.ops[i]
		h.Clients = append(h.Clients, o)
		outcomes[o.Outcome]++
		if o.Value > 0 && values[o.Value] {
			t.Errorf("%d is written twice", o.Value)
		}
		values[o.Value] = true
		if (o.Member == "etcd-1") != (o.Outcome != history.ClientOK) {
			t.Errorf("%+v: expected answers of etcd-0 and of it alone", o)
		}
		if o.Outcome == history.ClientUnknown && o.Value == 0 || o.Outcome == history.ClientFailed && o.Value > 0 {
			t.Errorf("%+v: expected a read that failed to have failed, and a write to be unknown", o)
		}
	}
	for _, outcome := range []history.ClientOutcome{history.ClientOK, history.ClientUnknown} {
		if outcomes[outcome] == 0 {
			t.Errorf("expected some operations to be %s, found %v", outcome, outcomes)
		}
	}
	list := h.Clients[len(h.Clients)-1]
	for _, o := range h.Clients {
		if o.Acknowledged() && !list.Lists(o.Value) {
			t.Errorf("%+v is not in %v", o, list.Entries)
		}
	}
	h.Close(r.Now())
	if err := h.Save(t.TempDir() + "/h.jsonl"); err != nil {
		t.Error(err)
	}
}

func TestRanges(t *testing.T) {
	if got := ranges([]int64{7, 2, 1, 9, 8, 3, 3}); !slices.Equal(got, []history.Range{{1, 3}, {7, 9}}) {
		t.Errorf("found %v", got)
	}
	if got := ranges(nil); got != nil {
		t.Errorf("expected none, found %v", got)
	}
}
