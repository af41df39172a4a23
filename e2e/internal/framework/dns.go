package framework

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/dns/nslookup"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// askAgain is the pause between two questions while an answer is not yet right: DNS cannot be watched, and a question already
// takes longer than this.
const askAgain = 50 * time.Millisecond

// timesAsked is how often in a row an answer must be right.
const timesAsked = 3

// Zone returns the cluster's DNS zone, as the resolver configuration of a pod has it: the search domain
// "<namespace>.svc.<zone>".
func (ns *Namespace) Zone(ctx context.Context, pod string) string {
	GinkgoHelper()
	conf, err := ns.Exec(ctx, pod, "cat", "/etc/resolv.conf")
	Expect(err).NotTo(HaveOccurred())
	if zone, found := nslookup.Zone(conf, ns.Name); found {
		ns.FoundZone(zone)
		return zone
	}
	Fail(fmt.Sprintf("expected a search domain %s.svc.<zone> in /etc/resolv.conf of pod %s, found %q: the pod's dnsPolicy or the kubelet's clusterDomain is not as Kubernetes sets them", ns.Name, pod, conf))
	return ""
}

// FQDN returns the full name of a pod of the set, with the final dot that keeps resolvers from trying search domains.
func (s *Set) FQDN(ordinal int, zone string) string {
	return s.Pod(ordinal) + "." + s.ServiceFQDN(zone)
}

// ServiceFQDN returns the full name of the set's service.
func (s *Set) ServiceFQDN(zone string) string {
	return fmt.Sprintf("%s.%s.svc.%s.", s.Service, s.NS.Name, zone)
}

