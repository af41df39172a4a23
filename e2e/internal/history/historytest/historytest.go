package historytest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Tick is the time that passes with every event, unless Pace says otherwise.
const Tick = 100 * time.Millisecond

// Builder builds a history, event by event.
type Builder struct {
	h    *history.History
	now  time.Duration
	tick time.Duration
	seq  int
	// reports counts the Event objects. Their resource versions are a sequence of their own, as in an API server with two stores.
	reports int
	uids    int
	live    map[string]*history.Event // resource/name -> newest version
	// unreported says that deletions of pods are another client's: the controller reports none.
	unreported bool
}

// start is the wall-clock time at which every history starts; timestamps derive from it.
func start() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// New returns a builder of an empty history, with a lag of two seconds.
func New() *Builder {
	return &Builder{
		h:    &history.History{Header: history.Header{Format: history.Format, Namespace: "test", Start: start(), Lag: 2 * time.Second}},
		live: map[string]*history.Event{}, tick: Tick,
	}
}

// Pace changes the time that passes with every event.
func (s *Builder) Pace(tick time.Duration) *Builder {
	s.tick = tick
	return s
}

// Version sets the version of Kubernetes, which is unknown otherwise.
func (s *Builder) Version(v string) *Builder {
	s.h.Header.Version = v
	return s
}

// HeldTo sets the version of Kubernetes whose promises are asked for.
func (s *Builder) HeldTo(v string) *Builder {
	s.h.Header.HeldTo = v
	return s
}

// Unstimulated says whether nobody ran a test.
func (s *Builder) Unstimulated(is bool) *Builder {
	s.h.Header.Unstimulated = is
	return s
}

// Mutated names a webhook that changes new objects of a resource.
func (s *Builder) Mutated(r history.Resource, by string) *Builder {
	s.h.Header.Mutators = map[history.Resource][]string{r: {by}}
	return s
}

// Events returns the events so far.
func (s *Builder) Events() []*history.Event { return s.h.Events }

// Wait lets time pass.
func (s *Builder) Wait(d time.Duration) *Builder {
	s.now += d
	return s
}

// Now is the time since the recording began.
func (s *Builder) Now() time.Duration { return s.now }

// History returns the history so far, complete.
func (s *Builder) History() *history.History {
	h := *s.h
	h.End = &history.End{Seq: s.seq + 1, At: s.now, Complete: true}
	return &h
}

// Get returns the newest version of an existing object; it panics if there is none.
func (s *Builder) Get(r history.Resource, name string) *history.Event {
	e := s.live[string(r)+"/"+name]
	if e == nil {
		panic(fmt.Sprintf("historytest: no %s %q exists at %v", r, name, s.now))
	}
	return e
}

// Exists reports whether an object of that name exists.
func (s *Builder) Exists(r history.Resource, name string) bool {
	return s.live[string(r)+"/"+name] != nil
}

