package etcd

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/statefulset"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/ready"
	"github.com/hero-academy/statefulset-conformance/fixtures"
)

// Database is etcd in a set, and the clients that use it.
type Database struct {
	*statefulset.Set
	Budget *statefulset.Budget

	ns      *framework.Namespace
	dial    Dialer
	clients []*client
	load    *group // nil while the clients rest

	mu        sync.Mutex
	connected map[string]*member // by pod
	used      []string           // the members that clients turn to
}

// Dialer connects to a port of the pod that has a name now.
type Dialer func(ctx context.Context, pod string, port int) (net.Conn, error)

// Create creates the set of fixtures/etcd.yaml with the options, and its budget, and waits until the members serve. Clients reach them through the
// API server.
func Create(ctx context.Context, ns *framework.Namespace, options ...statefulset.Option) *Database {
	GinkgoHelper()
	return CreateBehind(ctx, ns, func(ctx context.Context, pod string, port int) (net.Conn, error) { return forward(ctx, ns, pod, port) }, options...)
}

// CreateBehind is Create with another way for clients to reach the members.
func CreateBehind(ctx context.Context, ns *framework.Namespace, dial Dialer, options ...statefulset.Option) *Database {
	GinkgoHelper()
	d := &Database{ns: ns, dial: dial, connected: map[string]*member{}}
	for n := range loadClients {
		d.clients = append(d.clients, &client{
			number: n, record: ns, rng: rand.New(rand.NewPCG(uint64(GinkgoRandomSeed()), uint64(n))), members: d.inUse,
			store: func(pod string) store { return d.member(pod) }, seen: map[string]int64{},
		})
	}
	// Clean-ups run last first: the clients stop before the set goes, and before the recording ends.
	DeferCleanup(d.close)
	d.Set = statefulset.CreateFrom(ctx, ns, fixtures.Etcd, nil, options...)
	d.AwaitReady(ctx)
	d.use(ordinals(members)...)
	d.Budget = d.CreateBudget(ctx, "budget", statefulset.MaxUnavailablePods(1))
	d.awaitServing(ctx)
	return d
}

// CreateAgain creates the set again after it was deleted. The database that was in it knows its members by their names.
func (d *Database) CreateAgain(ctx context.Context, options ...statefulset.Option) {
	GinkgoHelper()
	d.Set = statefulset.CreateFromWithoutService(ctx, d.ns, fixtures.Etcd, options...)
	d.AwaitReady(ctx)
	d.awaitServing(ctx)
}

// members is how many the fixture begins with.
const members = 3

func ordinals(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// use says which members clients turn to.
func (d *Database) use(all ...int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.used = nil
	for _, n := range all {
		d.used = append(d.used, d.Pod(n))
	}
}

func (d *Database) inUse() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.used
}

// member returns the client of a member.
func (d *Database) member(pod string) *member {
	d.mu.Lock()
	defer d.mu.Unlock()
	if m := d.connected[pod]; m != nil {
		return m
	}
	m, err := connect(pod, func(ctx context.Context, pod string) (net.Conn, error) { return d.dial(ctx, pod, clientPort) })
	if err != nil {
		// Only a configuration that is wrong for every pod does this, and connect has one alone.
		panic(err)
	}
	d.connected[pod] = m
	return m
}

// StartLoad has the clients use the database until StopLoad, or the end of the spec.
func (d *Database) StartLoad(ctx context.Context) {
	all := []func(context.Context){d.ask}
	for _, c := range d.clients {
		all = append(all, c.run)
	}
	d.load = start(ctx, all...)
}

// StopLoad has the clients rest.
func (d *Database) StopLoad() {
	if d.load != nil {
		d.load.stop()
		d.load = nil
	}
}

func (d *Database) close() {
	d.StopLoad()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range d.connected {
		m.close()
	}
}

// ask records what the members say of themselves, until ctx ends.
func (d *Database) ask(ctx context.Context) {
	every := time.NewTicker(askEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		var answers sync.WaitGroup
		for _, pod := range d.inUse() {
			answers.Go(func() { _, _ = d.state(ctx, pod) })
		}
		answers.Wait()
	}
}

// state asks a member how it is, and records its answer.
func (d *Database) state(ctx context.Context, pod string) (history.MemberState, error) {
	ctx, cancel := context.WithTimeout(ctx, operationLimit)
	defer cancel()
	s := history.MemberState{Member: pod, Call: d.ns.Now()}
	answer, err := d.member(pod).status(ctx)
	if err != nil {
		return s, fmt.Errorf("asking %s: %w", pod, err)
	}
	s.ID, s.Index, s.Version = memberID(answer.Header.MemberId), answer.RaftAppliedIndex, answer.Version
	if answer.Leader != 0 {
		s.Leader = memberID(answer.Leader)
	}
	d.ns.RecordMember(s)
	return s, nil
}

func memberID(id uint64) string { return fmt.Sprintf("%x", id) }

// awaitServing waits until every member that clients use answers and has a leader.
func (d *Database) awaitServing(ctx context.Context) {
	GinkgoHelper()
	for _, pod := range d.inUse() {
		d.await(ctx, pod+" to answer, with a leader", func(ctx context.Context) error {
			s, err := d.state(ctx, pod)
			if err == nil && s.Leader == "" {
				err = errors.New(pod + " has no leader")
			}
			return err
		})
	}
}

// AwaitBack waits until all pods are Ready and the members that clients use answer, after what has happened to some of them.
func (d *Database) AwaitBack(ctx context.Context) {
	GinkgoHelper()
	d.AwaitReady(ctx)
	d.awaitServing(ctx)
}

// await waits until something succeeds that only the database can say.
func (d *Database) await(ctx context.Context, what string, try func(context.Context) error) {
	GinkgoHelper()
	limit := d.ns.Settings.Limits.PodReady
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not so within %s", limit))
	defer cancel()
	Expect(ready.Until(ctx, askEvery, try)).To(Succeed(), "expected %s", what)
}

// List has a client list all entries, at whichever member answers. What they must be is for the judges to say.
func (d *Database) List(ctx context.Context) {
	GinkgoHelper()
	lister := &client{number: loadClients, record: d.ns, store: func(pod string) store { return d.member(pod) }, seen: map[string]int64{}}
	d.await(ctx, "a member to list all entries", func(ctx context.Context) error {
		var errs []error
		for _, pod := range d.inUse() {
			err := lister.list(ctx, pod)
			if err == nil {
				return nil
			}
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	})
}

// AwaitWrites waits until so many further writes are acknowledged, or the limit of the wait has passed: a database that
// acknowledges none is the judges' to accuse.
func (d *Database) AwaitWrites(ctx context.Context, n int) {
	GinkgoHelper()
	before := d.acknowledged()
	limit := d.ns.Settings.Limits.PodReady
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not so within %s", limit))
	defer cancel()
	_ = ready.Until(ctx, askEvery, func(context.Context) error {
		if got := d.acknowledged() - before; got < n {
			return fmt.Errorf("%d of %d writes are acknowledged", got, n)
		}
		return nil
	})
}

// acknowledged counts the writes that were acknowledged so far.
func (d *Database) acknowledged() int {
	n := 0
	for _, o := range d.ns.History().Clients {
		if o.Acknowledged() {
			n++
		}
	}
	return n
}
