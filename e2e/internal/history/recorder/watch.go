package recorder

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// source is how one resource of the namespace is listed and watched.
type source struct {
	resource history.Resource
	list     func(context.Context, metav1.ListOptions) (runtime.Object, error)
	watch    func(context.Context, metav1.ListOptions) (watch.Interface, error)
}

// lister is what every typed client of client-go offers.
type lister[L runtime.Object] interface {
	List(context.Context, metav1.ListOptions) (L, error)
	Watch(context.Context, metav1.ListOptions) (watch.Interface, error)
}

func sourceOf[L runtime.Object](r history.Resource, c lister[L]) source {
	return source{
		resource: r,
		list:     func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return c.List(ctx, o) },
		watch:    c.Watch,
	}
}

func sources(c kubernetes.Interface, ns string) []source {
	return []source{
		sourceOf(history.Pods, c.CoreV1().Pods(ns)),
		sourceOf(history.Claims, c.CoreV1().PersistentVolumeClaims(ns)),
		sourceOf(history.Sets, c.AppsV1().StatefulSets(ns)),
		sourceOf(history.Revisions, c.AppsV1().ControllerRevisions(ns)),
		sourceOf(history.Slices, c.DiscoveryV1().EndpointSlices(ns)),
		sourceOf(history.Services, c.CoreV1().Services(ns)),
	}
}

// list makes the first list of a resource and records what it holds.
func (r *Recorder) list(ctx context.Context, s source) (rv string, err error) {
	events, rv, err := snapshot(ctx, s)
	if err != nil {
		return "", err
	}
	for _, e := range events {
		e.Change = history.Listed
		r.append(e)
	}
	return rv, nil
}

func snapshot(ctx context.Context, s source) ([]*history.Event, string, error) {
	// No resource version asks for the newest state (a quorum read), not for what a cache happens to hold.
	obj, err := s.list(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, "", err
	}
	items, err := meta.ExtractList(obj)
	if err != nil {
		return nil, "", err
	}
	events := make([]*history.Event, 0, len(items))
	for _, item := range items {
		e, err := history.Project(item)
		if err != nil {
			return nil, "", err
		}
		events = append(events, e)
	}
	lm, err := meta.ListAccessor(obj)
	if err != nil {
		return nil, "", err
	}
	return events, lm.GetResourceVersion(), nil
}

