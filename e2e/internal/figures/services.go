package figures

import (
	"maps"
	"slices"
	"strings"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

const (
	// sliceController is the value of LabelManagedBy on what the endpoint slice controller writes, in
	// k8s.io/kubernetes/pkg/controller/endpointslice.
	sliceController = "endpointslice-controller.k8s.io"
	// queriedWithin is how soon after a change the first question must be asked for an answer that is right at once to say when it became so.
	queriedWithin = time.Second
	// watchesApart is how far watches of two resources may be out of step: what one shows before the other counts as shown at once.
	watchesApart = 2 * time.Second
)

// listing is a pod's place in the EndpointSlices of one service, as long as it is listed there as ready.
type listing struct {
	service, slice string
	pod            types.UID
}

// serviceSamples returns how long a service took to list pods that became Ready, and no longer to list those whose deletion was requested. Services
// that publish pods before they are Ready are left out, and so are those that were made, or changed what they select, after the pod was Ready.
func serviceSamples(h *history.History, pods []*life) []Sample {
	f := followed{h: h, lives: map[types.UID]*life{}, services: map[string]*service{}, of: map[string][]listing{}, seen: map[listing]bool{}}
	for _, p := range pods {
		f.lives[p.uid] = p
	}
	for _, e := range h.Events {
		switch {
		case e.Resource == history.Services:
			f.service(e)
		case e.Resource == history.Slices && e.Labels[discoveryv1.LabelManagedBy] == sliceController:
			f.slice(e)
		}
	}
	return f.out
}

// service is what matters of a service: since when it selects what it does, and whether that is pods that are Ready alone.
type service struct {
	since     time.Duration
	uid       types.UID
	selector  map[string]string
	readyOnly bool
}

// followed follows the EndpointSlices of a namespace.
type followed struct {
	h        *history.History
	lives    map[types.UID]*life
	services map[string]*service
	of       map[string][]listing // what a slice, by its name, lists as ready
	seen     map[listing]bool     // of any slice of the service
	out      []Sample
}

func (f *followed) service(e *history.Event) {
	was := f.services[e.Name]
	if e.Gone() {
		delete(f.services, e.Name)
		return
	}
	now := &service{since: e.At, uid: e.UID, selector: e.Service.Selector, readyOnly: !e.Service.PublishNotReady}
	if e.Change == history.Listed {
		now.since = 0
	}
	if was != nil && was.uid == now.uid && was.readyOnly == now.readyOnly && maps.Equal(was.selector, now.selector) {
		now.since = was.since
	}
	f.services[e.Name] = now
}

func (f *followed) slice(e *history.Event) {
	var now []listing
	if !e.Gone() {
		for _, p := range e.Slice.Endpoints {
			if p.Ready && p.TargetUID != "" {
				now = append(now, listing{service: e.Slice.Service, slice: e.Name, pod: p.TargetUID})
			}
		}
	}
	before := f.of[e.Name]
	f.of[e.Name] = now
	s := f.services[e.Slice.Service]
	if s == nil || !s.readyOnly {
		return
	}
	for _, l := range now {
		f.added(e, s, l)
	}
	for _, l := range before {
		if p := f.lives[l.pod]; p != nil && !slices.Contains(now, l) && p.readyUntilDeleted && s.since < p.deleting && e.At+watchesApart >= p.deleting {
			f.sample(EndpointGone, p, p.deleting, e.At)
		}
	}
}

// added takes note of a pod that is listed as ready, which counts the first time.
func (f *followed) added(e *history.Event, s *service, l listing) {
	p := f.lives[l.pod]
	l.slice = ""
	if p == nil || f.seen[l] {
		return
	}
	f.seen[l] = true
	if p.ready > 0 && s.since < p.ready {
		f.sample(EndpointReady, p, p.ready, e.At)
	}
}

// sample adds a time, unless some of what was so meanwhile was not recorded.
func (f *followed) sample(kind Kind, p *life, from, to time.Duration) {
	if !slices.ContainsFunc(f.h.Gaps, func(g history.Gap) bool {
		return (g.Resource == history.Pods || g.Resource == history.Slices) && g.From <= max(from, to) && g.To >= min(from, to)
	}) {
		f.out = append(f.out, Sample{kind, p.node, max(0, to-from)})
	}
}

// nameSamples returns how long DNS took to answer with the addresses of pods that became Ready, and no longer to answer with those of pods that were
// removed, as far as a spec asked in time to see it.
func nameSamples(h *history.History, pods []*life) []Sample {
	var out []Sample
	for i := range h.Checks {
		c := &h.Checks[i]
		if c.Lookup == nil || c.Outcome != history.Passed {
			continue
		}
		for _, p := range slices.Backward(pods) {
			if p.name != strings.ToLower(c.Lookup.Host) || p.created > c.At {
				continue
			}
			kind, since := NameResolved, p.lastReady(c.At)
			if len(c.Lookup.Addrs) == 0 {
				kind, since = NameForgotten, p.gone
			} else if !overlap(c.Lookup.Addrs, p.addrs) {
				since = 0
			}
			if since > 0 && since <= c.At && (c.Lookup.Awaited || c.Lookup.Queried-since <= queriedWithin) {
				out = append(out, Sample{kind, "", c.At - since})
			}
			break // Older pods of that name are not what was asked for.
		}
	}
	return out
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(addr string) bool { return slices.Contains(b, addr) })
}
