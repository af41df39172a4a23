package judge

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func dnsChecks() []check {
	return []check{{ids: []contract.ID{contract.DNSEndpointConditions}, run: checkEndpoints}}
}

// endpointManager is who manages the EndpointSlices that are judged, as their label names it: the endpoint slice controller.
const endpointManager = "endpointslice-controller.k8s.io"

// servingState is what the conditions of an endpoint are made of, and since when a pod had been in that state.
type servingState struct {
	ready, terminating bool
	from, to           time.Duration
	event, end         *history.Event // the first of the state, and the one that ended it, nil if it lasts
}

// checkEndpoints: the conditions of endpoints follow the readiness and the deletion of their pods.
func checkEndpoints(m *model, res *results) {
	lives := map[types.UID][]*history.Event{}
	services, written := map[string][]*history.Event{}, map[string][]*history.Event{}
	var order []types.UID
	for _, e := range m.h.Events {
		switch e.Resource {
		case history.Slices:
			if len(lives[e.UID]) == 0 {
				order = append(order, e.UID)
			}
			lives[e.UID] = append(lives[e.UID], e)
			written[e.Slice.Service] = append(written[e.Slice.Service], e)
		case history.Services:
			services[e.Name] = append(services[e.Name], e)
		}
	}
	states, reported, lists := map[*podLife][]servingState{}, map[*history.Event]bool{}, slicesOf(lives)
	for _, uid := range order {
		all := lives[uid]
		for i, e := range all {
			service := services[e.Slice.Service]
			if e.Gone() || len(service) == 0 || service[len(service)-1].Gone() || changesReadiness(service) || !ManagedByController(e) {
				continue
			}
			w := sliceVersion{m: m, event: e, begun: syncBegun(written[e.Slice.Service], e), publish: service[0].Service.PublishNotReady, selector: selectorOf(service), to: m.h.Duration(), reported: reported}
			if i+1 < len(all) {
				w.to = all[i+1].At
			}
			w.written = e.Change == history.Added || i > 0 && !reflect.DeepEqual(all[i-1].Slice.Endpoints, e.Slice.Endpoints)
			for _, endpoint := range e.Slice.Endpoints {
				if p := m.byPod[endpoint.TargetUID]; p != nil {
					if states[p] == nil {
						states[p] = m.servingStates(p)
					}
					w.check(res, endpoint, p, states[p])
					w.identify(res, endpoint, p)
				}
			}
			if w.written && lists[listOf(e)] == 1 {
				w.complete(res, states)
			}
		}
	}
}

// changesReadiness reports whether the versions of a service differ in what they say of pods that are not ready.
func changesReadiness(service []*history.Event) bool {
	return slices.ContainsFunc(service, func(e *history.Event) bool { return e.Service.PublishNotReady != service[0].Service.PublishNotReady })
}

// ManagedByController reports whether a slice, an event of EndpointSlices, is the endpoint slice controller's, which labels all that it makes.
func ManagedByController(slice *history.Event) bool {
	return slice.Labels[discoveryv1.LabelManagedBy] == endpointManager
}

// servingStates returns the states that a pod was in, in their order.
func (m *model) servingStates(p *podLife) []servingState {
	var out []servingState
	for _, e := range p.events {
		now := servingState{ready: e.Pod.Is(corev1.PodReady), terminating: e.Terminating(), from: e.At, to: m.h.Duration(), event: e}
		if n := len(out); n > 0 {
			last := &out[n-1]
			if !e.Gone() && last.ready == now.ready && last.terminating == now.terminating {
				continue
			}
			last.to, last.end = e.At, e
		}
		if e.Gone() {
			break
		}
		out = append(out, now)
	}
	return out
}

// surelyAt reports whether the state had surely not ended yet at an event of another resource.
func (s *servingState) surelyAt(e *history.Event) bool {
	return s.end == nil || before(e, s.end) == yes
}

// sliceVersion is one version of an EndpointSlice, until the next.
type sliceVersion struct {
	m       *model
	event   *history.Event
	begun   *history.Event // the first that may have been written by the same sync
	to      time.Duration
	publish bool // its service publishes pods that are not ready
	written bool // its endpoints are others than before
	// selector is that of its service, nil where that has none, or had others.
	selector map[string]string
	// reported are the states of pods that a finding names already, by their first event.
	reported map[*history.Event]bool
}

// check judges the conditions of one endpoint: where they were written long after the pod had come to be in its state, they must be right, and
// they must be put right before long.
func (w *sliceVersion) check(res *results, endpoint history.Endpoint, p *podLife, states []servingState) {
	const id = contract.DNSEndpointConditions
	m, e := w.m, w.event
	for _, s := range states {
		right := endpoint.Serving == s.ready && endpoint.Terminating == s.terminating && endpoint.Ready == (w.publish || s.ready && !s.terminating)
		since, until := max(s.from, e.At), min(s.to, w.to)
		if until <= since || w.reported[s.event] {
			continue
		}
		c := evidence{since: since, until: until, also: []history.Resource{history.Pods, history.Services}, events: []*history.Event{s.event, e}}
		c.text = fmt.Sprintf("the endpoint of %s in the EndpointSlice %s (%s) was ready %t, serving %t and terminating %t, and the pod Ready: %t and terminating: %t (%s)",
			p.name, e.Name, e.Ref(), endpoint.Ready, endpoint.Serving, endpoint.Terminating, s.ready, s.terminating, s.event.Ref())
		switch {
		case right && s.terminating && m.mustHaveSeen(s.from, until):
			res.exercised(id)
		case right:
		case w.written && m.mustHaveSeen(s.from, w.begun.At) && s.surelyAt(e) && m.recordedAfter(e.At):
			w.reported[s.event] = true
			c.since, c.until = s.from, e.At
			res.broken(id, c)
		case until-since > m.collectOverdue():
			c.text += fmt.Sprintf(" for %.1f s", (until - since).Seconds())
			w.reported[s.event] = true
			res.notCollected(id, c, since+m.collectOverdue())
		case w.written && s.from <= e.At && m.mustHaveSeen(s.from, w.begun.At):
			res.excuse(id, WatchSkew)
		case w.written && s.from <= e.At:
			res.excuse(id, CacheLag)
		}
	}
}
