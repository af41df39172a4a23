package recording

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Outage is an interval in which a pod that its set asks for was down: not there, not Ready, or being deleted. Where Pod is "", it is one in which less
// than a majority of the set's pods was up.
type Outage struct {
	Namespace string    `json:"namespace"`
	Set       string    `json:"set"`
	Pod       string    `json:"pod,omitempty"`
	From      time.Time `json:"from"`
	To        time.Time `json:"to"`
	// Since says that it had begun before the recording, and Lasts that it had not ended with it.
	Since bool `json:"since,omitempty"`
	Lasts bool `json:"lasts,omitempty"`
	// Cause is what began it.
	Cause string `json:"cause,omitempty"`
	// Nodes are those that the pod was on in it, or just before, and Circumstances what was so of them at the same time, in words.
	Nodes         []string `json:"nodes,omitempty"`
	Circumstances []string `json:"circumstances,omitempty"`
}

// Took is how long it lasted, as far as it was recorded.
func (o *Outage) Took() time.Duration { return o.To.Sub(o.From) }

// observed is a set whose pods are followed.
type observed struct {
	event *history.Event // its newest version, nil once its deletion was asked for
	// pods are the ordinals in range, and majority the set's own outages.
	pods     map[int]*availability
	majority availability
}

// availability is whether something is up, and whether it was ever before: what never was is not down, it is on its way up.
type availability struct {
	up, known bool
	outage    *Outage // the present one
}

// downtimes follows the sets of one history.
type downtimes struct {
	h     *history.History
	state *history.State
	sets  map[types.UID]*observed
	out   []*Outage
	// causeOf says what a pod's event means for it.
	causeOf func(*history.Event) string
}

// Outages returns the outages of the pods of sets, and of their majorities, in the order in which they began.
func Outages(h *history.History, causeOf func(*history.Event) string) []*Outage {
	d := &downtimes{h: h, state: history.NewState(), sets: map[types.UID]*observed{}, causeOf: causeOf}
	for _, e := range h.Events {
		d.state.Apply(e)
		switch {
		case e.Resource == history.Sets:
			d.set(e)
		case e.Resource == history.Pods && e.Controller() != nil:
			if s := d.sets[e.Controller().UID]; s != nil && s.event != nil {
				d.pod(s, e)
			}
		}
	}
	for _, s := range d.sets {
		d.end(s, h.Duration(), true)
	}
	slices.SortFunc(d.out, func(a, b *Outage) int {
		return cmp.Or(a.From.Compare(b.From), strings.Compare(a.Set, b.Set), strings.Compare(a.Pod, b.Pod))
	})
	return d.out
}

// set takes note of a version of a set.
func (d *downtimes) set(e *history.Event) {
	s := d.sets[e.UID]
	if s == nil {
		s = &observed{pods: map[int]*availability{}}
		d.sets[e.UID] = s
	}
	if e.Gone() || e.Terminating() {
		d.end(s, e.At, false) // from here on somebody wants its pods to go
		s.event, s.pods = nil, map[int]*availability{}
		return
	}
	first := s.event == nil && d.wasThere(e)
	if first {
		s.majority.known = true
	} else if s.event != nil && e.Set.Replicas > s.event.Set.Replicas {
		s.majority.known = false // of the new number
		d.close(&s.majority, e.At, false)
	}
	s.event = e
	for n, a := range s.pods {
		if n < int(e.Set.Start) || n >= int(e.Set.Start+e.Set.Replicas) {
			d.close(a, e.At, false)
			delete(s.pods, n)
		}
	}
	for n := int(e.Set.Start); n < int(e.Set.Start+e.Set.Replicas); n++ {
		a := s.pods[n]
		if a == nil {
			a = &availability{known: first}
			s.pods[n] = a
		}
		name := fmt.Sprintf("%s-%d", e.Name, n)
		pod := d.state.Get(history.Pods, name)
		d.follow(s, a, name, isUp(pod, e.UID), e, first, "it was not Ready when the recording began")
	}
	d.followMajority(s, e, first)
}

// wasThere reports whether the first event of a set shows that it was there when the recording began.
func (d *downtimes) wasThere(e *history.Event) bool {
	return e.Change == history.Listed && !d.h.Header.AuditLog && !slices.ContainsFunc(d.h.Gaps, func(g history.Gap) bool { return g.Resource == history.Sets && g.Seq < e.Seq })
}

// pod takes note of a version of a pod that a set controls.
func (d *downtimes) pod(s *observed, e *history.Event) {
	a := s.pods[history.Ordinal(e.Name)]
	if a == nil || e.Name != fmt.Sprintf("%s-%d", s.event.Name, history.Ordinal(e.Name)) {
		return
	}
	// Of what was never written since the log began, an audit log shows first that it is taken away.
	if d.h.Header.AuditLog && !a.known && a.outage == nil && e.Terminating() && e.Pod.RunningAndReady() {
		a.known = true
		d.open(a, s.event.Name, e.Name, e.At, false, d.causeOf(e))
	}
	d.follow(s, a, e.Name, isUp(d.state.Get(history.Pods, e.Name), s.event.UID), e, false, "")
	d.followMajority(s, e, false)
}

// isUp reports whether the newest version of a pod is one of the set's that serves.
func isUp(pod *history.Event, set types.UID) bool {
	return pod != nil && pod.Pod.RunningAndReady() && !pod.Terminating() && pod.ControllerUID() == set
}

// follow takes note of whether a pod is up as of an event.
func (d *downtimes) follow(s *observed, a *availability, pod string, up bool, e *history.Event, first bool, cause string) {
	if up == a.up && !first {
		return
	}
	a.up = up
	switch {
	case up:
		a.known = true
		d.close(a, e.At, false)
	case a.known:
		if !first {
			cause = d.causeOf(e)
		}
		d.open(a, s.event.Name, pod, e.At, first, cause)
	}
}

// followMajority takes note of whether a majority of a set's pods is up as of an event. A set of one pod has no other outages than that pod's.
func (d *downtimes) followMajority(s *observed, e *history.Event, first bool) {
	if len(s.pods) < 2 {
		d.close(&s.majority, e.At, false)
		return
	}
	n := 0
	for _, a := range s.pods {
		if a.up {
			n++
		}
	}
	up, was := n > len(s.pods)/2, s.majority.outage == nil
	switch {
	case up:
		s.majority.known = true
		d.close(&s.majority, e.At, false)
	case s.majority.known && was:
		d.open(&s.majority, s.event.Name, "", e.At, first, fmt.Sprintf("%d of %d pods were up", n, len(s.pods)))
	}
}

func (d *downtimes) open(a *availability, set, pod string, at time.Duration, since bool, cause string) {
	if a.outage != nil {
		return
	}
	a.outage = &Outage{Namespace: d.h.Header.Namespace, Set: set, Pod: pod, From: d.h.Header.Start.Add(at), Since: since, Cause: cause}
}

func (d *downtimes) close(a *availability, at time.Duration, lasts bool) {
	if a.outage == nil {
		return
	}
	a.outage.To, a.outage.Lasts = d.h.Header.Start.Add(at), lasts
	d.out = append(d.out, a.outage)
	a.outage = nil
}

// end closes all outages of a set.
func (d *downtimes) end(s *observed, at time.Duration, lasts bool) {
	for _, a := range s.pods {
		d.close(a, at, lasts)
	}
	d.close(&s.majority, at, lasts)
}
