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
)

// tape is a legal history that a mutation may cut and splice.
type tape struct {
	h       *history.History
	rng     *rand.Rand
	objects map[history.Resource][]*object
	end     time.Duration
	// overdue is how long, at most, something must be missing before the judges accuse anybody of it.
	overdue time.Duration
}

// object is one object of a tape, in all its versions.
type object struct {
	name string
	uid  types.UID
	ev   []*history.Event
}

func newTape(h *history.History, rng *rand.Rand) *tape {
	t := &tape{h: h, rng: rng, objects: map[history.Resource][]*object{}, end: h.Duration(), overdue: 31 * time.Second}
	byUID := map[types.UID]*object{}
	for _, e := range h.Events {
		o := byUID[e.UID]
		if o == nil {
			o = &object{name: e.Name, uid: e.UID}
			byUID[e.UID] = o
			t.objects[e.Resource] = append(t.objects[e.Resource], o)
		}
		o.ev = append(o.ev, e)
	}
	if _, reaction := judge.Hold(h); reaction > 0 {
		t.overdue = max(judge.MinActDeadline, judge.HoldFactor*reaction) + time.Second
	}
	return t
}

// shuffled returns the objects of a resource in random order, so that mutations do not always take the first place.
func (t *tape) shuffled(r history.Resource) []*object {
	out := slices.Clone(t.objects[r])
	t.rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

func (o *object) first() *history.Event { return o.ev[0] }
func (o *object) last() *history.Event  { return o.ev[len(o.ev)-1] }

// firstOf returns the first version that is as f says, or nil.
func (o *object) firstOf(f func(*history.Event) bool) *history.Event {
	if i := slices.IndexFunc(o.ev, f); i >= 0 {
		return o.ev[i]
	}
	return nil
}

func (o *object) deleting() *history.Event {
	return o.firstOf(func(e *history.Event) bool { return e.Terminating() || e.Gone() })
}

func (o *object) gone() *history.Event { return o.firstOf((*history.Event).Gone) }

func (o *object) ready() *history.Event { return o.firstOf(up) }

func up(e *history.Event) bool { return e.Pod.RunningAndReady() && !e.Terminating() && !e.Gone() }

func (o *object) ordinal() int { return history.Ordinal(o.name) }

func (o *object) revision() string {
	return o.first().Labels[appsv1.ControllerRevisionHashLabelKey]
}

// at returns the newest version at that moment, or nil.
func (o *object) at(at time.Duration) *history.Event {
	var out *history.Event
	for _, e := range o.ev {
		if e.At <= at {
			out = e
		}
	}
	return out
}

// alive reports whether the object existed at that moment and was to stay.
func (o *object) alive(at time.Duration) bool {
	e := o.at(at)
	return e != nil && !e.Gone() && !e.Terminating()
}

// still reports whether no version arrived between the two moments.
func (o *object) still(from, to time.Duration) bool {
	return !slices.ContainsFunc(o.ev, func(e *history.Event) bool { return e.At > from && e.At <= to })
}

// readyThroughout reports whether the pod was Ready at all times between the two moments, and long before.
func (o *object) readyThroughout(from, to time.Duration) bool {
	e := o.at(from)
	return e != nil && up(e) && o.still(from, to)
}

// change changes every version from that moment on.
func (o *object) change(from time.Duration, f func(*history.Event)) {
	for _, e := range o.ev {
		if e.At >= from {
			f(e)
		}
	}
}

// setOf returns the set that made the pod, or nil.
func (t *tape) setOf(pod *object) *object {
	c := pod.first().Controller()
	if c == nil || pod.first().Change != history.Added {
		return nil
	}
	for _, s := range t.objects[history.Sets] {
		if s.uid == c.UID {
			return s
		}
	}
	return nil
}

// podsOf returns the pods that the set made, in the order of their creation.
func (t *tape) podsOf(set *object) []*object {
	return slices.DeleteFunc(slices.Clone(t.objects[history.Pods]), func(p *object) bool { return t.setOf(p) != set })
}

// pod returns the set's pod of that ordinal that existed at that moment, or nil.
func (t *tape) pod(set *object, ordinal int, at time.Duration) *object {
	for _, p := range t.podsOf(set) {
		if e := p.at(at); p.ordinal() == ordinal && e != nil && !e.Gone() {
			return p
		}
	}
	return nil
}

// heir returns the set's next pod of the same ordinal, or nil.
func (t *tape) heir(pod *object) *object {
	all := t.podsOf(t.setOf(pod))
	for _, p := range all[slices.Index(all, pod)+1:] {
		if p.name == pod.name {
			return p
		}
	}
	return nil
}

func wants(v *history.Event, ordinal int) bool {
	return ordinal >= int(v.Set.Start) && ordinal < int(v.Set.Start+v.Set.Replicas)
}

// steady reports whether the set existed and its spec did not change between the two moments.
func (o *object) steady(from, to time.Duration) bool {
	a, b := o.at(from), o.at(to)
	return a != nil && !b.Gone() && !b.Terminating() && a.Generation == b.Generation
}

// every reports whether all versions of the set are as f says.
func (o *object) every(f func(*history.Set) bool) bool {
	return !slices.ContainsFunc(o.ev, func(e *history.Event) bool { return !f(e.Set) })
}

func (o *object) ordered() bool { return o.first().Set.Policy == appsv1.OrderedReadyPodManagement }

// asked reports whether the spec may have asked for the object's deletion.
func (t *tape) asked(o *object) bool {
	return slices.ContainsFunc(t.h.Operations, func(m history.Operation) bool {
		return (m.Verb == history.VerbDelete || m.Verb == history.VerbEvict) && (m.UID == o.uid || m.UID == "")
	})
}

// removed returns the request by which the set's controller, and nobody else, had the pod deleted, or nil.
func (t *tape) removed(pod *object) *history.Event {
	d, set := pod.deleting(), t.setOf(pod)
	if d == nil || set == nil || d.Change != history.Modified || t.asked(pod) || set.at(d.At) == nil {
		return nil
	}
	if end := set.deleting(); end != nil && end.At <= d.At+3*time.Second {
		return nil
	}
	ended := pod.firstOf(func(e *history.Event) bool { return e.Pod.Finished() || e.Pod.Is(corev1.DisruptionTarget) })
	if ended != nil && ended.At <= d.At {
		return nil
	}
	return d
}

// move lets an event arrive at another moment.
func (t *tape) move(e *history.Event, at time.Duration) {
	e.At = at
	if e.Change == history.Added {
		e.CreationTimestamp = t.timestamp(at)
	}
}

func (t *tape) timestamp(at time.Duration) metav1.Time {
	return metav1.NewTime(t.h.Header.Start.Add(at).Truncate(time.Second))
}

// insert adds a version of an object, changed by f, to arrive at that moment.
func (t *tape) insert(of *history.Event, at time.Duration, f func(*history.Event)) {
	e := duplicate(of)
	e.At = at
	f(e)
	t.h.Events = append(t.h.Events, e)
}

func duplicate(of *history.Event) *history.Event {
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
	}
	if e.Change == history.Added {
		e.Change = history.Modified
	}
	return &e
}

