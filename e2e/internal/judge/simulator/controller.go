package simulator

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// controller is the StatefulSet controller: what it sees arrives late, each resource in its own time, and all it does rests on
// that.
type controller struct {
	w           *world
	view        *history.State
	last        map[history.Resource]time.Duration // when the newest event of a resource is going to arrive
	queued      map[string]bool
	failures    map[string]int
	terminating map[types.UID]bool // pods whose kubelet was told
	// wrote and seen are the newest versions that were written for a set, and that arrived.
	wrote map[string]map[history.Resource]uint64
	seen  map[history.Resource]uint64
}

func newController(w *world) *controller {
	w.alive = map[types.UID]bool{}
	return &controller{
		w: w, view: history.NewState(), last: map[history.Resource]time.Duration{}, queued: map[string]bool{}, failures: map[string]int{},
		terminating: map[types.UID]bool{}, wrote: map[string]map[history.Resource]uint64{}, seen: map[history.Resource]uint64{},
	}
}

// hear lets an event arrive at the controller, after those before it.
func (c *controller) hear(e *history.Event) {
	w := c.w
	if e.Resource == history.Slices || e.Resource == history.Services {
		return
	}
	arrival := max(c.last[e.Resource], e.At+w.between(time.Millisecond, w.custom.trail))
	c.last[e.Resource] = arrival
	w.at(arrival, func() { c.see(e) })
}

// sent notes what was written for a set: from 1.36 on the controller waits until it sees that before it looks at the set again.
func (c *controller) sent(set string, e *history.Event) {
	if c.wrote[set] == nil {
		c.wrote[set] = map[history.Resource]uint64{}
	}
	c.wrote[set][e.Resource] = e.RV()
}

func (c *controller) upToDate(set string) bool {
	for r, rv := range c.wrote[set] {
		if c.seen[r] < rv {
			return !c.w.custom.consistent
		}
	}
	return true
}

func (c *controller) see(e *history.Event) {
	c.seen[e.Resource] = e.RV()
	old := c.view.Get(e.Resource, e.Name)
	c.view.Apply(e)
	switch e.Resource {
	case history.Sets:
		c.enqueue(e.Name, 0)
	case history.Pods:
		if old != nil && old.UID == e.UID {
			if was := old.Controller(); was != nil && (e.Controller() == nil || e.Controller().UID != was.UID) {
				c.enqueue(was.Name, 0)
			}
		}
		if ref := e.Controller(); ref != nil {
			c.enqueue(ref.Name, 0)
			if set := c.view.Get(history.Sets, ref.Name); set != nil && set.Set.MinReadySeconds > 0 && e.Pod.RunningAndReady() {
				c.enqueue(ref.Name, time.Duration(set.Set.MinReadySeconds)*time.Second)
			}
			return
		}
		relabelled := old == nil || old.UID != e.UID || !sameLabels(old.Labels, e.Labels) || old.Controller() != nil
		if !e.Gone() && relabelled {
			for _, set := range c.view.List(history.Sets) {
				if selects(set, e) {
					c.enqueue(set.Name, 0)
				}
			}
		}
	}
}

func sameLabels(a, b map[string]string) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

// enqueue lets a set be looked at, later when a delay is asked for.
func (c *controller) enqueue(set string, delay time.Duration) {
	w := c.w
	if delay > 0 {
		w.after(delay, func() { c.enqueue(set, 0) })
		return
	}
	if c.queued[set] {
		return
	}
	c.queued[set] = true
	w.after(w.between(time.Millisecond, 30*time.Millisecond), func() {
		c.queued[set] = false
		if c.sync(set) {
			c.failures[set] = 0
			return
		}
		c.failures[set]++
		c.enqueue(set, 5*time.Millisecond<<min(c.failures[set]-1, 17))
	})
}

// sync brings one set a step nearer to what it asks for, and reports whether nothing stood in the way.
func (c *controller) sync(name string) bool {
	set := c.view.Get(history.Sets, name)
	if set == nil {
		return true
	}
	if !c.upToDate(name) {
		return false
	}
	if !c.adoptRevisions(set) {
		return false
	}
	pods, ok := c.members(set)
	if !ok {
		return false
	}
	revisions, ok := c.revisions(set)
	if !ok {
		return false
	}
	p := &pass{c: c, set: set, revisions: revisions, now: c.w.s.Now()}
	ok = p.update(pods)
	ok = c.writeStatus(set, p.status) && ok
	c.truncate(p, pods)
	if set.Set.MinReadySeconds > 0 && p.status.Ready != p.status.Available {
		c.enqueue(name, time.Duration(set.Set.MinReadySeconds)*time.Second)
	}
	return ok
}

// members returns the set's pods, after adopting those that fit and releasing those that no longer do.
func (c *controller) members(set *history.Event) ([]*history.Event, bool) {
	var out []*history.Event
	for _, p := range c.view.List(history.Pods) {
		ref, fits := p.Controller(), selects(set, p) && parentOf(p.Name) == set.Name
		switch {
		case ref != nil && ref.UID != set.UID:
		case ref != nil && fits:
			out = append(out, p)
		case set.Terminating():
		case ref != nil:
			if live := c.w.get(history.Pods, p.Name, p.UID); live != nil {
				if live.ResourceVersion != p.ResourceVersion {
					return nil, false
				}
				c.w.s.Change(history.Pods, p.Name, func(e *history.Event) { e.Owners = nil })
			}
		case fits && !p.Terminating():
			live, now := c.w.get(history.Pods, p.Name, p.UID), c.w.get(history.Sets, set.Name, set.UID)
			if live == nil || live.ResourceVersion != p.ResourceVersion || now == nil || now.Terminating() {
				return nil, false
			}
			out = append(out, c.w.s.Change(history.Pods, p.Name, func(e *history.Event) { e.Owners = controllerRef("StatefulSet", set.Name, set.UID) }))
		}
	}
	slices.SortFunc(out, func(a, b *history.Event) int { return history.Ordinal(a.Name) - history.Ordinal(b.Name) })
	return out, true
}

func selects(set, pod *history.Event) bool {
	for k, v := range set.Set.Selector {
		if pod.Labels[k] != v {
			return false
		}
	}
	return true
}

func parentOf(pod string) string {
	i := strings.LastIndexByte(pod, '-')
	if i < 0 {
		return ""
	}
	return pod[:i]
}

func controllerRef(kind, name string, uid types.UID) []metav1.OwnerReference {
	yes := true
	version := "apps/v1"
	if kind == "Pod" {
		version = "v1"
	}
	return []metav1.OwnerReference{{APIVersion: version, Kind: kind, Name: name, UID: uid, Controller: &yes, BlockOwnerDeletion: &yes}}
}

// writeStatus writes a status where it differs; a set that changed meanwhile is looked at again.
func (c *controller) writeStatus(set *history.Event, st history.Status) bool {
	if n := set.Set.Replicas; set.Set.Strategy == rollingUpdate && st.Updated == n && st.Ready == n && st.Replicas == n {
		st.Current, st.CurrentRevision = st.Updated, st.UpdateRevision
	}
	was := set.Set.Status
	if st.ObservedGeneration <= was.ObservedGeneration {
		was.ObservedGeneration = st.ObservedGeneration
	}
	if st == was {
		return true
	}
	live := c.w.get(history.Sets, set.Name, set.UID)
	if live == nil || live.ResourceVersion != set.ResourceVersion {
		return false
	}
	c.sent(set.Name, c.w.s.Change(history.Sets, set.Name, func(e *history.Event) { e.Set.Status = st }))
	return true
}