// List returns the newest versions of all existing objects of a resource, by name.
func (s *Builder) List(r history.Resource) []*history.Event {
	var out []*history.Event
	for _, e := range s.live {
		if e.Resource == r {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b *history.Event) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Add makes a new object and returns its event, for the caller to complete: e needs its resource, name and object.
func (s *Builder) Add(e *history.Event) *history.Event {
	s.uids++
	if e.UID == "" {
		e.UID = types.UID(fmt.Sprintf("uid-%d", s.uids))
	}
	if e.Resource == history.Slices && e.Labels == nil {
		e.Labels = map[string]string{discoveryv1.LabelManagedBy: "endpointslice-controller.k8s.io"}
	}
	e.Change = history.Added
	e.CreationTimestamp = s.Timestamp()
	return s.record(e)
}

// Change adds a new version of an existing object, changed by f, which gets a deep copy of the newest one.
func (s *Builder) Change(r history.Resource, name string, f func(*history.Event)) *history.Event {
	e := clone(s.Get(r, name))
	e.Change = history.Modified
	f(e)
	return s.record(e)
}

// Remove removes an existing object. Where that is a pod whose containers may run, its controller reports that it deleted it.
func (s *Builder) Remove(r history.Resource, name string) *history.Event {
	was := s.Get(r, name)
	e := clone(was)
	e.Change = history.Deleted
	delete(s.live, string(r)+"/"+name)
	s.record(e)
	if r == history.Pods && !(was.Pod.Stopped() && was.Terminating()) {
		s.reportDeletion(was)
	}
	return e
}

// Timestamp is the present as the API writes it, in whole seconds.
func (s *Builder) Timestamp() metav1.Time {
	return metav1.NewTime(start().Add(s.now).Truncate(time.Second))
}

// Operation adds an operation of the test whose outcome is unknown. Its UID is that of the existing object of that name, if there is one.
func (s *Builder) Operation(verb history.Verb, r history.Resource, name string) {
	s.Begin(history.Operation{Verb: verb, Resource: r, Name: name})
}

// Begin adds the call of an operation, with an unknown outcome, and returns a function that adds its return. Where the UID is not set, it is
// that of the existing object of that name.
func (s *Builder) Begin(op history.Operation) (end func(history.OperationOutcome, *history.Result)) {
	if e := s.live[string(op.Resource)+"/"+op.Name]; e != nil && op.UID == "" {
		op.UID = e.UID
	}
	s.seq++
	op.Seq, op.At, op.Outcome, op.Text = s.seq, s.now, history.Unknown, string(op.Verb)+" "+op.Name
	s.h.Operations = append(s.h.Operations, op)
	at := len(s.h.Operations) - 1
	return func(outcome history.OperationOutcome, result *history.Result) {
		s.seq++
		done := &s.h.Operations[at]
		done.ReturnSeq, done.ReturnAt, done.Outcome, done.Result = s.seq, s.now, outcome, result
	}
}

// Expect adds an expectation of the spec.
func (s *Builder) Expect(x history.Expectation) {
	s.seq++
	x.Seq, x.At = s.seq, s.now
	s.h.Expectations = append(s.h.Expectations, x)
}

// Gap adds a gap of a resource from that moment until now.
func (s *Builder) Gap(r history.Resource, from time.Duration) {
	s.seq++
	s.h.Gaps = append(s.h.Gaps, history.Gap{Seq: s.seq, Resource: r, From: from, To: s.now, Reason: "a gap of the test"})
}

// Check adds a check of the spec.
func (s *Builder) Check(c history.Check) {
	s.seq++
	c.Seq, c.At = s.seq, s.now
	s.h.Checks = append(s.h.Checks, c)
}

func (s *Builder) record(e *history.Event) *history.Event {
	s.now += s.tick
	return s.append(e, fmt.Sprint(101+s.place()))
}

// place is how many records there are, Event objects left out.
func (s *Builder) place() int { return s.seq - s.reports }

func (s *Builder) append(e *history.Event, rv string) *history.Event {
	s.seq++
	e.Seq, e.At, e.ResourceVersion = s.seq, s.now, rv
	if !e.Gone() {
		s.live[string(e.Resource)+"/"+e.Name] = e
	}
	s.h.Events = append(s.h.Events, e)
	return e
}

func clone(e *history.Event) *history.Event {
	out := *e
	out.Owners = append([]metav1.OwnerReference(nil), e.Owners...)
	out.Finalizers = append([]string(nil), e.Finalizers...)
	out.Labels = copyOf(e.Labels)
	switch {
	case e.Pod != nil:
		p := *e.Pod
		p.Conditions = append([]history.Condition(nil), e.Pod.Conditions...)
		p.Containers = append([]history.Container(nil), e.Pod.Containers...)
		p.IPs = append([]string(nil), e.Pod.IPs...)
		p.Claims = copyOf(e.Pod.Claims)
		p.Template = templateCopy(e.Pod.Template)
		out.Pod = &p
	case e.Claim != nil:
		c := *e.Claim
		out.Claim = &c
	case e.Set != nil:
		t := *e.Set
		t.Template = templateCopy(e.Set.Template)
		out.Set = &t
	case e.Revision != nil:
		r := *e.Revision
		out.Revision = &r
	case e.Slice != nil:
		l := *e.Slice
		l.Endpoints = append([]history.Endpoint(nil), e.Slice.Endpoints...)
		out.Slice = &l
	case e.Service != nil:
		v := *e.Service
		out.Service = &v
	case e.Report != nil:
		r := *e.Report
		out.Report = &r
	case e.Node != nil:
		n := *e.Node
		n.Taints, n.Conditions = slices.Clone(e.Node.Taints), slices.Clone(e.Node.Conditions)
		out.Node = &n
	case e.Budget != nil:
		b := *e.Budget
		out.Budget = &b
	}
	return &out
}

func templateCopy(t history.Template) history.Template {
	return history.Template{
		Annotations: copyOf(t.Annotations), Labels: copyOf(t.Labels), Images: copyOf(t.Images), Commands: copyOf(t.Commands), Env: copyOf(t.Env), Parts: t.Parts,
	}
}

func copyOf(m map[string]string) map[string]string {
	return maps.Clone(m)
}

// owner is a controller reference to the set of that name.
func (s *Builder) owner(set string) []metav1.OwnerReference {
	yes := true
	return []metav1.OwnerReference{{
		APIVersion: appsv1.SchemeGroupVersion.String(), Kind: "StatefulSet", Name: set, UID: s.Get(history.Sets, set).UID, Controller: &yes, BlockOwnerDeletion: &yes,
	}}
}

// setOf returns the set's name within the name of one of its pods.
func setOf(pod string) string {
	i := strings.LastIndexByte(pod, '-')
	if i < 0 {
		panic("historytest: " + pod + " is not the name of a set's pod")
	}
	return pod[:i]
}

// readiness sets the conditions that make a pod Ready or not.
func readiness(s *Builder, p *history.Pod, ready bool) {
	status := corev1.ConditionFalse
	if ready {
		status = corev1.ConditionTrue
	}
	for _, t := range []corev1.PodConditionType{corev1.ContainersReady, corev1.PodReady} {
		c := p.Condition(t)
		if c == nil {
			p.Conditions = append(p.Conditions, history.Condition{Type: t})
			c = &p.Conditions[len(p.Conditions)-1]
		}
		if c.Status != status {
			c.Status, c.Transition = status, s.Timestamp()
		}
	}
}
