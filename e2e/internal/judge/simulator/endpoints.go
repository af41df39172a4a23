package simulator

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// endpoints returns a service of the simulated sets and the versions of its EndpointSlice, as the endpoint slice controller writes them. They
// come from a random sequence of their own, so that a seed makes the same history with and without them, and have a resource
// version above that of the last change before.
func (cl *cluster) endpoints(h *history.History, seed uint64) []*history.Event {
	rng := rand.New(rand.NewPCG(seed, 0xe5))
	skew := time.Duration(rng.Int64N(int64(cl.options.watchSkew) + 1))
	service := &history.Event{
		Change: history.Added, Resource: history.Services, Meta: history.Meta{Name: cl.service, UID: "service", ResourceVersion: "1"},
		Service: &history.Service{ClusterIPs: []string{corev1.ClusterIPNone}, Selector: cl.selector, PublishNotReady: rng.IntN(5) == 0},
	}
	out := []*history.Event{service}
	state := history.NewState()
	last, text := time.Duration(0), ""
	for i, e := range h.Events {
		state.Apply(e)
		if e.Resource != history.Pods {
			continue
		}
		slice := &history.Slice{Service: service.Name, Addresses: "IPv4", Endpoints: cl.serving(state, service.Service)}
		now := fmt.Sprint(slice.Endpoints)
		if now == text {
			continue
		}
		written := max(last, e.At+time.Duration(rng.Int64N(int64(cl.options.cacheLag)+1)))
		last, text = written, now
		for i+1 < len(h.Events) && h.Events[i+1].At <= written {
			i++
		}
		version := strconv.FormatUint(h.Events[i].RV()+1, 10)
		// What had changed by the last write was written with it.
		if newest := out[len(out)-1]; newest.Slice != nil && newest.ResourceVersion == version {
			newest.Slice = slice
			continue
		}
		change := history.Modified
		if len(out) == 1 {
			change = history.Added
		}
		out = append(out, &history.Event{
			At: written + skew, Change: change, Resource: history.Slices, Slice: slice,
			Meta: history.Meta{
				Name: "web-slice", UID: types.UID("slice"), ResourceVersion: version,
				Labels: map[string]string{discoveryv1.LabelManagedBy: "endpointslice-controller.k8s.io"},
			},
		})
	}
	return out
}

// serving returns the endpoints of the pods that have an address and have not ended.
func (cl *cluster) serving(state *history.State, service *history.Service) []history.Endpoint {
	var out []history.Endpoint
	for _, p := range state.List(history.Pods) {
		selected := true
		for k, v := range service.Selector {
			selected = selected && p.Labels[k] == v
		}
		if !selected || len(p.Pod.IPs) == 0 || p.Pod.Finished() {
			continue
		}
		ready, terminating := p.Pod.Is(corev1.PodReady), p.Terminating()
		out = append(out, history.Endpoint{
			Addresses: p.Pod.IPs, Hostname: p.Pod.Hostname, Target: p.Name, TargetUID: p.UID,
			Ready: service.PublishNotReady || ready && !terminating, Serving: ready, Terminating: terminating,
		})
	}
	return out
}

// withEndpoints adds these events.
func withEndpoints(h *history.History, endpoints []*history.Event) *history.History {
	h.Events = append(h.Events, endpoints...)
	SortByTime(h)
	h.End.At = h.Duration()
	return h
}
