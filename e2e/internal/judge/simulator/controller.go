package simulator

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// controller is the StatefulSet controller. Its informer caches lag, each resource by its own time, and it acts only on what they
// hold.
type controller struct {
	cl          *cluster
	cache       *history.State
	lastArrival map[history.Resource]time.Duration // when the newest event of a resource reaches the cache
	queued      map[string]bool
	failures    map[string]int
	// written and observed hold the newest resourceVersion written for a set, and the newest in the cache.
	written  map[string]map[history.Resource]uint64
	observed map[history.Resource]uint64
	reports  []deletionReport
	// For variations: when the controller goes on, which sets have a status that is still to be written, and when their revisions are trimmed.
	pausedUntil time.Duration
	statusDue   map[string]bool
	trimDue     map[string]time.Duration
}

func newController(cl *cluster) *controller {
	return &controller{
		cl: cl, cache: history.NewState(), lastArrival: map[history.Resource]time.Duration{}, queued: map[string]bool{}, failures: map[string]int{},
		written: map[string]map[history.Resource]uint64{}, observed: map[history.Resource]uint64{}, statusDue: map[string]bool{}, trimDue: map[string]time.Duration{},
	}
}

// watch lets an event reach the cache after a lag, in the order of its resource.
func (c *controller) watch(e *history.Event) {
	cl := c.cl
	if e.Resource == history.Slices || e.Resource == history.Services {
		return
	}
	arrival := max(c.lastArrival[e.Resource], e.At+c.deliveryTime())
	c.lastArrival[e.Resource] = arrival
	cl.at(arrival, func() { c.handleEvent(e) })
}

// recordWrite remembers the newest write for a set: from 1.36 on the controller syncs the set again only when its cache has that write.
func (c *controller) recordWrite(set string, e *history.Event) {
	if c.written[set] == nil {
		c.written[set] = map[history.Resource]uint64{}
	}
	c.written[set][e.Resource] = e.RV()
}

func (c *controller) cacheIsCurrent(set string) bool {
	for r, rv := range c.written[set] {
		if c.observed[r] < rv {
			return !c.cl.options.waitsForOwnWrites
		}
	}
	return true
}

func (c *controller) handleEvent(e *history.Event) {
	c.observed[e.Resource] = e.RV()
	old := c.cache.Get(e.Resource, e.Name)
	c.cache.Apply(e)
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
			if set := c.cache.Get(history.Sets, ref.Name); set != nil && set.Set.MinReadySeconds > 0 && e.Pod.RunningAndReady() {
				c.enqueue(ref.Name, time.Duration(set.Set.MinReadySeconds)*time.Second)
			}
			return
		}
		relabelled := old == nil || old.UID != e.UID || !sameLabels(old.Labels, e.Labels) || old.Controller() != nil
		if !e.Gone() && relabelled {
			for _, set := range c.cache.List(history.Sets) {
				if selects(set, e) {
					c.enqueue(set.Name, 0)
				}
			}
		}
	}
}

func sameLabels(a, b map[string]string) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

// enqueue adds a set to the workqueue, after the delay if there is one.
func (c *controller) enqueue(set string, delay time.Duration) {
	cl := c.cl
	if delay > 0 {
		cl.after(delay, func() { c.enqueue(set, 0) })
		return
	}
	if c.queued[set] {
		return
	}
	c.queued[set] = true
	cl.after(c.queueTime(), func() {
		c.queued[set] = false
		if c.sync(set) {
			c.failures[set] = 0
			return
		}
		c.failures[set]++
		c.enqueue(set, 5*time.Millisecond<<min(c.failures[set]-1, 17))
	})
}

// sync reconciles one set and reports whether it succeeded.
func (c *controller) sync(name string) bool {
	set := c.cache.Get(history.Sets, name)
	if set == nil {
		return true
	}
	if !c.cacheIsCurrent(name) {
		return false
	}
	if !c.adoptRevisions(set) {
		return false
	}
	pods, ok := c.podsForSet(set)
	if !ok {
		return false
	}
	revisions, ok := c.currentAndUpdateRevision(set)
	if !ok {
		return false
	}
	s := &setSync{c: c, set: set, revisions: revisions, now: c.cl.builder.Now()}
	if c.cl.varied.trimsEarly {
		c.truncateHistory(s, pods)
	}
	ok = s.updateStatefulSet(pods)
	ok = s.finishStatus() && ok
	if !c.trimsLater(name) {
		c.truncateHistory(s, pods)
	}
	if set.Set.MinReadySeconds > 0 && s.status.Ready != s.status.Available {
		c.enqueue(name, time.Duration(set.Set.MinReadySeconds)*time.Second)
	}
	return ok
}

