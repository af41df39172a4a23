package judge

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// endpointList is what one slice lists, or several do together: the pods of a service with their addresses of one family.
type endpointList struct{ service, family string }

func listOf(slice *history.Event) endpointList {
	return endpointList{slice.Slice.Service, slice.Slice.Addresses}
}

// selectorOf returns the selector of a service, nil where it has none, or its versions have others.
func selectorOf(service []*history.Event) map[string]string {
	selector := service[0].Service.Selector
	if len(selector) == 0 || slices.ContainsFunc(service, func(v *history.Event) bool { return !maps.Equal(v.Service.Selector, selector) }) {
		return nil
	}
	return selector
}

// slicesOf counts the slices of each list.
func slicesOf(lives map[types.UID][]*history.Event) map[endpointList]int {
	out := map[endpointList]int{}
	for _, all := range lives {
		out[listOf(all[0])]++
	}
	return out
}

// identify checks that an endpoint, where it was written long after its pod had come to be so, is of a pod that is there, by an address that the pod has had,
// and has the hostname of a pod whose subdomain is the service: DNS servers make the pod's name of it.
func (w *sliceVersion) identify(res *results, endpoint history.Endpoint, p *podLife) {
	m, e := w.m, w.event
	if !w.written || !m.recordedAfter(e.At) {
		return
	}
	c := evidence{since: p.first().At, also: []history.Resource{history.Pods}, events: []*history.Event{p.last(), e}}
	if g := p.gone; g != nil && g.Change == history.Deleted && before(g, e) == yes && m.mustHaveSeen(g.At, w.begun.At) {
		if w.reported[g] {
			return
		}
		w.reported[g] = true
		c.since = g.At
		c.text = fmt.Sprintf("the EndpointSlice %s (%s) listed %s (UID %s), which had been gone (%s)", e.Name, e.Ref(), p.name, p.uid, g.Aside())
		res.broken(contract.DNSEndpointConditions, c)
		return
	}
	if e, long := w.unselected(p); long && !w.reported[e] {
		w.reported[e] = true
		c.events = []*history.Event{e, w.event}
		c.text = fmt.Sprintf("the EndpointSlice %s (%s) listed %s, which the service %s does not select with its labels (%s)", w.event.Name, w.event.Ref(), p.name, w.event.Slice.Service, e.Ref())
		res.broken(contract.DNSEndpointConditions, c)
		return
	}
	if now := p.last(); now.Pod.Hostname != "" && now.Pod.Subdomain == e.Slice.Service && endpoint.Hostname != now.Pod.Hostname && !w.reported[now] {
		w.reported[now] = true
		c.text = fmt.Sprintf("the EndpointSlice %s (%s) listed %s with the hostname %q, where its subdomain is the service %s and its hostname %s, by which DNS is to know it",
			e.Name, e.Ref(), p.name, endpoint.Hostname, now.Pod.Subdomain, now.Pod.Hostname)
		res.broken(contract.DNSEndpointConditions, c)
	}
	first := slices.IndexFunc(p.events, func(e *history.Event) bool { return len(e.Pod.IPs) > 0 })
	if first < 0 || !m.mustHaveSeen(p.events[first].At, w.begun.At) {
		return
	}
	for _, a := range endpoint.Addresses {
		if !slices.ContainsFunc(p.events, func(e *history.Event) bool { return slices.ContainsFunc(e.Pod.IPs, sameAddress(a)) }) {
			c.since = p.events[first].At
			c.text = fmt.Sprintf("the EndpointSlice %s (%s) listed %s by the address %s, which it has not, having %v", e.Name, e.Ref(), p.name, a, p.events[first].Pod.IPs)
			res.broken(contract.DNSEndpointConditions, c)
		}
	}
}

// unselected returns from when on a pod had no labels that the slice's service selects, if that was long before the slice was written and lasted until then.
func (w *sliceVersion) unselected(p *podLife) (from *history.Event, long bool) {
	if w.selector == nil {
		return nil, false
	}
	for _, v := range p.events {
		switch {
		case hasAll(v.Labels, w.selector):
			if from != nil && before(w.event, v) == yes {
				return from, w.m.mustHaveSeen(from.At, w.begun.At)
			}
			from = nil
		case from == nil && !v.Gone():
			from = v
		}
	}
	return from, from != nil && before(from, w.event) == yes && w.m.mustHaveSeen(from.At, w.begun.At)
}

// complete checks that the only slice of a list, where it was written long after a pod which the service selects had become Ready, lists that pod. Pods of a
// node whose object is gone are left out: that it is there another pod of it shows, which is listed.
func (w *sliceVersion) complete(res *results, states map[*podLife][]servingState) {
	m, e, selector := w.m, w.event, w.selector
	if selector == nil || !m.recordedAfter(e.At) {
		return
	}
	for _, p := range m.pods {
		if p.relabelled || p.finished != nil && before(p.finished, e) != no || !w.listsNodeOf(p) || !hasAll(p.first().Labels, selector) || slices.ContainsFunc(e.Slice.Endpoints, func(endpoint history.Endpoint) bool { return endpoint.TargetUID == p.uid }) {
			continue
		}
		if states[p] == nil {
			states[p] = m.servingStates(p)
		}
		for _, s := range states[p] {
			if s.ready && !s.terminating && !w.reported[s.event] && hasAddress(s.event, e.Slice.Addresses) && m.mustHaveSeen(s.from, w.begun.At) && s.surelyAt(e) {
				w.reported[s.event] = true
				res.broken(contract.DNSEndpointConditions, evidence{
					since: s.from, also: []history.Resource{history.Services}, events: []*history.Event{s.event, e},
					text: fmt.Sprintf("the EndpointSlice %s (%s) did not list %s, which the service %s selects and which was Ready (%s)",
						e.Name, e.Ref(), p.name, e.Slice.Service, s.event.Aside()),
				})
			}
		}
	}
}

// listsNodeOf reports whether the slice lists a pod of the same node.
func (w *sliceVersion) listsNodeOf(p *podLife) bool {
	node := p.last().Pod.Node
	return node != "" && slices.ContainsFunc(w.event.Slice.Endpoints, func(endpoint history.Endpoint) bool {
		other := w.m.byPod[endpoint.TargetUID]
		return other != nil && other.last().Pod.Node == node
	})
}

// hasAll reports whether labels have all of a selector.
func hasAll(labels, selector map[string]string) bool {
	for key, value := range selector {
		if got, there := labels[key]; !there || got != value {
			return false
		}
	}
	return true
}

// hasAddress reports whether a pod has an address of a slice's type.
func hasAddress(pod *history.Event, of string) bool {
	return slices.ContainsFunc(pod.Pod.IPs, func(text string) bool {
		a, err := netip.ParseAddr(text)
		return err == nil && (of == string(discoveryv1.AddressTypeIPv4) && a.Is4() || of == string(discoveryv1.AddressTypeIPv6) && a.Is6())
	})
}

// sameAddress returns what reports whether a text stands for the address that another one does: IPv6 addresses can be written in several ways.
func sameAddress(as string) func(string) bool {
	want, err := netip.ParseAddr(as)
	return func(text string) bool {
		a, wrong := netip.ParseAddr(text)
		return text == as || err == nil && wrong == nil && a == want
	}
}