// follow watches from rv until ctx ends. A watch that drops is resumed from the last resource version seen, which loses
// nothing; when the server no longer has that version a new list is compared with what is known, and what may have been
// missed becomes a gap.
func (r *Recorder) follow(ctx context.Context, s source, rv string) {
	fresh := wait.Backoff{Duration: 20 * time.Millisecond, Factor: 2, Jitter: 0.1, Steps: 8, Cap: 2 * time.Second}
	backoff := fresh
	seen := r.Now() // when rv was the newest
	for ctx.Err() == nil {
		w, err := s.watch(ctx, metav1.ListOptions{ResourceVersion: rv, AllowWatchBookmarks: true})
		if err == nil {
			var progressed bool
			rv, seen, progressed, err = r.drain(ctx, w, rv, seen)
			if progressed {
				backoff = fresh
			}
		}
		if ctx.Err() != nil {
			return
		}
		if apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
			if newRV, relistErr := r.relist(ctx, s, seen, err); relistErr == nil {
				rv, seen, backoff = newRV, r.Now(), fresh
				continue
			}
		}
		// The only timer of the recorder: a server that refuses connections must not be asked in a tight loop.
		timer := time.NewTimer(backoff.Step())
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// drain records one watch's events until it ends. The error is the server's own, nil when the connection just closed.
func (r *Recorder) drain(ctx context.Context, w watch.Interface, rv string, seen time.Duration) (string, time.Duration, bool, error) {
	defer w.Stop()
	progressed := false
	for {
		select {
		case <-ctx.Done():
			return rv, seen, progressed, nil
		case ev, open := <-w.ResultChan():
			if !open {
				return rv, seen, progressed, nil
			}
			change, ok := changes[ev.Type]
			if !ok {
				if ev.Type == watch.Bookmark {
					if m, err := meta.Accessor(ev.Object); err == nil {
						rv, seen = m.GetResourceVersion(), r.Now()
					}
					continue
				}
				return rv, seen, progressed, apierrors.FromObject(ev.Object)
			}
			e, err := history.Project(ev.Object)
			if err != nil {
				return rv, seen, progressed, err
			}
			e.Change = change
			r.append(e)
			rv, seen, progressed = e.ResourceVersion, e.At, true
		}
	}
}

// changes maps a watch's event types to ours.
var changes = map[watch.EventType]history.Change{
	watch.Added: history.Added, watch.Modified: history.Modified, watch.Deleted: history.Deleted,
}

// relist compares a new list with the known state. If nothing differs, nothing was missed; otherwise the differences are
// recorded as listed and missing objects, behind a gap.
func (r *Recorder) relist(ctx context.Context, s source, seen time.Duration, cause error) (string, error) {
	events, rv, err := snapshot(ctx, s)
	if err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()

	listed := map[string]*history.Event{}
	var news []*history.Event
	for _, e := range events {
		listed[e.Name] = e
		if old := r.state.Get(s.resource, e.Name); old == nil || old.UID != e.UID || old.ResourceVersion != e.ResourceVersion {
			e.Change = history.Listed
			news = append(news, e)
		}
	}
	var lost []*history.Event
	for _, old := range r.state.List(s.resource) {
		if now := listed[old.Name]; now == nil || now.UID != old.UID {
			gone := *old
			gone.Change = history.Missing
			lost = append(lost, &gone)
		}
	}
	if len(news)+len(lost) == 0 {
		return rv, nil
	}
	r.seq++
	r.h.Gaps = append(r.h.Gaps, history.Gap{
		Seq: r.seq, Resource: s.resource, From: seen, To: r.Now(),
		Reason: fmt.Sprintf("the watch could not be resumed (%v) and %d objects had changed meanwhile", cause, len(news)+len(lost)),
	})
	for _, e := range append(lost, news...) {
		r.appendLocked(e)
	}
	return rv, nil
}

// catchUp waits until the recording has reached a list made now.
func (r *Recorder) catchUp(ctx context.Context, s source, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	events, rv, err := snapshot(ctx, s)
	if err != nil {
		return fmt.Errorf("listing %s to see whether the recording is complete: %w", s.resource, err)
	}
	listed := map[string]*history.Event{}
	for _, e := range events {
		listed[e.Name] = e
	}
	return r.Await(ctx, limit, fmt.Sprintf("the recording of %s to reach resource version %s", s.resource, rv), func(st *history.State) string {
		for name, e := range listed {
			if old := st.Get(s.resource, name); old != nil && old.UID == e.UID && older(old.ResourceVersion, e.ResourceVersion) {
				return fmt.Sprintf("%s/%s is recorded at %s, listed at %s", s.resource, name, old.ResourceVersion, e.ResourceVersion)
			} else if (old == nil || old.UID != e.UID) && !r.sawLocked(s.resource, e) {
				return fmt.Sprintf("%s/%s (uid %s) is not recorded yet", s.resource, name, e.UID)
			}
		}
		for _, old := range st.List(s.resource) {
			if listed[old.Name] == nil && older(old.ResourceVersion, rv) {
				return fmt.Sprintf("%s/%s is gone, its deletion is not recorded yet", s.resource, old.Name)
			}
		}
		return ""
	})
}

// sawLocked reports whether an object that no longer lives was recorded at some time.
func (r *Recorder) sawLocked(res history.Resource, e *history.Event) bool {
	for i := len(r.h.Events) - 1; i >= 0; i-- {
		if old := r.h.Events[i]; old.Resource == res && old.UID == e.UID {
			return true
		}
	}
	return false
}

// older compares two resource versions of one resource. Versions that cannot be compared count as different.
func older(a, b string) bool {
	n, err := resourceversion.CompareResourceVersion(a, b)
	if err != nil {
		return a != b
	}
	return n < 0
}
