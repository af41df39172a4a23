package postgres

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/load"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/statefulset"
	"github.com/hero-academy/statefulset-conformance/fixtures"
)

// The members, which never change their parts, by their pods' names.
const (
	primary = "postgres-0"
	replica = "postgres-1"
)

// asking is the number of the client that asks the servers how they are, beside those of the load.
const asking = -1

// Database is PostgreSQL in a set, and the clients that use it, all of them at the primary.
type Database struct {
	*statefulset.Set
	*load.Clients

	ns *framework.Namespace

	mu       sync.Mutex
	sessions map[sessionOf]*session
}

// sessionOf is whose session it is, with which pod.
type sessionOf struct {
	client int
	pod    string
}

// Create creates the set of fixtures/postgres.yaml with the options, waits until both members serve, makes the tables and lists what is in them.
func Create(ctx context.Context, ns *framework.Namespace, options ...statefulset.Option) *Database {
	GinkgoHelper()
	d := &Database{ns: ns, sessions: map[sessionOf]*session{}}
	d.Clients = load.New(ns, load.Target{
		Clients: clients,
		Members: func() []string { return []string{primary} },
		Store:   func(client int, pod string) load.Store { return d.session(client, pod) },
		Ask:     d.ask,
	})
	// Clean-ups run last first: the clients stop before the set goes, and before the recording ends.
	DeferCleanup(d.close)
	d.Set = statefulset.CreateFrom(ctx, ns, fixtures.Postgres, nil, options...)
	d.AwaitBack(ctx)
	d.Await(ctx, "the tables to be made", d.session(asking, primary).prepare)
	d.Clients.List(ctx, primary)
	return d
}

// CreateAgain creates the set again after it was deleted, and waits until both members serve.
func (d *Database) CreateAgain(ctx context.Context, options ...statefulset.Option) {
	GinkgoHelper()
	d.Set = statefulset.CreateFromWithoutService(ctx, d.ns, fixtures.Postgres, options...)
	d.AwaitBack(ctx)
}

// session returns a client's session with a pod.
func (d *Database) session(client int, pod string) *session {
	d.mu.Lock()
	defer d.mu.Unlock()
	whose := sessionOf{client, pod}
	if d.sessions[whose] == nil {
		d.sessions[whose] = &session{pod: pod, dial: func(ctx context.Context, pod string) (net.Conn, error) { return load.Dial(ctx, d.ns, pod, port) }}
	}
	return d.sessions[whose]
}

func (d *Database) close() {
	d.StopLoad()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.sessions {
		s.close()
	}
}

// ask records what the members say of themselves.
func (d *Database) ask(ctx context.Context) {
	var answers sync.WaitGroup
	for _, pod := range []string{primary, replica} {
		answers.Go(func() { _ = d.state(ctx, pod) })
	}
	answers.Wait()
}

// state asks a member how it is, and records its answer. A replica that follows nobody is an error.
func (d *Database) state(ctx context.Context, pod string) error {
	ctx, cancel := context.WithTimeout(ctx, load.OperationLimit)
	defer cancel()
	call := d.ns.Now()
	s, err := d.session(asking, pod).state(ctx)
	if err != nil {
		return fmt.Errorf("asking %s: %w", pod, err)
	}
	s.Call = call
	d.ns.RecordMember(s)
	if s.Leader == "" {
		return fmt.Errorf("%s does not follow the primary", pod)
	}
	return nil
}

// AwaitBack waits until both pods are Ready, and the replica follows the primary.
func (d *Database) AwaitBack(ctx context.Context) {
	GinkgoHelper()
	d.AwaitReady(ctx)
	for _, pod := range []string{primary, replica} {
		d.Await(ctx, pod+" to serve", func(ctx context.Context) error { return d.state(ctx, pod) })
	}
}

// List has a client list all entries at the primary, and at the replica, which has all that was acknowledged.
func (d *Database) List(ctx context.Context) {
	GinkgoHelper()
	d.Clients.List(ctx, primary)
	d.Clients.List(ctx, replica)
}

// Roll changes the template, so that both pods are replaced: with more connections, which a replica must allow before its primary does, else it stops.
func (d *Database) Roll(ctx context.Context) {
	GinkgoHelper()
	const setting = "--max-connections="
	d.Update(ctx, "a template with more connections for "+d.Name, func(s *appsv1.StatefulSet) {
		containers := s.Spec.Template.Spec.Containers
		c := &containers[fixtures.MainOf(containers, func(c corev1.Container) string { return c.Name })]
		for i, arg := range c.Args {
			if strings.HasPrefix(arg, setting) {
				c.Args[i] = setting + "121"
			}
		}
	})
}
