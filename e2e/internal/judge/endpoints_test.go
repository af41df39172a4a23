package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// endpointOf is the endpoint of a pod with those conditions.
func endpointOf(pod *history.Event, ready, serving, terminating bool) history.Endpoint {
	return history.Endpoint{Addresses: pod.Pod.IPs, Hostname: pod.Pod.Hostname, Target: pod.Name, TargetUID: pod.UID, Ready: ready, Serving: serving, Terminating: terminating}
}

func TestEndpointConditions(t *testing.T) {
	const id = contract.DNSEndpointConditions
	begin := func(b *historytest.Builder, publish bool) {
		b.Running("web", 2)
		b.Add(&history.Event{Resource: history.Services, Meta: history.Meta{Name: "web"}, Service: &history.Service{PublishNotReady: publish}})
		b.Add(&history.Event{Resource: history.Slices, Meta: history.Meta{Name: "web-x"}, Slice: &history.Slice{Service: "web"}})
	}
	write := func(b *historytest.Builder, endpoints ...history.Endpoint) {
		b.Change(history.Slices, "web-x", func(e *history.Event) { e.Slice.Endpoints = endpoints })
	}
	// The pod takes its time to end; what the slice says of it is written at once, and again after some seconds, for the other pod's sake.
	terminating := func(publish bool, first, then [3]bool) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			begin(b, publish)
			one, other := b.Get(history.Pods, "web-0"), b.Get(history.Pods, "web-1")
			write(b, endpointOf(one, true, true, false), endpointOf(other, true, true, false))
			b.Wait(5 * time.Second)
			b.DeleteByTest("web-0")
			write(b, endpointOf(one, first[0], first[1], first[2]), endpointOf(other, true, true, false))
			b.Wait(5 * time.Second)
			b.Unready("web-1")
			write(b, endpointOf(one, then[0], then[1], then[2]), endpointOf(other, publish, false, false))
			b.Wait(5 * time.Second)
		}
	}
	// One sync of a service with many slices looks at the pods, and then writes one slice each second; the pod is deleted after the first write.
	inARow := func(before ...string) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			begin(b, false)
			for _, name := range []string{"web-a", "web-b", "web-c"} {
				b.Add(&history.Event{Resource: history.Slices, Meta: history.Meta{Name: name}, Slice: &history.Slice{Service: "web"}})
			}
			b.Wait(5 * time.Second)
			one, other := b.Get(history.Pods, "web-0"), b.Get(history.Pods, "web-1")
			for i, name := range before {
				b.Change(history.Slices, name, func(e *history.Event) { e.Slice.Endpoints = []history.Endpoint{endpointOf(other, true, true, false)} })
				if i == 0 {
					b.DeleteByTest("web-0")
				}
				b.Wait(time.Second)
			}
			write(b, endpointOf(one, true, true, false))
			b.Wait(time.Second)
			write(b, endpointOf(one, false, true, true))
			b.Wait(time.Second)
		}
	}
	right, late := [3]bool{false, true, true}, [3]bool{true, true, false}
	runCases(t, []testCase{
		{name: "terminating and serving", exercised: ids(id), build: terminating(false, right, right)},
		{name: "late at first", exercised: ids(id), build: terminating(false, late, right)},
		{name: "ready while terminating", broken: ids(id), texts: []string{"the endpoint of web-0 in the EndpointSlice web-x", "was ready true, serving true and terminating true"}, build: terminating(false, right, [3]bool{true, true, true})},
		{name: "not said to be terminating", broken: ids(id), build: terminating(false, right, [3]bool{false, true, false})},
		{name: "not serving any more", broken: ids(id), build: terminating(false, right, [3]bool{false, false, true})},
		{name: "all published", exercised: ids(id), build: terminating(true, [3]bool{true, true, true}, [3]bool{true, true, true})},
		{name: "all published, and taken out", broken: ids(id), build: terminating(true, right, right)},
		{name: "the last slice of a large service, written three seconds after the first", build: inARow("web-a", "web-b", "web-c")},
		{name: "a slice that was not written in a row with older ones", broken: ids(id), build: inARow("web-a", "web-b", "web-b", "web-b", "web-c")},
		{
			name: "a slice that is made late and takes it for alive", broken: ids(id),
			build: func(b *historytest.Builder) {
				begin(b, false)
				one := b.Get(history.Pods, "web-0")
				b.DeleteByTest("web-0")
				b.Wait(4 * time.Second)
				b.Add(&history.Event{Resource: history.Slices, Meta: history.Meta{Name: "web-y"}, Slice: &history.Slice{
					Service: "web", Endpoints: []history.Endpoint{endpointOf(one, true, true, false)},
				}})
				b.Wait(4 * time.Second)
			},
		},
		{
			name: "never written anew", broken: ids(id), controllerActs: true, texts: []string{" for 5"},
			build: func(b *historytest.Builder) {
				begin(b, false)
				one := b.Get(history.Pods, "web-0")
				write(b, endpointOf(one, true, true, false))
				b.Wait(5 * time.Second)
				b.DeleteByTest("web-0")
				b.Wait(45 * time.Second)
			},
		},
		{
			name: "never written anew, and nothing shows that the controller was at work", inconclusive: ids(id),
			build: func(b *historytest.Builder) {
				begin(b, false)
				write(b, endpointOf(b.Get(history.Pods, "web-0"), true, true, false))
				b.Wait(5 * time.Second)
				b.DeleteByTest("web-0")
				b.Wait(60 * time.Second)
			},
		},
		{
			name: "put right as soon as the controllers were back, of which another one was the first to act", inconclusive: ids(id),
			build: func(b *historytest.Builder) {
				begin(b, false)
				one, other := b.Get(history.Pods, "web-0"), b.Get(history.Pods, "web-1")
				write(b, endpointOf(one, true, true, false), endpointOf(other, true, true, false))
				b.Unready("web-1")
				b.Wait(90 * time.Second)
				b.Running("elsewhere", 1)
				write(b, endpointOf(one, true, true, false), endpointOf(other, false, false, false))
				b.Wait(5 * time.Second)
			},
		},
		{
			name: "put right long after the controllers had acted", broken: ids(id), texts: []string{"the endpoint of web-1 in the EndpointSlice web-x"},
			build: func(b *historytest.Builder) {
				begin(b, false)
				one, other := b.Get(history.Pods, "web-0"), b.Get(history.Pods, "web-1")
				write(b, endpointOf(one, true, true, false), endpointOf(other, true, true, false))
				b.Unready("web-1")
				b.Wait(90 * time.Second)
				b.Running("elsewhere", 1)
				b.Wait(10 * time.Second)
				write(b, endpointOf(one, true, true, false), endpointOf(other, false, false, false))
				b.Wait(5 * time.Second)
			},
		},
		{
			name: "a pod whose watch is behind that of the slices, by its resource version",
			build: func(b *historytest.Builder) {
				begin(b, false)
				one := b.Get(history.Pods, "web-0")
				b.Unready("web-0")
				write(b, endpointOf(one, false, false, false))
				b.Wait(5 * time.Second)
				write(b, endpointOf(one, true, true, false))
				b.Wait(2 * time.Second)
				b.Ready("web-0").ResourceVersion = one.ResourceVersion
				b.Wait(5 * time.Second)
			},
		},
		{
			name: "of nobody who says so, as a slice that was written by hand", notExercised: ids(id),
			build: func(b *historytest.Builder) {
				begin(b, false)
				b.Change(history.Slices, "web-x", func(e *history.Event) { e.Labels = nil })
				one := b.Get(history.Pods, "web-0")
				b.DeleteByTest("web-0")
				b.Wait(5 * time.Second)
				write(b, endpointOf(one, true, true, true))
				b.Wait(5 * time.Second)
			},
		},
		{
			name: "of another manager", notExercised: ids(id),
			build: func(b *historytest.Builder) {
				begin(b, false)
				b.Change(history.Slices, "web-x", func(e *history.Event) {
					e.Labels = map[string]string{"endpointslice.kubernetes.io/managed-by": "somebody-else"}
				})
				one := b.Get(history.Pods, "web-0")
				b.DeleteByTest("web-0")
				b.Wait(5 * time.Second)
				write(b, endpointOf(one, true, true, true))
				b.Wait(5 * time.Second)
			},
		},
	})
}
