package judge

import (
	"fmt"
	"slices"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// checkNetworkName: a new pod has the fields that its name in the network is made of: the subdomain is the set's serviceName, and without a hostname the
// headless service has no record of the pod. Only an answer counts as exercised. Templates with fields of their own are checked under identity/overrides,
// and pods that take the place of another one of the set under identity/sticky.
func checkNetworkName(m *model, res *results) {
	again := map[*podLife]bool{}
	for _, l := range m.lostPods {
		again[l.next] = l.pod.created != nil && l.pod.owners[0].set == l.set
	}
	m.createdPods(func(s *setLife, p *podLife) {
		if again[p] || m.createdByTest(history.Pods, p.name) || slices.ContainsFunc(s.specs, ownNetworkName) || len(s.specs) == 0 {
			return
		}
		service, got := s.events[0].Set.ServiceName, p.created.Pod
		if service == "" {
			return
		}
		c := evidence{set: s, since: p.created.At, events: []*history.Event{p.created}, admitted: true}
		if got.Subdomain != service {
			c.text = fmt.Sprintf("%s was created at %s with subdomain %q, expected %q, the serviceName of its set, which its fully qualified domain name has",
				p.name, p.created.Ref(), got.Subdomain, service)
			res.broken(contract.IdentityOwnFQDN, c)
		}
		if got.Hostname == "" && m.headless(service) {
			c.text = fmt.Sprintf("%s was created at %s without a hostname, so that the headless service %s has no record of it", p.name, p.created.Ref(), service)
			res.broken(contract.DNSPodRecord, c)
		}
	})
}

// ownNetworkName reports whether the template of that version of a set says something of hostname or subdomain.
func ownNetworkName(v *history.Event) bool {
	return v.Set.FreeHostname || v.Set.PodHostname != "" || v.Set.PodSubdomain != ""
}

// headless reports whether a headless service of that name is recorded.
func (m *model) headless(name string) bool {
	return slices.ContainsFunc(m.h.Events, func(e *history.Event) bool {
		return e.Resource == history.Services && e.Name == name && e.Service.Headless()
	})
}
