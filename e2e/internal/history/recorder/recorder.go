package recorder

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Recorder records one namespace. All methods may be called from several goroutines.
type Recorder struct {
	sources []source
	start   time.Time
	cancel  context.CancelFunc
	stopped <-chan struct{} // closed when nothing is recorded any more
	done    sync.WaitGroup

	mu      sync.Mutex
	h       *history.History
	state   *history.State
	newest  map[types.UID]*history.Event // of every object ever seen
	sharer  history.Sharer
	seq     int
	waiting map[*waiter]struct{}
	outages map[history.Resource]outage // of the resources that are not watched at present
	reached map[history.Resource]string // up to which version everything is recorded
	// unreadable are the resources that are not recorded since the account may not list them, each with the API server's answer.
	unreadable []history.Gap
}

// Start lists every recorded resource of the header's namespace and begins to watch. It returns once all lists are made, so
// whatever happens after it is recorded. The recording ends with Stop, or with ctx.
func Start(ctx context.Context, client kubernetes.Interface, header history.Header) (*Recorder, error) {
	return start(ctx, header, append(sources(client, header.Namespace), aboutSets(reports(client, header.Namespace))), nil)
}

// StartReadable is Start for a namespace that others work in. It records the Events about all objects, nodes and budgets too, and does without what the
// account may not list, but for pods and sets: the finished history has a gap of it from beginning to end.
func StartReadable(ctx context.Context, client kubernetes.Interface, header history.Header) (*Recorder, error) {
	all := append(sources(client, header.Namespace), reports(client, header.Namespace))
	return start(ctx, header, append(all, surroundings(client, header.Namespace)...), func(s source, err error) bool {
		return apierrors.IsForbidden(err) && s.resource != history.Pods && s.resource != history.Sets
	})
}

// start records from these sources. Those of which the first list fails are left out where the error may be left out.
func start(ctx context.Context, header history.Header, all []source, leftOut func(source, error) bool) (*Recorder, error) {
	if header.Namespace == "" {
		return nil, errors.New("recording needs a namespace: objects of several would share names")
	}
	r := &Recorder{
		start:   time.Now(),
		state:   history.NewState(),
		newest:  map[types.UID]*history.Event{},
		waiting: map[*waiter]struct{}{},
		outages: map[history.Resource]outage{},
		reached: map[history.Resource]string{},
	}
	header.Start = r.start.UTC()
	r.h = &history.History{Header: header}

	ctx, r.cancel = context.WithCancel(ctx)
	r.stopped = ctx.Done()
	for _, s := range all {
		seen := r.Now() // before the list is made: what happens while it travels is not in it
		err := r.list(ctx, s)
		if err != nil && leftOut != nil && leftOut(s, err) {
			r.unreadable = append(r.unreadable, history.Gap{Resource: s.resource, Reason: err.Error()})
			continue
		}
		if err != nil {
			r.cancel()
			r.done.Wait()
			return nil, fmt.Errorf("recording %s in namespace %s: the first list failed (the suite needs the rights to list and watch them): %w",
				s.resource, header.Namespace, err)
		}
		r.sources = append(r.sources, s)
		r.done.Go(func() { r.follow(ctx, s, seen) })
	}
	return r, nil
}

// Unreadable returns the resources that are not recorded since the account may not list them, each with the API server's answer.
func (r *Recorder) Unreadable() []history.Gap { return slices.Clone(r.unreadable) }

// Now is the time since the recording began.
func (r *Recorder) Now() time.Duration { return time.Since(r.start) }

// Check records what the spec itself found for a guarantee, by other means than the watches, of no set in particular.
func (r *Recorder) Check(id contract.ID, outcome history.Outcome, text string) {
	r.RecordCheck(history.Check{Guarantee: id, Outcome: outcome, Text: text})
}

// RecordCheck records a check, whose place and time are the recorder's to set.
func (r *Recorder) RecordCheck(c history.Check) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c.Seq, c.At = r.nextLocked()
	r.h.Checks = append(r.h.Checks, c)
}

// Expect records what the spec expects of an object, from the event Since of the expectation on until now.
func (r *Recorder) Expect(x history.Expectation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	x.Seq, x.At = r.nextLocked()
	r.h.Expectations = append(r.h.Expectations, x)
}

// View calls f with the present state, under the recorder's lock: f must not block and must not keep the state.
func (r *Recorder) View(f func(*history.State)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(r.state)
}

// Events returns how many events have been recorded so far.
func (r *Recorder) Events() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.h.Events)
}

// History returns what has been recorded so far. Events are shared and must not be changed; the lists are the caller's own.
func (r *Recorder) History() *history.History {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := &history.History{
		Header:       r.h.Header,
		Events:       append([]*history.Event(nil), r.h.Events...),
		Gaps:         append([]history.Gap(nil), r.h.Gaps...),
		Operations:   append([]history.Operation(nil), r.h.Operations...),
		Expectations: append([]history.Expectation(nil), r.h.Expectations...),
		Checks:       append([]history.Check(nil), r.h.Checks...),
		Clients:      append([]*history.ClientOperation(nil), r.h.Clients...),
		Members:      append([]*history.MemberState(nil), r.h.Members...),
	}
	if r.h.End != nil {
		end := *r.h.End
		h.End = &end
	}
	return h
}

// Stop catches up, ends the watches and returns the finished history. Its end says whether the recording was complete. A
// second call returns the same history.
func (r *Recorder) Stop(ctx context.Context, limit time.Duration) *history.History {
	r.mu.Lock()
	ended := r.h.End != nil
	r.mu.Unlock()
	if ended {
		return r.History()
	}
	err := r.Complete(ctx, limit)
	r.cancel()
	r.done.Wait()

	r.mu.Lock()
	if r.h.End == nil {
		for _, g := range r.unreadable {
			g.Seq, g.To = r.nextLocked()
			r.h.Gaps = append(r.h.Gaps, g)
		}
		r.seq++
		r.h.End = &history.End{Seq: r.seq, At: r.Now(), Complete: err == nil}
		if err != nil {
			r.h.End.Reason = err.Error()
		}
	}
	r.mu.Unlock()
	return r.History()
}

// append records one event and checks all waits against the new state.
func (r *Recorder) append(e *history.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.appendLocked(e)
}

func (r *Recorder) appendLocked(e *history.Event) {
	same := e.Resource == history.Nodes && !e.Gone() && history.SameNode(r.state.Get(history.Nodes, e.Name), e)
	if same {
		e.Seq, e.At = r.seq, r.Now()
	} else {
		e.Seq, e.At = r.nextLocked()
	}
	r.sharer.Share(e)
	r.newest[e.UID] = e
	if e.Change != history.Listed && e.Change != history.Missing {
		r.reached[e.Resource] = e.ResourceVersion
	}
	if !same {
		r.h.Events = append(r.h.Events, e)
	}
	r.state.Apply(e)
	for w := range r.waiting {
		w.check(r.state)
	}
}

// nextLocked returns the place of the next record. What is recorded after the end (a check made while cleaning up) moves the
// end behind it.
func (r *Recorder) nextLocked() (seq int, at time.Duration) {
	r.seq++
	seq, at = r.seq, r.Now()
	if r.h.End != nil {
		r.seq++
		r.h.End.Seq, r.h.End.At = r.seq, at
	}
	return seq, at
}
