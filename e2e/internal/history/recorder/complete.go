package recorder

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Sync returns when everything that lists made now show has been recorded. It does not wait for what came and went before: see Complete. The
// error says what is still missing after limit.
func (r *Recorder) Sync(ctx context.Context, limit time.Duration) error {
	return r.eachSource(func(s source) error {
		_, err := r.catchUp(ctx, s, limit)
		return err
	})
}

// Complete returns when everything that had happened before the call has been recorded, also what came and went since: a watch that is open and
// silent, behind a proxy that holds back its answers, looks like one of a namespace where nothing happens. It takes a second or two. The
// error says what is still missing after limit.
func (r *Recorder) Complete(ctx context.Context, limit time.Duration) error {
	return r.eachSource(func(s source) error {
		rv, err := r.catchUp(ctx, s, limit)
		if err != nil {
			return err
		}
		return r.reach(ctx, s, rv, limit)
	})
}

func (r *Recorder) eachSource(do func(source) error) error {
	errs := make([]error, len(r.sources))
	var all sync.WaitGroup
	for i, s := range r.sources {
		all.Go(func() { errs[i] = do(s) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// reach waits until the watch of a resource has delivered every event before the version of a list. limit is for finding the last of them and
// for the wait after it.
func (r *Recorder) reach(ctx context.Context, s source, listed string, limit time.Duration) error {
	watching, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	last, err := r.lastBefore(watching, s, listed)
	if err != nil {
		return fmt.Errorf("watching %s from resource version %s on, to see whether the recording is complete: %w", s.resource, r.reachedVersion(s.resource), err)
	}
	return r.Await(ctx, limit, fmt.Sprintf("the recording of %s to reach resource version %s", s.resource, last), func(*history.State) string {
		if now := r.reached[s.resource]; older(now, last) {
			return fmt.Sprintf("its watch is open and has delivered nothing after %s, while another watch of %s has", now, s.resource)
		}
		return ""
	})
}

// shortWatch is how long the API server is to keep a second watch open, in seconds. It sends a bookmark two seconds before the end of a watch
// (k8s.io/apiserver, storage/cacher), so that this is the shortest for which one comes, after a second.
const shortWatch = 3

// lastBefore watches a resource from the version on that its own watch has reached, and returns the version of the last event that is no newer
// than another version, or the one reached if there is none. The API server's watch cache has reached that version, since it answered a list
// with it.
func (r *Recorder) lastBefore(ctx context.Context, s source, to string) (last string, err error) {
	for {
		from := r.reachedVersion(s.resource)
		if !older(from, to) {
			return from, nil
		}
		begin := time.Now()
		var reached bool
		last, reached, err = shortlyWatched(ctx, s, from, to)
		// Where the API server no longer has the version, the resource's own watch finds that out too, and makes a new list.
		if reached || (err != nil && !transient(err) && !expired(err)) {
			return last, err
		}
		// A watch that ended on time had no more to deliver; one that broke off shows nothing.
		if err == nil && time.Since(begin) >= shortWatch*time.Second {
			return last, nil
		}
		if !pause(ctx, 100*time.Millisecond) {
			return "", errors.Join(context.Cause(ctx), err)
		}
	}
}

// expired reports whether the API server no longer has the version that a watch is to begin with.
func expired(err error) bool { return apierrors.IsResourceExpired(err) || apierrors.IsGone(err) }

// shortlyWatched is one such watch. It reports whether the version was reached, by an event or a bookmark.
func shortlyWatched(ctx context.Context, s source, from, to string) (last string, reached bool, err error) {
	w, err := s.watch(ctx, metav1.ListOptions{ResourceVersion: from, AllowWatchBookmarks: true, TimeoutSeconds: new(int64(shortWatch))})
	if err != nil {
		return "", false, err
	}
	defer w.Stop()
	last = from
	for {
		var ev watch.Event
		var open bool
		select {
		case <-ctx.Done():
			return "", false, context.Cause(ctx)
		case ev, open = <-w.ResultChan():
		}
		if !open {
			return last, false, nil
		}
		if ev.Type == watch.Error {
			return "", false, apierrors.FromObject(ev.Object)
		}
		m, err := meta.Accessor(ev.Object)
		if err != nil {
			return "", false, err
		}
		rv := m.GetResourceVersion()
		if older(to, rv) {
			return last, true, nil
		}
		if ev.Type != watch.Bookmark {
			last = rv
		}
		if rv == to {
			return last, true, nil
		}
	}
}

// setReached notes up to which version the watch of a resource has delivered everything.
func (r *Recorder) setReached(resource history.Resource, rv string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reached[resource] = rv
}

func (r *Recorder) reachedVersion(resource history.Resource) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reached[resource]
}

// catchUp waits until the recording has reached a list made now, and returns the list's version. limit is for the list and for the wait after it.
func (r *Recorder) catchUp(ctx context.Context, s source, limit time.Duration) (rv string, err error) {
	listing, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	events, rv, err := retry(listing, s)
	if err != nil {
		return "", fmt.Errorf("listing %s to see whether the recording is complete: %w", s.resource, err)
	}
	listed := map[string]*history.Event{}
	for _, e := range events {
		listed[e.Name] = e
	}
	return rv, r.Await(ctx, limit, fmt.Sprintf("the recording of %s to reach resource version %s", s.resource, rv), func(st *history.State) string {
		for name, e := range listed {
			known := r.newest[e.UID]
			switch {
			case known == nil:
				return fmt.Sprintf("%s/%s (uid %s) is not recorded yet", s.resource, name, e.UID)
			case older(known.ResourceVersion, e.ResourceVersion):
				return fmt.Sprintf("%s/%s is recorded at %s, listed at %s", s.resource, name, known.ResourceVersion, e.ResourceVersion)
			}
		}
		for _, old := range st.List(s.resource) {
			if now := listed[old.Name]; (now == nil || now.UID != old.UID) && older(old.ResourceVersion, rv) {
				return fmt.Sprintf("%s/%s (uid %s) is gone, its deletion is not recorded yet", s.resource, old.Name, old.UID)
			}
		}
		return ""
	})
}

// retry makes a list, again while the server is out of reach.
func retry(ctx context.Context, s source) ([]*history.Event, string, error) {
	for {
		events, rv, err := snapshot(ctx, s)
		if err == nil || !transient(err) || !pause(ctx, 100*time.Millisecond) {
			return events, rv, err
		}
	}
}

// transient reports whether asking again may help: anything that is not an answer, and answers of a server in trouble.
func transient(err error) bool {
	status := apierrors.APIStatus(nil)
	if !errors.As(err, &status) {
		return true
	}
	code := status.Status().Code
	return code == http.StatusTooManyRequests || code >= http.StatusInternalServerError
}

// older compares two resource versions of one resource. Versions that cannot be compared count as different.
func older(a, b string) bool {
	n, err := resourceversion.CompareResourceVersion(a, b)
	if err != nil {
		return a != b
	}
	return n < 0
}
