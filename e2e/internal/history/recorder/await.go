package recorder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Wait is a wait in progress, for progress reports.
type Wait struct {
	For   string        // what is expected
	Found string        // what is missing, as of the last event, and whether a watch has ended
	Since time.Duration // since the recording began
}

// TimeoutError says that something expected did not happen within its limit.
type TimeoutError struct {
	What, Found string
	Limit       time.Duration
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("expected %s within %v; found: %s", e.What, e.Limit, e.Found)
}

// waiter is a wait in progress. Its condition is checked where events are recorded: a goroutine of its own would see the state only when
// it gets to run, and miss what lasted for a moment.
type waiter struct {
	Wait
	cond  func(*history.State) string
	done  chan struct{} // closed when the condition holds, or panicked
	panic any
}

func (w *waiter) check(s *history.State) {
	select {
	case <-w.done:
		return
	default:
	}
	defer func() {
		// A condition that panics must fail the spec it belongs to, not the recording.
		if w.panic = recover(); w.panic != nil || w.Found == "" {
			close(w.done)
		}
	}()
	w.Found = w.cond(s)
}

// Await returns when cond says that it holds: cond gets the state as it is now and then after every single event, and returns
// "" or what is missing. It must not block, call the recorder or keep the state. what completes the sentence
// "expected ..."; limit bounds the wait.
func (r *Recorder) Await(ctx context.Context, limit time.Duration, what string, cond func(*history.State) string) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()

	r.mu.Lock()
	w := &waiter{Wait: Wait{For: what, Since: r.Now()}, cond: cond, done: make(chan struct{})}
	w.check(r.state)
	r.waiting[w] = struct{}{}
	r.mu.Unlock()

	var stopped error
	select {
	case <-w.done:
	case <-timer.C:
	case <-ctx.Done():
		stopped = context.Cause(ctx)
	case <-r.stopped:
		stopped = errors.New("the recording has ended")
	}

	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.waiting, w)
	switch {
	case w.panic != nil:
		panic(w.panic)
	case w.Found == "": // also when it came true at the very end
		return nil
	}
	found := w.Found + r.silentForLocked()
	if stopped != nil {
		return fmt.Errorf("interrupted while waiting for %s (so far: %s): %w", what, found, stopped)
	}
	return &TimeoutError{What: what, Found: found, Limit: limit}
}

// Waiting returns the waits in progress, the oldest first.
func (r *Recorder) Waiting() []Wait {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Wait, 0, len(r.waiting))
	silent := r.silentForLocked()
	for w := range r.waiting {
		now := w.Wait
		now.Found += silent
		out = append(out, now)
	}
	slices.SortFunc(out, func(a, b Wait) int { return cmp.Compare(a.Since, b.Since) })
	return out
}
