package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/ready"
)

// askEvery is how often each member is asked how it is.
const askEvery = 500 * time.Millisecond

// Target is the database that clients use.
type Target struct {
	// Clients is how many use it, as many as a load has where it is 0.
	Clients int
	// Members returns the names of the pods that clients turn to now.
	Members func() []string
	// Store returns what the client of that number uses of a pod; no two operations of a client are under way at once.
	Store func(client int, pod string) Store
	// Ask has the members say how they are, and records it.
	Ask func(ctx context.Context)
}

// Clients are the clients of one database.
type Clients struct {
	ns      *framework.Namespace
	target  Target
	all     []*client
	running *group // nil while they rest
}

// New returns clients that rest.
func New(ns *framework.Namespace, target Target) *Clients {
	c := &Clients{ns: ns, target: target}
	for n := range cmp.Or(target.Clients, mostClients) {
		c.all = append(c.all, c.client(n))
	}
	return c
}

func (c *Clients) client(number int) *client {
	return &client{
		number: number, record: c.ns, rng: rand.New(rand.NewPCG(uint64(GinkgoRandomSeed()), uint64(number))), members: c.target.Members,
		store: func(pod string) Store { return c.target.Store(number, pod) }, seen: map[string]int64{},
	}
}

// StartLoad has the clients use the database until StopLoad, or the end of the spec.
func (c *Clients) StartLoad(ctx context.Context) {
	all := []func(context.Context){c.ask}
	for _, one := range c.all {
		all = append(all, one.run)
	}
	c.running = start(ctx, all...)
}

// StopLoad has the clients rest.
func (c *Clients) StopLoad() {
	if c.running != nil {
		c.running.stop()
		c.running = nil
	}
}

// ask records what the members say of themselves, until ctx ends.
func (c *Clients) ask(ctx context.Context) {
	every := time.NewTicker(askEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		c.target.Ask(ctx)
	}
}

// Await waits until something succeeds that only the database can say.
func (c *Clients) Await(ctx context.Context, what string, try func(context.Context) error) {
	GinkgoHelper()
	limit := c.ns.Settings.Limits.PodReady
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not so within %s", limit))
	defer cancel()
	Expect(ready.Until(ctx, askEvery, try)).To(Succeed(), "expected %s", what)
}

// List has a client list all entries, at whichever of the pods answers. What they must be is for the judges to say.
func (c *Clients) List(ctx context.Context, pods ...string) {
	GinkgoHelper()
	lister := c.client(len(c.all))
	c.Await(ctx, fmt.Sprintf("all entries of %v to be listed", pods), func(ctx context.Context) error {
		var errs []error
		for _, pod := range pods {
			err := lister.list(ctx, pod)
			if err == nil {
				return nil
			}
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	})
}

// AwaitWrites waits until so many further writes are acknowledged, or the limit of the wait has passed: a database that acknowledges none is the
// judges' to accuse.
func (c *Clients) AwaitWrites(ctx context.Context, n int) {
	GinkgoHelper()
	before := c.acknowledged()
	limit := c.ns.Settings.Limits.PodReady
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not so within %s", limit))
	defer cancel()
	_ = ready.Until(ctx, askEvery, func(context.Context) error {
		if got := c.acknowledged() - before; got < n {
			return fmt.Errorf("%d of %d writes are acknowledged", got, n)
		}
		return nil
	})
}

// acknowledged counts the writes that were acknowledged so far.
func (c *Clients) acknowledged() int {
	n := 0
	for _, o := range c.ns.History().Clients {
		if o.Acknowledged() {
			n++
		}
	}
	return n
}
