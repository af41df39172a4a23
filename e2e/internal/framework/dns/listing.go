package dns

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// listing is what the EndpointSlices of a service must list as ready, no more and no less, before DNS can answer as it is to.
type listing struct {
	service  string
	host     string // the endpoint's hostname, "" for all endpoints of the service
	want     []netip.Addr
	families []family
}

// listingFor returns what must be listed for a name to have exactly those addresses.
func (c Client) listingFor(name string, want []netip.Addr) listing {
	return listing{service: c.set.Service, host: hostOf(name, c.set.Service), want: want, families: families(c.set)}
}

// hostOf returns the hostname that a name has before that of a service, "" for that of the service itself. Case, namespace and zone do not matter.
func hostOf(name, service string) string {
	host, rest, _ := strings.Cut(strings.ToLower(name), ".")
	if !strings.HasPrefix(rest+".", service+".") {
		return ""
	}
	return host
}

// missing says how the EndpointSlices differ from that, "" if they do not.
func (l listing) missing(all []*history.Event) string {
	ready := map[netip.Addr]bool{}
	for _, e := range all {
		for _, endpoint := range e.Slice.Endpoints {
			if e.Slice.Service != l.service || !endpoint.Ready || l.host != "" && endpoint.Hostname != l.host {
				continue
			}
			for _, text := range endpoint.Addresses {
				if a, err := netip.ParseAddr(text); err == nil {
					ready[a] = true
				}
			}
		}
	}
	for _, f := range l.families {
		for _, a := range f.of(l.want) {
			if !ready[a] {
				return a.String() + " is not listed"
			}
		}
		for a := range ready {
			if f.is(a) && !slices.Contains(l.want, a) {
				return a.String() + " is still listed"
			}
		}
	}
	return ""
}

func (l listing) String() string {
	of := ""
	if l.host != "" {
		of = " for " + l.host
	}
	return fmt.Sprintf("the EndpointSlices of service %s to list exactly %v as ready%s", l.service, l.want, of)
}
