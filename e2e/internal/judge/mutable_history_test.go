package judge_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge/simulator"
)

// mutableHistory is a simulated history that a mutation changes.
type mutableHistory struct {
	*history.History
	rng     *rand.Rand
	objects map[history.Resource][]*object
	end     time.Duration
	// deadline is how long at most something must be missing before a judge reports the omission.
	deadline time.Duration
	// collected are pods that the garbage collector deletes and no controller reports.
	collected map[types.UID]bool
}

// object is one object of the history in all its versions.
type object struct {
	name     string
	uid      types.UID
	versions []*history.Event
}

func newMutableHistory(h *history.History, rng *rand.Rand) *mutableHistory {
	m := &mutableHistory{History: h, rng: rng, objects: map[history.Resource][]*object{}, end: h.Duration(), deadline: 31 * time.Second, collected: map[types.UID]bool{}}
	byUID := map[types.UID]*object{}
	for _, e := range h.Events {
		o := byUID[e.UID]
		if o == nil {
			o = &object{name: e.Name, uid: e.UID}
			byUID[e.UID] = o
			m.objects[e.Resource] = append(m.objects[e.Resource], o)
		}
		o.versions = append(o.versions, e)
	}
	if _, reaction := judge.Hold(h); reaction > 0 {
		m.deadline = max(judge.MinActDeadline, judge.HoldFactor*reaction) + time.Second
	}
	return m
}

