package etcd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// ServeFor has the clients go on for so long, without a look at the cluster.
func (d *Database) ServeFor(ctx context.Context, howLong time.Duration) {
	GinkgoHelper()
	timer := time.NewTimer(howLong)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	Expect(ctx.Err()).NotTo(HaveOccurred(), "the spec was interrupted")
}

// VerifyServed verifies that writes were acknowledged all the time since a moment, but for pauses that a database may make whose majority serves.
func (d *Database) VerifyServed(id contract.ID, since time.Duration, meanwhile string) {
	GinkgoHelper()
	until := d.ns.Now()
	h := d.ns.History()
	pause, tooLong := judge.Pause(h, since, until)
	answered := slices.ContainsFunc(h.Clients, func(o *history.ClientOperation) bool { return o.Outcome == history.ClientOK && o.Call > since })
	var err error
	switch {
	case !answered:
		err = framework.Inconclusive(errors.New("no member answered anything, so that the way to them may have been cut"))
	case tooLong:
		err = fmt.Errorf("expected writes to go on, found that for %.1f s none was acknowledged", pause.Seconds())
	}
	d.ns.VerifySet(d.Name, id, err, "writes to %s in %.1f s, in which %s: longest pause %.1f s", d.Name, (until - since).Seconds(), meanwhile, pause.Seconds())
}

// Alone returns the ordinal of a member that has its node to itself, and that node.
func (d *Database) Alone() (ordinal int, node string) {
	GinkgoHelper()
	on := map[string][]int{}
	for n := range members {
		at := d.ns.Pod(d.Pod(n)).Pod.Node
		on[at] = append(on[at], n)
	}
	for at, some := range on {
		if len(some) == 1 {
			return some[0], at
		}
	}
	Skip(fmt.Sprintf("not applicable: no member has a node to itself, which a majority could lose: %v", on))
	return 0, ""
}