// terminate requests a deletion at that moment, as a controller does.
func (t *tape) terminate(o *object, at time.Duration) {
	t.insert(o.at(at), at, func(e *history.Event) { t.doom(e, at) })
}

func (t *tape) doom(e *history.Event, at time.Duration) {
	end := t.timestamp(at)
	if e.Pod != nil {
		end = metav1.NewTime(end.Add(time.Duration(*e.Pod.Grace) * time.Second))
		e.DeletionGrace = e.Pod.Grace
	}
	e.DeletionTimestamp = &end
}

// note adds a mark; those of a tape are in the order of their time.
func (t *tape) note(m history.Operation) {
	t.h.Operations = append(t.h.Operations, m)
	slices.SortStableFunc(t.h.Operations, func(a, b history.Operation) int { return int(a.At - b.At) })
}

// drop forgets the events that are as f says.
func (t *tape) drop(f func(*history.Event) bool) { t.h.Events = slices.DeleteFunc(t.h.Events, f) }

// relabel changes one label of one version.
func relabel(e *history.Event, key, value string) {
	labels := map[string]string{}
	maps.Copy(labels, e.Labels)
	labels[key] = value
	e.Labels = labels
}

// unready takes the readiness from one version of a pod.
func unready(e *history.Event) {
	for i := range e.Pod.Conditions {
		e.Pod.Conditions[i].Status = corev1.ConditionFalse
	}
}

// splice puts all events in the order of their arrival.
func (t *tape) splice() *history.History {
	slices.SortStableFunc(t.h.Events, func(a, b *history.Event) int { return int(a.At - b.At) })
	seq, m := 0, 0
	for _, e := range t.h.Events {
		for ; m < len(t.h.Operations) && t.h.Operations[m].At <= e.At; m++ {
			seq++
			t.h.Operations[m].Seq = seq
		}
		seq++
		e.Seq = seq
	}
	for ; m < len(t.h.Operations); m++ {
		seq++
		t.h.Operations[m].Seq = seq
	}
	t.h.End.Seq, t.h.End.At = seq+1, t.end
	return t.h
}