// podsForSet returns the pods of a set after adoption and release.
func (c *controller) podsForSet(set *history.Event) ([]*history.Event, bool) {
	var out []*history.Event
	for _, p := range c.cache.List(history.Pods) {
		ref, fits := p.Controller(), selects(set, p) && parentName(p.Name) == set.Name
		switch {
		case ref != nil && ref.UID != set.UID:
		case ref != nil && fits:
			out = append(out, p)
		case set.Terminating():
		case ref != nil:
			if live := c.cl.get(history.Pods, p.Name, p.UID); live != nil {
				if live.ResourceVersion != p.ResourceVersion {
					return nil, false
				}
				c.cl.builder.Change(history.Pods, p.Name, func(e *history.Event) { e.Owners = nil })
			}
		case fits && !p.Terminating() && c.adoptsLater(set.Name):
		case fits && !p.Terminating():
			live, now := c.cl.get(history.Pods, p.Name, p.UID), c.cl.get(history.Sets, set.Name, set.UID)
			if live == nil || live.ResourceVersion != p.ResourceVersion || now == nil || now.Terminating() {
				return nil, false
			}
			out = append(out, c.cl.builder.Change(history.Pods, p.Name, func(e *history.Event) { e.Owners = controllerRef("StatefulSet", set.Name, set.UID) }))
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

func parentName(pod string) string {
	if history.Ordinal(pod) < 0 {
		return ""
	}
	return pod[:strings.LastIndexByte(pod, '-')]
}

func controllerRef(kind, name string, uid types.UID) []metav1.OwnerReference {
	yes := true
	version := "apps/v1"
	if kind == "Pod" {
		version = "v1"
	}
	return []metav1.OwnerReference{{APIVersion: version, Kind: kind, Name: name, UID: uid, Controller: &yes, BlockOwnerDeletion: &yes}}
}

// updateStatefulSetStatus writes the status if it differs; a conflict fails the sync.
func (c *controller) updateStatefulSetStatus(set *history.Event, st history.Status) bool {
	completes := set.Set.Strategy == rollingUpdate || c.cl.options.completesOnDelete
	if n := set.Set.Replicas; completes && st.Updated == n && st.Ready == n && st.Replicas == n {
		st.Current, st.CurrentRevision = st.Updated, st.UpdateRevision
		if set.Set.Strategy == recreate && st.Progressing != "" {
			st.Progressing = corev1.ConditionFalse
		}
	}
	was := set.Set.Status
	if st.ObservedGeneration <= was.ObservedGeneration {
		was.ObservedGeneration = st.ObservedGeneration
	}
	if st == was {
		return true
	}
	live := c.cl.get(history.Sets, set.Name, set.UID)
	if live == nil || live.ResourceVersion != set.ResourceVersion || c.refuses(st) {
		if live == nil && c.cl.get(history.Sets, set.Name, "") != nil {
			c.cl.after(statusAgain, func() { c.writeToNext(set, st) })
		}
		return false
	}
	c.recordWrite(set.Name, c.cl.builder.Change(history.Sets, set.Name, func(e *history.Event) { e.Set.Status = st }))
	return true
}

// statusAgain is when a status that met a conflict is written again: before the sync that failed so is.
const statusAgain = 3 * time.Millisecond

// writeToNext writes the status of a set that is gone to the next one of its name, if the informer cache has that as it is: after a conflict, the
// controller takes what the cache has by the name and does not compare UIDs (UpdateStatefulSetStatus in stateful_set_status_updater.go).
func (c *controller) writeToNext(of *history.Event, st history.Status) {
	cached, live := c.cache.Get(history.Sets, of.Name), c.cl.get(history.Sets, of.Name, "")
	if cached == nil || live == nil || live.UID == of.UID || live.ResourceVersion != cached.ResourceVersion || c.refuses(st) {
		return
	}
	c.recordWrite(of.Name, c.cl.builder.Change(history.Sets, of.Name, func(e *history.Event) { e.Set.Status = st }))
}
