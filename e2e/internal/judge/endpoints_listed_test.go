package judge_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// TestEndpointsListed: a slice that is written lists the pods that the service selects and that have been Ready for long, by their addresses, and no others.
func TestEndpointsListed(t *testing.T) {
	const id = contract.DNSEndpointConditions
	listed := func(write func(b *historytest.Builder, all []history.Endpoint) []history.Endpoint, selector map[string]string, family string) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 3)
			if selector == nil {
				selector = b.Get(history.Sets, "web").Set.Selector
			}
			b.Add(&history.Event{Resource: history.Services, Meta: history.Meta{Name: "web"}, Service: &history.Service{Selector: selector}})
			b.Add(&history.Event{Resource: history.Slices, Meta: history.Meta{Name: "web-x"}, Slice: &history.Slice{Service: "web", Addresses: family}})
			b.Wait(5 * time.Second)
			var all []history.Endpoint
			for _, name := range []string{"web-0", "web-1", "web-2"} {
				all = append(all, endpointOf(b.Get(history.Pods, name), true, true, false))
			}
			all = write(b, all)
			b.Change(history.Slices, "web-x", func(e *history.Event) { e.Slice.Endpoints = all })
			b.Wait(5 * time.Second)
		}
	}
	whole := func(_ *historytest.Builder, all []history.Endpoint) []history.Endpoint { return all }
	first := func(_ *historytest.Builder, all []history.Endpoint) []history.Endpoint { return all[:2] }
	runCases(t, []testCase{
		{name: "all", build: listed(whole, nil, "IPv4")},
		{
			name: "one is left out", broken: ids(id), texts: []string{"the EndpointSlice web-x (rv", "did not list web-2, which the service web selects and which was Ready (rv"},
			build: listed(first, nil, "IPv4"),
		},
		{name: "one that has no address of that kind", build: listed(first, nil, "IPv6")},
		{name: "one of a node of its own, which may be gone", build: func(b *historytest.Builder) {
			listed(first, nil, "IPv4")(b)
			for _, e := range b.Events() {
				if e.Pod != nil && e.Name == "web-2" {
					e.Pod.Node = "another"
				}
			}
		}},
		{name: "one that the service does not select", build: listed(first, map[string]string{"app": "db"}, "IPv4")},
		{name: "one that became Ready a moment ago", build: listed(func(b *historytest.Builder, all []history.Endpoint) []history.Endpoint {
			b.Unready("web-2")
			b.Wait(5 * time.Second)
			b.Ready("web-2")
			return all[:2]
		}, nil, "IPv4")},
		{name: "one that has ended, and does not say that it is not Ready", inconclusive: ids(contract.LifecycleFailed), build: listed(func(b *historytest.Builder, all []history.Endpoint) []history.Endpoint {
			b.Change(history.Pods, "web-2", func(e *history.Event) { e.Pod.Phase = corev1.PodFailed })
			b.Wait(5 * time.Second)
			return all[:2]
		}, nil, "IPv4")},
		{name: "one that another slice may list", build: listed(func(b *historytest.Builder, all []history.Endpoint) []history.Endpoint {
			b.Add(&history.Event{Resource: history.Slices, Meta: history.Meta{Name: "web-y"}, Slice: &history.Slice{Service: "web", Addresses: "IPv4", Endpoints: all[2:]}})
			return all[:2]
		}, nil, "IPv4")},
		{
			name: "by the address of another", broken: ids(id), texts: []string{"listed web-2 by the address"},
			build: listed(func(_ *historytest.Builder, all []history.Endpoint) []history.Endpoint {
				all[2].Addresses = []string{"10.9.9.9"}
				return all
			}, nil, "IPv4"),
		},
		{name: "by its own address, written in another way", build: func(b *historytest.Builder) {
			listed(func(_ *historytest.Builder, all []history.Endpoint) []history.Endpoint {
				all[2].Addresses = []string{"fd00::a"}
				return all
			}, nil, "IPv6")(b)
			for _, e := range b.Events() {
				if e.Pod != nil && e.Name == "web-2" && len(e.Pod.IPs) > 0 {
					e.Pod.IPs = []string{"fd00:0:0::000A"}
				}
			}
		}},
		{
			name: "one that is gone", broken: ids(id), texts: []string{"listed web-2 (UID", "which had been gone (rv"},
			build: listed(func(b *historytest.Builder, all []history.Endpoint) []history.Endpoint {
				b.DeleteByTest("web-2")
				b.FinishDeletion("web-2")
				b.Wait(5 * time.Second)
				b.CreateReady("web-2")
				return all
			}, nil, "IPv4"),
		},
	})
}