// shuffled returns the objects of a resource in random order, so that mutations do not always take the first place.
func (h *mutableHistory) shuffled(r history.Resource) []*object {
	out := slices.Clone(h.objects[r])
	h.rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

func (o *object) first() *history.Event { return o.versions[0] }
func (o *object) last() *history.Event  { return o.versions[len(o.versions)-1] }

// firstWhere returns the first version for which f holds, or nil.
func (o *object) firstWhere(f func(*history.Event) bool) *history.Event {
	if i := slices.IndexFunc(o.versions, f); i >= 0 {
		return o.versions[i]
	}
	return nil
}

func (o *object) deletion() *history.Event {
	return o.firstWhere(func(e *history.Event) bool { return e.Terminating() || e.Gone() })
}

func (o *object) removal() *history.Event { return o.firstWhere((*history.Event).Gone) }

func (o *object) ready() *history.Event { return o.firstWhere(runningReady) }

func runningReady(e *history.Event) bool {
	return e.Pod.RunningAndReady() && !e.Terminating() && !e.Gone()
}

func (o *object) ordinal() int { return history.Ordinal(o.name) }

func (o *object) revision() string {
	return o.first().Labels[appsv1.ControllerRevisionHashLabelKey]
}

// at returns the newest version at that moment, or nil.
func (o *object) at(at time.Duration) *history.Event {
	var out *history.Event
	for _, e := range o.versions {
		if e.At <= at {
			out = e
		}
	}
	return out
}

// alive reports whether the object existed at that moment and was not terminating.
func (o *object) alive(at time.Duration) bool {
	e := o.at(at)
	return e != nil && !e.Gone() && !e.Terminating()
}

// unchanged reports whether there is no version after from and up to to.
func (o *object) unchanged(from, to time.Duration) bool {
	return !slices.ContainsFunc(o.versions, func(e *history.Event) bool { return e.At > from && e.At <= to })
}

// readyThroughout reports whether the pod was Ready at from and did not change until to.
func (o *object) readyThroughout(from, to time.Duration) bool {
	e := o.at(from)
	return e != nil && runningReady(e) && o.unchanged(from, to)
}

// change changes every version from that moment on.
func (o *object) change(from time.Duration, f func(*history.Event)) {
	for _, e := range o.versions {
		if e.At >= from {
			f(e)
		}
	}
}

// setOf returns the set that created the pod, or nil.
func (h *mutableHistory) setOf(pod *object) *object {
	c := pod.first().Controller()
	if c == nil || pod.first().Change != history.Added {
		return nil
	}
	for _, s := range h.objects[history.Sets] {
		if s.uid == c.UID {
			return s
		}
	}
	return nil
}

// podsOf returns the pods that the set created, in the order of their creation.
func (h *mutableHistory) podsOf(set *object) []*object {
	return slices.DeleteFunc(slices.Clone(h.objects[history.Pods]), func(p *object) bool { return h.setOf(p) != set })
}

// pod returns the set's pod of that ordinal at that moment, or nil.
func (h *mutableHistory) pod(set *object, ordinal int, at time.Duration) *object {
	for _, p := range h.podsOf(set) {
		if e := p.at(at); p.ordinal() == ordinal && e != nil && !e.Gone() {
			return p
		}
	}
	return nil
}

// replacement returns the set's next pod of the same ordinal, or nil.
func (h *mutableHistory) replacement(pod *object) *object {
	all := h.podsOf(h.setOf(pod))
	for _, p := range all[slices.Index(all, pod)+1:] {
		if p.name == pod.name {
			return p
		}
	}
	return nil
}

func inRange(v *history.Event, ordinal int) bool {
	return ordinal >= int(v.Set.Start) && ordinal < int(v.Set.Start+v.Set.Replicas)
}

// specUnchanged reports whether the set existed at both moments and its generation is the same.
func (o *object) specUnchanged(from, to time.Duration) bool {
	a, b := o.at(from), o.at(to)
	return a != nil && !b.Gone() && !b.Terminating() && a.Generation == b.Generation
}

// every reports whether f holds for all versions of the set.
func (o *object) every(f func(*history.Set) bool) bool {
	return !slices.ContainsFunc(o.versions, func(e *history.Event) bool { return !f(e.Set) })
}

func (o *object) ordered() bool { return o.first().Set.Policy == appsv1.OrderedReadyPodManagement }

// deletedByTest reports whether the test may have requested the object's deletion.
func (h *mutableHistory) deletedByTest(o *object) bool {
	return slices.ContainsFunc(h.Operations, func(op history.Operation) bool {
		return (op.Verb == history.VerbDelete || op.Verb == history.VerbEvict) && (op.UID == o.uid || op.UID == "")
	})
}

// controllerDeletion returns the deletion request that only the set's controller can have sent, or nil.
func (h *mutableHistory) controllerDeletion(pod *object) *history.Event {
	d, set := pod.deletion(), h.setOf(pod)
	if d == nil || set == nil || d.Change != history.Modified || h.deletedByTest(pod) || set.at(d.At) == nil {
		return nil
	}
	if end := set.deletion(); end != nil && end.At <= d.At+3*time.Second {
		return nil
	}
	terminal := pod.firstWhere(func(e *history.Event) bool { return e.Pod.Finished() || e.Pod.Is(corev1.DisruptionTarget) })
	if terminal != nil && terminal.At <= d.At {
		return nil
	}
	return d
}

// write gives an event the time and the version of a write at that moment: a version that is older than what was recorded before tells of a late watch.
func (h *mutableHistory) write(e *history.Event, at time.Duration) {
	e.At = at
	for _, o := range h.Events {
		if o.At <= at && o.Resource != history.Events && o.RV() > e.RV() {
			e.ResourceVersion = o.ResourceVersion
		}
	}
	for _, o := range h.Operations {
		if answered := (&history.Event{Meta: history.Meta{ResourceVersion: resultVersion(o)}}); o.ReturnAt <= at && answered.RV() > e.RV() {
			e.ResourceVersion = answered.ResourceVersion
		}
	}
}

// resultVersion is the resource version that an operation was answered with, "" if it was with none.
func resultVersion(o history.Operation) string {
	if o.Result == nil {
		return ""
	}
	return o.Result.ResourceVersion
}

// move changes the time of an event.
func (h *mutableHistory) move(e *history.Event, at time.Duration) {
	h.write(e, at)
	if e.Change == history.Added {
		e.CreationTimestamp = h.timestamp(at)
	}
}

func (h *mutableHistory) timestamp(at time.Duration) metav1.Time {
	return metav1.NewTime(h.Header.Start.Add(at).Truncate(time.Second))
}

// insert adds a version of an object, changed by f, at that moment.
func (h *mutableHistory) insert(of *history.Event, at time.Duration, f func(*history.Event)) {
	e := copyEvent(of)
	h.write(e, at)
	f(e)
	h.Events = append(h.Events, e)
}

// whenTouched is how long before the end showController has every set synced.
const whenTouched = 7 * time.Second

// showController touches every set and then lets the controller write the status of another one, shortly before the end, which shows that it
// was at work for each.
func (h *mutableHistory) showController() {
	at := h.end - whenTouched
	for _, set := range h.objects[history.Sets] {
		if set.alive(at) {
			h.insert(set.at(at), at, func(*history.Event) {})
		}
	}
	of := h.objects[history.Sets][0].first()
	for i, at := range []time.Duration{h.end - 3*time.Second, h.end - 3*time.Second + 1} {
		h.insert(of, at, func(e *history.Event) {
			e.Name, e.UID, e.Generation = "elsewhere", "elsewhere", 1
			e.Set.Replicas, e.Set.Status = 0, history.Status{ObservedGeneration: int64(i)}
			if i == 0 {
				e.Change = history.Added
			}
		})
	}
}

func copyEvent(of *history.Event) *history.Event {
	e := *of
	switch {
	case e.Pod != nil:
		p := *e.Pod
		p.Conditions, p.Containers = slices.Clone(p.Conditions), slices.Clone(p.Containers)
		e.Pod = &p
	case e.Set != nil:
		s := *e.Set
		e.Set = &s
	case e.Claim != nil:
		c := *e.Claim
		e.Claim = &c
	case e.Revision != nil:
		r := *e.Revision
		e.Revision = &r
	case e.Slice != nil:
		s := *e.Slice
		s.Endpoints = slices.Clone(s.Endpoints)
		e.Slice = &s
	}
	if e.Change == history.Added {
		e.Change = history.Modified
	}
	return &e
}

// terminate adds a deletion request at that moment, as a controller sends it.
func (h *mutableHistory) terminate(o *object, at time.Duration) {
	h.insert(o.at(at), at, func(e *history.Event) { h.setDeletionTimestamp(e, at) })
}

func (h *mutableHistory) setDeletionTimestamp(e *history.Event, at time.Duration) {
	end := h.timestamp(at)
	if e.Pod != nil {
		end = metav1.NewTime(end.Add(time.Duration(*e.Pod.Grace) * time.Second))
		e.DeletionGrace = e.Pod.Grace
	}
	e.DeletionTimestamp = &end
}

// addOperation adds an operation and keeps them in order of time.
func (h *mutableHistory) addOperation(op history.Operation) {
	h.Operations = append(h.Operations, op)
	slices.SortStableFunc(h.Operations, func(a, b history.Operation) int { return int(a.At - b.At) })
}

// dropEvents removes the events for which f holds.
func (h *mutableHistory) dropEvents(f func(*history.Event) bool) {
	h.Events = slices.DeleteFunc(h.Events, f)
}

// setLabel changes one label of one version.
func setLabel(e *history.Event, key, value string) {
	labels := map[string]string{}
	maps.Copy(labels, e.Labels)
	labels[key] = value
	e.Labels = labels
}

// setUnready sets all conditions of one version of a pod to False.
func setUnready(e *history.Event) {
	for i := range e.Pod.Conditions {
		e.Pod.Conditions[i].Status = corev1.ConditionFalse
	}
}

// sorted returns the history with all events in order of time and renumbered.
func (h *mutableHistory) sorted() *history.History {
	h.reportDeletions()
	simulator.SortByTime(h.History)
	h.End.At = max(h.end, h.Duration())
	return h.History
}
