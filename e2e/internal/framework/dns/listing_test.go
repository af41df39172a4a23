package dns

import (
	"net/netip"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func TestListing(t *testing.T) {
	one, two, six := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("fd00::2")
	slice := func(service string, endpoints ...history.Endpoint) *history.Event {
		return &history.Event{Slice: &history.Slice{Service: service, Endpoints: endpoints}}
	}
	endpoint := func(host string, ready bool, at netip.Addr) history.Endpoint {
		return history.Endpoint{Hostname: host, Addresses: []string{at.String()}, Ready: ready}
	}
	both := []*history.Event{
		slice("web", endpoint("web-0", true, one)), slice("web", endpoint("web-1", true, two)), slice("other", endpoint("web-0", true, two)),
	}
	v4, v6 := family{record: "a", is: netip.Addr.Is4}, family{record: "aaaa", is: netip.Addr.Is6}
	tests := []struct {
		name, host string
		want       []netip.Addr
		families   []family
		all        []*history.Event
		missing    string
	}{
		{"all of the service", "", []netip.Addr{two, one}, []family{v4}, both, ""},
		{"one endpoint of it", "web-1", []netip.Addr{two}, []family{v4}, both, ""},
		{"none of it, and none listed", "web-2", nil, []family{v4}, both, ""},
		{"one not listed yet", "", []netip.Addr{one}, []family{v4}, nil, "10.0.0.1 is not listed"},
		{"one not Ready any more", "", []netip.Addr{one}, []family{v4}, both, "10.0.0.2 is still listed"},
		{"one that is gone", "web-1", nil, []family{v4}, both, "10.0.0.2 is still listed"},
		{"listed and not ready", "", nil, []family{v4}, []*history.Event{slice("web", endpoint("web-0", false, one))}, ""},
		{"a family that is not there", "web-1", []netip.Addr{two, six}, []family{v4, v6}, both, "fd00::2 is not listed"},
		{"a family that nobody looks up", "web-1", []netip.Addr{two, six}, []family{v4}, both, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := (listing{service: "web", host: tt.host, want: tt.want, families: tt.families}).missing(tt.all); got != tt.missing {
				t.Errorf("expected %q, found %q", tt.missing, got)
			}
		})
	}
}

func TestHostOf(t *testing.T) {
	for name, want := range map[string]string{
		"web.shop.svc.cluster.local.": "", "web": "", "web-1.web.shop.svc.cluster.local.": "web-1", "WEB-1.WEB.SHOP.SVC.CLUSTER.LOCAL.": "web-1", "web-1.web": "web-1",
		"web-1.web2.shop.svc.cluster.local.": "",
	} {
		if got := hostOf(name, "web"); got != want {
			t.Errorf("%s: expected %q, found %q", name, want, got)
		}
	}
}
