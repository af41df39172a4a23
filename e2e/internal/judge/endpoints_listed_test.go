package judge_test

import (
	"maps"
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
	none := func(*historytest.Builder, []history.Endpoint) []history.Endpoint { return nil }
	first := func(_ *historytest.Builder, all []history.Endpoint) []history.Endpoint { return all[:2] }
	// relabelled takes the labels of a pod of no set, and writes the slice with it after some time.
	relabelled := func(after time.Duration, then func(*historytest.Builder)) func(*historytest.Builder) {
		return listed(func(b *historytest.Builder, all []history.Endpoint) []history.Endpoint {
			b.Operation(history.VerbUpdate, history.Pods, "web-2")
			b.Change(history.Pods, "web-2", func(e *history.Event) { e.Labels = map[string]string{"none": "of the set's"} })
			b.Wait(after)
			if then != nil {
				then(b)
			}
			return all
		}, nil, "IPv4")
	}
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
		{name: "one that the service does not select", build: listed(none, map[string]string{"app": "db"}, "IPv4")},
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
		{
			name: "without the hostname that makes its name in DNS", broken: ids(id), texts: []string{`listed web-2 with the hostname "", where its subdomain is the service web`},
			build: listed(func(_ *historytest.Builder, all []history.Endpoint) []history.Endpoint {
				all[2].Hostname = ""
				return all
			}, nil, "IPv4"),
		},
		{name: "without the hostname, for another service", build: func(b *historytest.Builder) {
			listed(func(_ *historytest.Builder, all []history.Endpoint) []history.Endpoint {
				all[2].Hostname = ""
				return all
			}, nil, "IPv4")(b)
			for _, e := range b.Events() {
				switch {
				case e.Slice != nil:
					e.Slice.Service = "other"
				case e.Service != nil:
					e.Name = "other"
				}
			}
		}},
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
			name: "one that the service has not selected for long", broken: ids(id), inconclusive: ids(contract.LifecycleRelease), texts: []string{"listed web-2, which the service web does not select with its labels (rv"},
			build: relabelled(5*time.Second, nil),
		},
		{name: "one that the service selected until a moment ago", build: relabelled(100*time.Millisecond, nil)},
		{name: "one that the service selects again", build: relabelled(5*time.Second, func(b *historytest.Builder) {
			b.Change(history.Pods, "web-2", func(e *history.Event) { e.Labels = maps.Clone(b.Get(history.Pods, "web-1").Labels) })
		})},
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
