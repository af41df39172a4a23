package dns

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/dns/nslookup"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/statefulset"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// VerifyResolves verifies that a name resolves to exactly those addresses, for each IP family of the service: within the DNS limit, then three
// times in a row.
func (c Client) VerifyResolves(ctx context.Context, id contract.ID, name string, want []netip.Addr) {
	GinkgoHelper()
	what := fmt.Sprintf("%s, looked up in %s, resolves to exactly %v", name, c.pod, want)
	c.verifyDNS(ctx, id, what, c.listingFor(name, want), c.questionFor(name, want), func() error {
		for _, f := range families(c.set) {
			err := c.lookup(ctx, f.record, name, func(answer nslookup.Answer) error {
				// As a set: DNS promises no order of addresses.
				if expected, got := f.of(want), f.of(answer.Addrs()); !slices.Equal(expected, got) {
					return fmt.Errorf("expected exactly %v, found %v (%s); see the EndpointSlices of service %s, /etc/resolv.conf of pod %s, then the DNS server's log", expected, got, answer.Status(name), c.set.Service, c.pod)
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

// VerifyNoAddress verifies that a name has no address in any IP family of the service: within the DNS limit, then three times in a row.
func (c Client) VerifyNoAddress(ctx context.Context, id contract.ID, name string) {
	GinkgoHelper()
	c.verifyNone(ctx, id, name, nslookup.NXDomain, nslookup.NoData)
}

// VerifyNXDomain verifies as VerifyNoAddress does, and that the answer is NXDOMAIN.
func (c Client) VerifyNXDomain(ctx context.Context, id contract.ID, name string) {
	GinkgoHelper()
	c.verifyNone(ctx, id, name, nslookup.NXDomain)
}

func (c Client) verifyNone(ctx context.Context, id contract.ID, name string, want ...nslookup.Status) {
	GinkgoHelper()
	what := fmt.Sprintf("%s, looked up in %s, has no address (%v)", name, c.pod, want)
	c.verifyDNS(ctx, id, what, c.listingFor(name, nil), c.questionFor(name, nil), func() error {
		for _, f := range families(c.set) {
			err := c.lookup(ctx, f.record, name, func(answer nslookup.Answer) error {
				// A server that fails says nothing of the name: an answer without addresses is not enough.
				if got := answer.Status(name); !slices.Contains(want, got) {
					return fmt.Errorf("expected %v, found %s %v; see the EndpointSlices of service %s, then the DNS server's log", want, got, answer.Addrs(), c.set.Service)
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

// VerifySRV verifies that the SRV records of a named TCP port list exactly the pods of those ordinals, each by its own name and with the
// port's number.
func (c Client) VerifySRV(ctx context.Context, id contract.ID, port string, number uint16, ordinals ...int) {
	GinkgoHelper()
	name := fmt.Sprintf("_%s._tcp.%s", port, c.ServiceFQDN())
	var want []string
	for _, n := range ordinals {
		want = append(want, fmt.Sprintf("%s:%d", strings.TrimSuffix(c.FQDN(n), "."), number))
	}
	slices.Sort(want)
	what := fmt.Sprintf("SRV records of %s, looked up in %s, list exactly %v", name, c.pod, want)
	c.verifyDNS(ctx, id, what, c.listingFor(c.ServiceFQDN(), c.set.Addrs(ordinals...)), nil, func() error {
		return c.lookup(ctx, "srv", name, func(answer nslookup.Answer) error {
			var got []string
			for _, r := range answer.SRV {
				got = append(got, fmt.Sprintf("%s:%d", r.Target, r.Port))
			}
			slices.Sort(got)
			if !slices.Equal(want, got) {
				return fmt.Errorf("expected exactly %v, found %v (%s); see the ports and hostnames in the EndpointSlices of service %s", want, got, answer.Status(name), c.set.Service)
			}
			return nil
		})
	})
}

// VerifyReverse verifies that the PTR records of each address of a pod include the pod's own name. Other services that select the pod may add
// names.
func (c Client) VerifyReverse(ctx context.Context, id contract.ID, ordinal int) {
	GinkgoHelper()
	want, addrs := strings.TrimSuffix(c.FQDN(ordinal), "."), c.set.Addrs(ordinal)
	what := fmt.Sprintf("PTR records of %v, looked up in %s, include %s", addrs, c.pod, want)
	c.verifyDNS(ctx, id, what, c.listingFor(c.FQDN(ordinal), addrs), nil, func() error {
		for _, f := range families(c.set) {
			for _, addr := range f.of(addrs) {
				name := nslookup.ReverseName(addr)
				err := c.lookup(ctx, "ptr", name, func(answer nslookup.Answer) error {
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

// verifyDNS runs a lookup until it is right within the DNS limit, and records the outcome. It waits first until the service's EndpointSlices
// are as the answer is to be: the DNS server follows them, and caches remember a name that is looked up too early as missing. What is not right in time
// accuses only an endpoint slice controller, or a DNS server, that has taken notice of another service meanwhile.
func (c Client) verifyDNS(ctx context.Context, id contract.ID, what string, wanted listing, q *question, lookup func() error) {
	GinkgoHelper()
	began := c.set.NS.Now()
	err := c.awaitListed(ctx, wanted)
	if err == nil {
		lookup = q.noting(lookup)
		err = c.set.NS.Overdue(ctx, c.poll(ctx, lookup), began, func(context.Context) error { return lookup() }, c.follower())
	}
	Expect(ctx.Err()).NotTo(HaveOccurred(), "the spec was interrupted while it verified that %s", what)
	c.set.NS.VerifyLookup(c.set.Name, id, q.queried(err), err, "%s (looked at for %.1f s)", what, (c.set.NS.Now() - began).Seconds())
}

// awaitListed waits until the EndpointSlices of the set's service list those addresses.
func (c Client) awaitListed(ctx context.Context, wanted listing) error {
	return c.set.NS.AwaitFrom(ctx, c.set.NS.Settings.Limits.DNSFollows, wanted.String(), func(st *history.State) string {
		return wanted.missing(st.List(history.Slices))
	}, c.lister())
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
func families(s *statefulset.Set) []family {
	var names []string
	s.NS.View(func(st *history.State) {
		if e := st.Get(history.Services, s.Service); e != nil {
			names = e.Service.Families
		}
	})
	if len(names) == 0 {
		// Every service that selects pods has IP families; without any the lookup must not pass without a query.
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