// Addrs returns the addresses of the pods of those ordinals, as recorded.
func (s *Set) Addrs(ordinals ...int) []netip.Addr {
	GinkgoHelper()
	var out []netip.Addr
	for _, n := range ordinals {
		for _, ip := range s.NS.Pod(s.Pod(n)).Pod.IPs {
			addr, err := netip.ParseAddr(ip)
			Expect(err).NotTo(HaveOccurred())
			out = append(out, addr)
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return out
}

// Resolves verifies that a name, asked from a pod, resolves to exactly those addresses, for each IP family of the service: it
// must within the DNS limit and then three times in a row. The outcome enters the recording as a check of the guarantee.
func (s *Set) Resolves(ctx context.Context, id contract.ID, from, name string, want []netip.Addr) {
	GinkgoHelper()
	what := fmt.Sprintf("%s, asked from %s, resolves to exactly %v", name, from, want)
	s.verifyDNS(ctx, id, what, want, func() error {
		for _, f := range s.families() {
			err := s.NS.ask(ctx, from, f.record, name, func(answer nslookup.Answer) error {
				// As a set: DNS promises no order of addresses.
				if expected, got := f.of(want), f.of(answer.Addrs()); !slices.Equal(expected, got) {
					return fmt.Errorf("expected exactly %v, found %v (%s); see the EndpointSlices of service %s, /etc/resolv.conf of pod %s, then the DNS server's log", expected, got, answer.Status(name), s.Service, from)
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// NotResolved verifies that a name has no address, asked from a pod for each IP family of the service: within the DNS limit and
// then three times in a row.
func (s *Set) NotResolved(ctx context.Context, id contract.ID, from, name string) {
	GinkgoHelper()
	s.verifyNone(ctx, id, from, name, nslookup.NXDomain, nslookup.NoData)
}

// NXDomain verifies as NotResolved does, and that the answer is NXDOMAIN.
func (s *Set) NXDomain(ctx context.Context, id contract.ID, from, name string) {
	GinkgoHelper()
	s.verifyNone(ctx, id, from, name, nslookup.NXDomain)
}

func (s *Set) verifyNone(ctx context.Context, id contract.ID, from, name string, want ...nslookup.Status) {
	GinkgoHelper()
	what := fmt.Sprintf("%s, asked from %s, has no address (%v)", name, from, want)
	s.verifyDNS(ctx, id, what, nil, func() error {
		for _, f := range s.families() {
			err := s.NS.ask(ctx, from, f.record, name, func(answer nslookup.Answer) error {
				// A server that fails says nothing of the name: an answer without addresses is not enough.
				if got := answer.Status(name); !slices.Contains(want, got) {
					return fmt.Errorf("expected %v, found %s %v; see the EndpointSlices of service %s, then the DNS server's log", want, got, answer.Addrs(), s.Service)
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// ListsService verifies that the SRV records of a named TCP port, asked from a pod, list exactly the pods of those ordinals,
// each under its own name and with the port's number.
func (s *Set) ListsService(ctx context.Context, id contract.ID, from, zone, port string, number uint16, ordinals ...int) {
	GinkgoHelper()
	name := fmt.Sprintf("_%s._tcp.%s", port, s.ServiceFQDN(zone))
	var want []string
	for _, n := range ordinals {
		want = append(want, fmt.Sprintf("%s:%d", strings.TrimSuffix(s.FQDN(n, zone), "."), number))
	}
	slices.Sort(want)
	what := fmt.Sprintf("SRV records of %s, asked from %s, list exactly %v", name, from, want)
	s.verifyDNS(ctx, id, what, s.Addrs(ordinals...), func() error {
		return s.NS.ask(ctx, from, "srv", name, func(answer nslookup.Answer) error {
			var got []string
			for _, r := range answer.SRV {
				got = append(got, fmt.Sprintf("%s:%d", r.Target, r.Port))
			}
			slices.Sort(got)
			if !slices.Equal(want, got) {
				return fmt.Errorf("expected exactly %v, found %v (%s); see the ports and hostnames in the EndpointSlices of service %s", want, got, answer.Status(name), s.Service)
			}
			return nil
		})
	})
}

// ReverseResolves verifies that the PTR answers for each address of a pod, asked from a pod, include the pod's own name. Other
// services that select the pod may add names of theirs.
func (s *Set) ReverseResolves(ctx context.Context, id contract.ID, from, zone string, ordinal int) {
	GinkgoHelper()
	want, addrs := strings.TrimSuffix(s.FQDN(ordinal, zone), "."), s.Addrs(ordinal)
	what := fmt.Sprintf("PTR records of %v, asked from %s, include %s", addrs, from, want)
	s.verifyDNS(ctx, id, what, addrs, func() error {
		for _, f := range s.families() {
			for _, addr := range f.of(addrs) {
				name := nslookup.ReverseName(addr)
				err := s.NS.ask(ctx, from, "ptr", name, func(answer nslookup.Answer) error {
					if got := answer.Targets(addr); !slices.Contains(got, want) {
						return fmt.Errorf("expected %s among the names of %s, found %v (%s); does the DNS server serve the pods' reverse zone?", want, addr, got, answer.Status(name))
					}
					return nil
				})
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// verifyDNS asks until the answer is right and then again, three times in a row, and records the outcome. Nothing is asked
// before the service's EndpointSlices list the addresses: a name that is asked for too early is remembered as missing by caches.
func (s *Set) verifyDNS(ctx context.Context, id contract.ID, what string, listed []netip.Addr, ask func() error) {
	GinkgoHelper()
	began := s.NS.Now()
	err := s.awaitListed(ctx, listed)
	if err == nil {
		err = s.NS.settle(ctx, ask)
	}
	Expect(ctx.Err()).NotTo(HaveOccurred(), "the spec was interrupted while it verified that %s", what)
	s.NS.Verify(id, err, "%s (looked at for %.1f s)", what, (s.NS.Now() - began).Seconds())
}

// awaitListed waits until the EndpointSlices of the set's service list those addresses as ready.
func (s *Set) awaitListed(ctx context.Context, want []netip.Addr) error {
	families := s.families()
	what := fmt.Sprintf("the EndpointSlices of service %s to list %v as ready", s.Service, want)
	return s.NS.Await(ctx, s.NS.Settings.Limits.DNSFollows, what, func(st *history.State) string {
		ready := map[string]bool{}
		for _, e := range st.List(history.Slices) {
			for _, endpoint := range e.Slice.Endpoints {
				for _, a := range endpoint.Addresses {
					ready[a] = ready[a] || e.Slice.Service == s.Service && endpoint.Ready
				}
			}
		}
		for _, f := range families {
			for _, addr := range f.of(want) {
				if !ready[addr.String()] {
					return addr.String() + " is not listed"
				}
			}
		}
		return ""
	})
}

// settle asks again until the answer is right or the DNS limit has passed.
func (ns *Namespace) settle(ctx context.Context, ask func() error) error {
	limit := ns.Settings.Limits.DNSFollows
	for began := ns.Now(); ; {
		err := ask()
		switch {
		case err == nil:
			return nil
		case ns.Now()-began > limit:
			return fmt.Errorf("not within %v: %w", limit, err)
		}
		select {
		case <-time.After(askAgain): //nolint:forbidigo // DNS cannot be watched, only asked.
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// ask asks DNS from a pod with nslookup, for one name and one record type, and returns what right makes of the answers: each of
// several in a row must be right, since several DNS servers may answer in turn, and one answer may be luck.
func (ns *Namespace) ask(ctx context.Context, from, record, name string, right func(nslookup.Answer) error) error {
	answers, err := nslookup.Query(ctx, func(ctx context.Context, command ...string) (string, error) {
		return ns.Exec(ctx, from, command...)
	}, timesAsked, record, name)
	switch {
	case errors.Is(err, nslookup.ErrNoServer):
		return fmt.Errorf("%w: look at the cluster's DNS pods, and at the servers that /etc/resolv.conf of pod %s names", err, from)
	case err != nil:
		return &unseenError{err}
	}
	for i, answer := range answers {
		if err := right(answer); err != nil {
			return fmt.Errorf("answer %d of %d: %w", i+1, timesAsked, err)
		}
	}
	return nil
}

// family is an IP family of a service, with the record type that holds its addresses.
type family struct {
	record string
	is     func(netip.Addr) bool
}

// of returns the addresses of the family, sorted.
func (f family) of(addrs []netip.Addr) []netip.Addr {
	own := slices.DeleteFunc(slices.Clone(addrs), func(a netip.Addr) bool { return !f.is(a) })
	slices.SortFunc(own, netip.Addr.Compare)
	return own
}

// families returns the IP families of the set's service.
func (s *Set) families() []family {
	var names []string
	s.NS.View(func(st *history.State) {
		if e := st.Get(history.Services, s.Service); e != nil {
			names = e.Service.Families
		}
	})
	if len(names) == 0 {
		// Every service that selects pods has them; should one not, it must not pass unasked.
		names = []string{string(corev1.IPv4Protocol)}
	}
	var out []family
	for _, name := range names {
		if name == string(corev1.IPv6Protocol) {
			out = append(out, family{record: "aaaa", is: netip.Addr.Is6})
		} else {
			out = append(out, family{record: "a", is: netip.Addr.Is4})
		}
	}
	return out
}
