package etcd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	. "github.com/onsi/ginkgo/v2"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/load"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/statefulset"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/fixtures"
)

// Database is etcd in a set, and the clients that use it.
type Database struct {
	*statefulset.Set
	*load.Clients
	Budget *statefulset.Budget

	ns   *framework.Namespace
	dial Dialer

	mu        sync.Mutex
	connected map[string]*member // by pod
	leases    map[int]*lease     // by client
	used      []string           // the members that clients turn to
}

// Dialer connects to a port of the pod that has a name now.
type Dialer func(ctx context.Context, pod string, port int) (net.Conn, error)

// Create creates the set of fixtures/etcd.yaml with the options, and its budget, and waits until the members serve. Clients reach them through the
// API server.
func Create(ctx context.Context, ns *framework.Namespace, options ...statefulset.Option) *Database {
	GinkgoHelper()
	return CreateBehind(ctx, ns, func(ctx context.Context, pod string, port int) (net.Conn, error) {
		return load.Dial(ctx, ns, pod, port)
	}, options...)
}

// CreateBehind is Create with another way for clients to reach the members.
func CreateBehind(ctx context.Context, ns *framework.Namespace, dial Dialer, options ...statefulset.Option) *Database {
	GinkgoHelper()
	d := &Database{ns: ns, dial: dial, connected: map[string]*member{}, leases: map[int]*lease{}}
	d.Clients = load.New(ns, load.Target{Members: d.inUse, Store: func(client int, pod string) load.Store { return session{d.member(pod), d.leaseOf(client)} }, Ask: d.ask})
	// Clean-ups run last first: the clients stop before the set goes, and before the recording ends.
	DeferCleanup(d.close)
	d.Set = statefulset.CreateFrom(ctx, ns, fixtures.Etcd, nil, options...)
	d.AwaitReady(ctx)
	d.use(ordinals(members)...)
	d.Budget = d.CreateBudget(ctx, "budget", statefulset.MaxUnavailablePods(1))
	d.awaitServing(ctx)
	return d
}

// CreateAgain creates the set again after it was deleted. The database that was in it knows its members by their names; clients take new leases, since it
// may begin empty.
func (d *Database) CreateAgain(ctx context.Context, options ...statefulset.Option) {
	GinkgoHelper()
	d.mu.Lock()
	clear(d.leases)
	d.mu.Unlock()
	d.Set = statefulset.CreateFromWithoutService(ctx, d.ns, fixtures.Etcd, options...)
	d.AwaitReady(ctx)
	d.awaitServing(ctx)
}

// members is how many the fixture begins with.
const members = 3

// clientPort is where a member listens to clients.
const clientPort = 2379

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

// leaseOf returns the lease of a client.
func (d *Database) leaseOf(client int) *lease {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.leases[client] == nil {
		d.leases[client] = &lease{}
	}
	return d.leases[client]
}

func (d *Database) close() {
	d.StopLoad()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range d.connected {
		m.close()
	}
}

// ask records what the members say of themselves.
func (d *Database) ask(ctx context.Context) {
	var answers sync.WaitGroup
	for _, pod := range d.inUse() {
		answers.Go(func() { _, _ = d.state(ctx, pod) })
	}
	answers.Wait()
}

// state asks a member how it is, and records its answer.
func (d *Database) state(ctx context.Context, pod string) (history.MemberState, error) {
	ctx, cancel := context.WithTimeout(ctx, load.OperationLimit)
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
		d.Await(ctx, pod+" to answer, with a leader", func(ctx context.Context) error {
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

// List has a client list all entries, at whichever member answers.
func (d *Database) List(ctx context.Context) {
	GinkgoHelper()
	d.Clients.List(ctx, d.inUse()...)
}
