// Package recorder fills a history from a live namespace: it lists each resource once, watches from the list's resource
// version, and keeps every event in order. Specs wait on the same stream that judges later read, so what a spec saw and what
// is judged cannot differ.
package recorder

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/guarantee"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Recorder records one namespace. All methods may be called from several goroutines.
type Recorder struct {
	sources []source
	start   time.Time
	cancel  context.CancelFunc
	done    sync.WaitGroup

	mu      sync.Mutex
	h       *history.History
	state   *history.State
	seq     int
	changed chan struct{} // closed and replaced with every new event
	waiting map[int]Wait
	waits   int
}

// Wait is a wait in progress, for progress reports.
type Wait struct {
	For   string        // what is expected
	Found string        // what stands in the way, as of the last event
	Since time.Duration // since the recording began
}

// Start lists every recorded resource of the header's namespace and begins to watch. It returns once all lists are made, so
// whatever happens after it is recorded. The recording ends with Stop, or with ctx.
func Start(ctx context.Context, client kubernetes.Interface, header history.Header) (*Recorder, error) {
	r := &Recorder{
		sources: sources(client, header.Namespace),
		start:   time.Now(),
		state:   history.NewState(),
		changed: make(chan struct{}),
		waiting: map[int]Wait{},
	}
	header.Start = r.start.UTC()
	r.h = &history.History{Header: header}

	ctx, r.cancel = context.WithCancel(ctx)
	for _, s := range r.sources {
		rv, err := r.list(ctx, s)
		if err != nil {
			r.cancel()
			r.done.Wait()
			return nil, fmt.Errorf("recording %s in namespace %s: the first list failed (the suite needs the rights to list and watch them): %w",
				s.resource, header.Namespace, err)
		}
		r.done.Go(func() { r.follow(ctx, s, rv) })
	}
	return r, nil
}

// Now is the time since the recording began.
func (r *Recorder) Now() time.Duration { return time.Since(r.start) }

// Mark records an act of the spec. Call it before the request is sent: a judge must know whose act it was before it sees the
// consequence. uid is for deletions and evictions and may be empty otherwise.
func (r *Recorder) Mark(act history.Act, resource history.Resource, name string, uid types.UID, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seq++
	r.h.Marks = append(r.h.Marks, history.Mark{
		Seq: r.seq, At: r.Now(), Act: act, Resource: resource, Name: name, UID: uid, Text: text,
	})
}

// Check records what the spec observed of one guarantee by other means than the watches.
func (r *Recorder) Check(id guarantee.ID, outcome history.Outcome, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seq++
	r.h.Checks = append(r.h.Checks, history.Check{Seq: r.seq, At: r.Now(), Guarantee: id, Outcome: outcome, Text: text})
}

// Await returns when cond says that it holds: cond gets the state after each event and returns "" or what stands in the way.
// It must not block and must not keep the state. what completes the sentence "expected ..."; limit bounds the wait.
func (r *Recorder) Await(ctx context.Context, limit time.Duration, what string, cond func(*history.State) string) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	r.mu.Lock()
	r.waits++
	id, since := r.waits, r.Now()
	defer func() {
		delete(r.waiting, id)
		r.mu.Unlock()
	}()
	for {
		found := cond(r.state)
		if found == "" {
			return nil
		}
		r.waiting[id] = Wait{For: what, Found: found, Since: since}
		changed := r.changed
		r.mu.Unlock()
		select {
		case <-changed:
			r.mu.Lock()
		case <-ctx.Done():
			r.mu.Lock()
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return &TimeoutError{What: what, Found: cond(r.state), Limit: limit}
			}
			return fmt.Errorf("interrupted while waiting for %s (so far: %s): %w", what, found, context.Cause(ctx))
		}
	}
}

// TimeoutError says that something expected did not happen within its limit.
type TimeoutError struct {
	What, Found string
	Limit       time.Duration
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("expected %s within %v; found: %s", e.What, e.Limit, e.Found)
}

// View calls f with the present state, under the recorder's lock: f must not block and must not keep the state.
func (r *Recorder) View(f func(*history.State)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(r.state)
}

// Waiting returns the waits in progress.
func (r *Recorder) Waiting() []Wait {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Wait, 0, len(r.waiting))
	for _, w := range r.waiting {
		out = append(out, w)
	}
	return out
}

// History returns what has been recorded so far. Events are shared and must not be changed; the lists are the caller's own.
func (r *Recorder) History() *history.History {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &history.History{
		Header: r.h.Header,
		Events: append([]*history.Event(nil), r.h.Events...),
		Gaps:   append([]history.Gap(nil), r.h.Gaps...),
		Marks:  append([]history.Mark(nil), r.h.Marks...),
		Checks: append([]history.Check(nil), r.h.Checks...),
		End:    r.h.End,
	}
}

// Sync returns when everything that had happened before the call has been recorded. The error says what is still missing
// after limit.
func (r *Recorder) Sync(ctx context.Context, limit time.Duration) error {
	var errs []error
	for _, s := range r.sources {
		errs = append(errs, r.catchUp(ctx, s, limit))
	}
	return errors.Join(errs...)
}

// Stop catches up, ends the watches and returns the finished history. Its end says whether the recording was complete.
func (r *Recorder) Stop(ctx context.Context, limit time.Duration) *history.History {
	err := r.Sync(ctx, limit)
	r.cancel()
	r.done.Wait()

	r.mu.Lock()
	r.seq++
	r.h.End = &history.End{Seq: r.seq, At: r.Now(), Complete: err == nil}
	if err != nil {
		r.h.End.Reason = err.Error()
	}
	r.mu.Unlock()
	return r.History()
}

// append records one event and wakes all waits.
func (r *Recorder) append(e *history.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.appendLocked(e)
}

func (r *Recorder) appendLocked(e *history.Event) {
	r.seq++
	e.Seq, e.At = r.seq, r.Now()
	r.h.Events = append(r.h.Events, e)
	r.state.Apply(e)
	close(r.changed)
	r.changed = make(chan struct{})
}
