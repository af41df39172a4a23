package explorer

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/explore"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/dns"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/statefulset"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// quietBefore is for how long nothing may have changed before names are looked up: what an act changed may not be recorded yet, and the kubelet follows
// readiness gates after a moment.
const quietBefore = 4 * time.Second

// harmLasts is how long a pod may seem sound after it was made to fail: its kubelet looks at deadlines from time to time, and a container takes its time to stop.
const harmLasts = 20 * time.Second

// lookUp verifies the names of a pod, of whose set nothing else goes on: inside its container, and in DNS from a pod of the episode's own.
func (r *run) lookUp(ctx context.Context, record framework.Request, name string) error {
	if at, harmed := r.harmed[name]; r.disrupted != "" || harmed && r.ns.Now()-at < harmLasts {
		return fmt.Errorf("a pod of the set %s may be about to fail", name)
	}
	if _, err := r.ns.Snapshot(ctx); err != nil {
		return err
	}
	if m, turned := r.nextTurn(ctx, quietBefore); turned {
		return fmt.Errorf("the set %s is not at rest: %s", name, m.Words())
	}
	var moved error
	r.ns.View(func(s *history.State) {
		moved = (&explore.Act{Kind: explore.LookUp, Set: name, Object: record.Name}).Possible(s)
	})
	if moved != nil {
		return moved
	}
	set, err := statefulset.Existing(ctx, r.ns, name)
	if err != nil {
		return err
	}
	return r.ns.Do(record, func() error {
		n := history.Ordinal(record.Name)
		set.VerifyHostname(ctx, contract.IdentityHostname, n)
		set.VerifyFQDN(ctx, contract.IdentityOwnFQDN, n, "hostname", "-f")
		if r.client == nil {
			client := dns.StartClient(ctx, set)
			r.client = &client
		}
		client := r.client.About(set)
		client.VerifyResolves(ctx, contract.DNSPodRecord, client.FQDN(n), set.Addrs(n))
		client.VerifyResolves(ctx, contract.DNSHeadless, client.ServiceFQDN(), r.served(set))
		return nil
	})
}

// served returns the addresses of all Ready pods that the set's service selects: others than the set's own may have its labels.
func (r *run) served(set *statefulset.Set) (all []netip.Addr) {
	selector := labels.SelectorFromSet(set.Selector)
	r.ns.View(func(s *history.State) {
		for _, p := range s.List(history.Pods) {
			if !selector.Matches(labels.Set(p.Labels)) || !p.Pod.RunningAndReady() || p.Terminating() {
				continue
			}
			for _, ip := range p.Pod.IPs {
				if addr, err := netip.ParseAddr(ip); err == nil {
					all = append(all, addr)
				}
			}
		}
	})
	return all
}
