package workload

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

	"github.com/hero-academy/statefulset-conformance/e2e/internal/guarantee"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/nslookup"
)

// askAgain is the pause between two questions while an answer is not yet right: DNS cannot be watched, and a question already
// takes longer than this.
const askAgain = 50 * time.Millisecond

// timesAsked is how often an answer must be right in a row, once it was.
const timesAsked = 3

// Zone returns the cluster's DNS zone, as the resolver configuration of a pod has it: the search domain
// "<namespace>.svc.<zone>".
func (ns *Namespace) Zone(ctx context.Context, pod string) string {
	GinkgoHelper()
	conf, err := ns.Exec(ctx, pod, "cat", "/etc/resolv.conf")
	Expect(err).NotTo(HaveOccurred())
	for line := range strings.Lines(conf) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] != "search" {
			continue
		}
		for _, domain := range words[1:] {
			if zone, found := strings.CutPrefix(strings.TrimSuffix(domain, "."), ns.Name+".svc."); found {
				ns.FoundZone(zone)
				return zone
			}
		}
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
func (s *Set) Resolves(ctx context.Context, id guarantee.ID, from, name string, want []netip.Addr) {
	GinkgoHelper()
	err := s.NS.eventually(ctx, func() error { return s.resolvesNow(ctx, from, name, want) })
	s.NS.Verify(id, err, "%s, asked from %s, resolves to %v", name, from, want)
}

// eventually returns nil once ask succeeds and goes on to, three times in a row, all within the DNS limit.
func (ns *Namespace) eventually(ctx context.Context, ask func() error) error {
	GinkgoHelper()
	limit := ns.Settings.Limits.DNSFollows
	var last error
	right := 0
	NewGomega(func(string, ...int) {}).Eventually(ctx, func() bool {
		if last = ask(); last != nil {
			right = 0
			return false
		}
		right++
		return right >= timesAsked
	}).WithTimeout(limit).WithPolling(askAgain).Should(BeTrue())
	if last == nil && right < timesAsked {
		last = errors.New("the answer did not stay right")
	}
	if last != nil {
		return fmt.Errorf("not within %v: %w", limit, last)
	}
	return nil
}

func (s *Set) resolvesNow(ctx context.Context, from, name string, want []netip.Addr) error {
	for _, family := range s.families() {
		qtype, mine := "a", netip.Addr.Is4
		if family == string(corev1.IPv6Protocol) {
			qtype, mine = "aaaa", netip.Addr.Is6
		}
		expected := slices.DeleteFunc(slices.Clone(want), func(a netip.Addr) bool { return !mine(a) })
		slices.SortFunc(expected, netip.Addr.Compare)
		answer, err := s.NS.Ask(ctx, from, qtype, name)
		if err != nil {
			return err
		}
		got := slices.DeleteFunc(answer.Addrs(), func(a netip.Addr) bool { return !mine(a) })
		if !slices.Equal(got, expected) {
			return fmt.Errorf("expected exactly %v, found %v%s; see the EndpointSlices of service %s", expected, got, said(answer, name), s.Service)
		}
	}
	return nil
}

// said adds what the server answered in place of addresses.
func said(a nslookup.Answer, name string) string {
	if len(a.Addrs()) > 0 {
		return ""
	}
	return fmt.Sprintf(" (%s)", a.Status(name))
}

// Ask asks DNS from a pod with nslookup, for one name and one record type.
func (ns *Namespace) Ask(ctx context.Context, from, qtype, name string) (nslookup.Answer, error) {
	return nslookup.Ask(ctx, func(ctx context.Context, command ...string) (string, error) {
		return ns.Exec(ctx, from, command...)
	}, qtype, name)
}

// families returns the IP families of the set's service.
func (s *Set) families() []string {
	var families []string
	s.NS.View(func(st *history.State) {
		if e := st.Get(history.Services, s.Service); e != nil {
			families = e.Service.Families
		}
	})
	if len(families) == 0 {
		// A service that names no pods yet has them all the same; without one, IPv4 is what clusters have.
		return []string{string(corev1.IPv4Protocol)}
	}
	return families
}
