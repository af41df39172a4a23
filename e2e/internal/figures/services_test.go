package figures_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/figures"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// measured is a history and the times of one kind that it shows, in seconds, of any node.
type measured struct {
	name  string
	kind  figures.Kind
	build func(*historytest.Builder)
	want  []float64
}

// check measures each history, in which no event takes time.
func check(t *testing.T, all []measured) {
	t.Helper()
	for _, tt := range all {
		b := historytest.New().Pace(0).Wait(10 * time.Second)
		tt.build(b)
		var got []float64
		for _, s := range figures.Measure(b.History(), nil) {
			if s.Kind == tt.kind {
				got = append(got, s.Took.Seconds())
			}
		}
		if len(got) != len(tt.want) {
			t.Errorf("%s: expected %v s of %s, found %v", tt.name, tt.want, tt.kind, got)
			continue
		}
		for i := range got {
			if got[i] != tt.want[i] {
				t.Errorf("%s: expected %v s of %s, found %v", tt.name, tt.want, tt.kind, got)
			}
		}
	}
}

// served creates a set of one pod behind a service, which lists it so long after it is Ready.
func served(b *historytest.Builder, published bool, after time.Duration) {
	b.Set("web")
	b.Add(&history.Event{Resource: history.Services, Meta: history.Meta{Name: "web"}, Service: &history.Service{PublishNotReady: published}})
	b.Add(&history.Event{Resource: history.Slices, Meta: history.Meta{Name: "web-x"}, Slice: &history.Slice{Service: "web"}})
	b.Wait(time.Second)
	b.Pod("web-0")
	if published {
		list(b, "web-0", true)
	}
	b.Wait(time.Second)
	b.Ready("web-0")
	b.Wait(after)
	list(b, "web-0", true)
}

// list has the service list a pod that exists, or existed, as ready or not.
func list(b *historytest.Builder, pod string, ready bool) {
	var last *history.Event
	for _, e := range b.Events() {
		if e.Resource == history.Pods && e.Name == pod {
			last = e
		}
	}
	b.Change(history.Slices, "web-x", func(e *history.Event) {
		e.Slice.Endpoints = []history.Endpoint{{Target: pod, TargetUID: last.UID, Ready: ready}}
	})
}

func TestServices(t *testing.T) {
	check(t, []measured{
		{"a pod that its service lists", figures.EndpointReady, func(b *historytest.Builder) { served(b, false, 300*time.Millisecond) }, []float64{0.3}},
		{"one that it lists before it is Ready", figures.EndpointReady, func(b *historytest.Builder) { served(b, true, 300*time.Millisecond) }, nil},
		{"a pod that is listed once more counts once", figures.EndpointReady, func(b *historytest.Builder) {
			served(b, false, 300*time.Millisecond)
			list(b, "web-0", false)
			b.Wait(time.Hour)
			list(b, "web-0", true)
		}, []float64{0.3}},
		{"a service that is made later", figures.EndpointReady, func(b *historytest.Builder) {
			b.Running("web", 1)
			b.Wait(time.Minute)
			b.Add(&history.Event{Resource: history.Services, Meta: history.Meta{Name: "web"}, Service: &history.Service{}})
			b.Add(&history.Event{Resource: history.Slices, Meta: history.Meta{Name: "web-x"}, Slice: &history.Slice{Service: "web"}})
			list(b, "web-0", true)
		}, nil},
		{"what somebody else writes", figures.EndpointReady, func(b *historytest.Builder) {
			served(b, false, 300*time.Millisecond)
			for _, e := range b.Events() {
				if e.Resource == history.Slices {
					e.Labels = nil
				}
			}
		}, nil},
		{"what was not recorded meanwhile", figures.EndpointReady, func(b *historytest.Builder) {
			served(b, false, 300*time.Millisecond)
			b.Gap(history.Slices, b.Now()-100*time.Millisecond)
		}, nil},
		{"a gap before", figures.EndpointReady, func(b *historytest.Builder) {
			b.Gap(history.Slices, b.Now()-100*time.Millisecond)
			served(b, false, 300*time.Millisecond)
		}, []float64{0.3}},
		{"a pod that is deleted", figures.EndpointGone, func(b *historytest.Builder) {
			served(b, false, 0)
			b.Terminate("web-0")
			b.Wait(200 * time.Millisecond)
			list(b, "web-0", false)
		}, []float64{0.2}},
		{"a pod that was not Ready when it was deleted", figures.EndpointGone, func(b *historytest.Builder) {
			served(b, false, 0)
			b.Unready("web-0")
			b.Terminate("web-0")
			b.Wait(200 * time.Millisecond)
			list(b, "web-0", false)
		}, nil},
		{"a pod that stays", figures.EndpointGone, func(b *historytest.Builder) {
			served(b, false, 0)
			b.Unready("web-0")
			list(b, "web-0", false)
		}, nil},
	})
}

// queried adds a lookup of a pod's name that began so long after the present and was right so long after that.
func queried(b *historytest.Builder, host string, addrs []string, after, took time.Duration, awaited bool) {
	b.Wait(after)
	from := b.Now()
	b.Wait(took)
	b.Check(history.Check{Guarantee: "dns/pod-record", Outcome: history.Passed, Lookup: &history.Lookup{Host: host, Addrs: addrs, Queried: from, Awaited: awaited}})
}

func TestNames(t *testing.T) {
	const soon, late = 100 * time.Millisecond, 2 * time.Second
	resolved := func(after time.Duration, awaited bool) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 1)
			queried(b, "web-0", b.Get(history.Pods, "web-0").Pod.IPs, after, 400*time.Millisecond, awaited)
		}
	}
	forgotten := func(after time.Duration, awaited bool) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 1)
			b.DeletePod("web-0")
			queried(b, "web-0", nil, after, 400*time.Millisecond, awaited)
		}
	}
	check(t, []measured{
		{"a name that is asked for at once", figures.NameResolved, resolved(soon, false), []float64{0.5}},
		{"in capitals", figures.NameResolved, func(b *historytest.Builder) {
			b.Running("web", 1)
			queried(b, "WEB-0", b.Get(history.Pods, "web-0").Pod.IPs, soon, 400*time.Millisecond, false)
		}, []float64{0.5}},
		{"one that is asked for late and right at once", figures.NameResolved, resolved(late, false), nil},
		{"one that is asked for late and not right at once", figures.NameResolved, resolved(late, true), []float64{2.4}},
		{"a name that is forgotten", figures.NameForgotten, forgotten(soon, false), []float64{0.5}},
		{"one that is asked for late", figures.NameForgotten, forgotten(late, false), nil},
		{"one that is still known then", figures.NameForgotten, forgotten(late, true), []float64{2.4}},
		{"a pod that is there and not Ready", figures.NameForgotten, func(b *historytest.Builder) {
			b.Running("web", 1)
			b.Unready("web-0")
			queried(b, "web-0", nil, soon, soon, true)
		}, nil},
		{"the address of an earlier pod", figures.NameResolved, func(b *historytest.Builder) {
			b.Running("web", 1)
			before := b.Get(history.Pods, "web-0").Pod.IPs
			b.DeletePod("web-0")
			b.CreateReady("web-0")
			queried(b, "web-0", before, soon, soon, false)
		}, nil},
		{"what was not right", figures.NameResolved, func(b *historytest.Builder) {
			resolved(soon, false)(b)
			b.History().Checks[0].Outcome = history.Failed
		}, nil},
	})
}
