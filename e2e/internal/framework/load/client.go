package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// The load: some clients on few keys, so that their operations meet. Those that share a connection may be many, as their writes are carried out together.
const (
	mostClients = 24
	loadKeys    = 12
	// operationEvery is how often each client begins an operation, if the last has ended: some 480 a second all together.
	operationEvery = 50 * time.Millisecond
	// afterFailure is how long a client rests before it turns to the next member.
	afterFailure = 200 * time.Millisecond
	// valuesOf is how many values are each client's own.
	valuesOf = 10_000_000
)

// OperationLimit is after how long a client gives up waiting for an answer.
const OperationLimit = 3 * time.Second

// ErrRefused is in the chain of an error that says that a write was not carried out and will not be.
var ErrRefused = errors.New("refused")

// ErrUnsent is in the chain of an error that says that no connection was made, so that nothing was asked. It is an ErrRefused as well.
var ErrUnsent = fmt.Errorf("%w: not sent", ErrRefused)

// Store is what one client uses of a member of a database. An error without ErrRefused leaves open whether a write was carried out.
type Store interface {
	// Get returns the value of a key, 0 where it has none.
	Get(ctx context.Context, key string) (int64, error)
	// Put writes a value, and leaves its entry.
	Put(ctx context.Context, key string, value int64) error
	// Swap writes a value, and leaves its entry, if the key holds another, and returns what the key held.
	Swap(ctx context.Context, key string, expected, value int64) (found int64, err error)
	// List returns all entries.
	List(ctx context.Context) (Listed, error)
}

// Listed is what a list finds.
type Listed struct {
	Values []int64 // of all entries, in no order
	// Sum is that of the accounts between which writes move amounts, nil where the database has none.
	Sum *int64
}

// record is where operations go, with the clock that they are timed by.
type record interface {
	Now() time.Duration
	RecordClient(history.ClientOperation)
}

// client is one client of the load.
type client struct {
	number int
	record record
	rng    *rand.Rand
	// members returns the names of the pods that there are members of, and store what to use of one.
	members func() []string
	store   func(pod string) Store
	written int64            // how many values it has written
	seen    map[string]int64 // what it knows of each key
}

// run carries out operations until ctx ends.
func (c *client) run(ctx context.Context) {
	at := c.number
	pause := time.NewTicker(operationEvery)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		all := c.members()
		if len(all) == 0 {
			continue
		}
		if err := c.step(ctx, all[at%len(all)]); err != nil {
			at++
			rest := time.NewTimer(afterFailure)
			select {
			case <-ctx.Done():
			case <-rest.C:
			}
			rest.Stop()
		}
	}
}

// step carries out one operation at a member.
func (c *client) step(ctx context.Context, pod string) error {
	o := history.ClientOperation{Member: pod, Key: fmt.Sprintf("key%d", c.rng.IntN(loadKeys))}
	switch n := c.rng.IntN(10); {
	case n < 4:
		o.Verb = history.ClientGet
	case n < 8:
		o.Verb = history.ClientPut
	default:
		o.Verb, o.Expected = history.ClientSwap, c.seen[o.Key]
	}
	if o.Verb != history.ClientGet {
		c.written++
		o.Value = int64(c.number)*valuesOf + c.written
	}
	s := c.store(pod)
	return c.carryOut(ctx, &o, func(ctx context.Context) (err error) {
		switch o.Verb {
		case history.ClientGet:
			o.Found, err = s.Get(ctx, o.Key)
		case history.ClientPut:
			err = s.Put(ctx, o.Key, o.Value)
		default:
			o.Found, err = s.Swap(ctx, o.Key, o.Expected, o.Value)
		}
		return err
	})
}

// list lists all entries at a member.
func (c *client) list(ctx context.Context, pod string) error {
	o := history.ClientOperation{Member: pod, Verb: history.ClientList}
	return c.carryOut(ctx, &o, func(ctx context.Context) error {
		found, err := c.store(pod).List(ctx)
		o.Entries, o.Sum = ranges(found.Values), found.Sum
		return err
	})
}

// carryOut has an operation carried out, and records it. What has no answer may have written; the operations of a client that is stopped have none.
func (c *client) carryOut(ctx context.Context, o *history.ClientOperation, request func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, OperationLimit)
	defer cancel()
	o.Client, o.Call = c.number, c.record.Now()
	err := request(ctx)
	if err == nil {
		o.Outcome = history.ClientOK
		c.learn(o)
	} else {
		o.Found, o.Entries, o.Sum, o.Reason, o.Unsent = 0, nil, nil, shortened(err), errors.Is(err, ErrUnsent)
		if o.Outcome = history.ClientFailed; o.Value > 0 && !errors.Is(err, ErrRefused) {
			o.Outcome = history.ClientUnknown
		}
	}
	c.record.RecordClient(*o)
	return err
}

// learn notes what the client now knows of a key.
func (c *client) learn(o *history.ClientOperation) {
	switch {
	case o.Acknowledged():
		c.seen[o.Key] = o.Value
	case o.Key != "":
		c.seen[o.Key] = o.Found
	}
}

// shortened returns the part of an error that tells it from others, since thousands of operations may end with it.
func shortened(err error) string {
	const most = 160
	text := strings.Join(strings.Fields(err.Error()), " ")
	if len(text) > most {
		text = text[:most]
	}
	return strings.ToValidUTF8(text, "")
}

// ranges writes values as ranges, in rising order.
func ranges(values []int64) []history.Range {
	slices.Sort(values)
	var out []history.Range
	for _, v := range slices.Compact(values) {
		if last := len(out) - 1; last >= 0 && out[last][1] == v-1 {
			out[last][1] = v
		} else {
			out = append(out, history.Range{v, v})
		}
	}
	return out
}

// group runs functions until it is stopped.
type group struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// start runs functions until stop is called or ctx ends.
func start(ctx context.Context, all ...func(context.Context)) *group {
	ctx, cancel := context.WithCancel(ctx)
	g := &group{cancel: cancel}
	for _, f := range all {
		g.done.Go(func() { f(ctx) })
	}
	return g
}

// stop ends the functions and waits for them.
func (g *group) stop() {
	g.cancel()
	g.done.Wait()
}
