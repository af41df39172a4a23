package recorder

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// source lists and watches one resource of the namespace.
type source struct {
	resource history.Resource
	list     func(context.Context, metav1.ListOptions) (runtime.Object, error)
	watch    func(context.Context, metav1.ListOptions) (watch.Interface, error)
}

// lister is the part of client-go's typed clients that a source needs.
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

// sources are those of all resources but Events.
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

// reports is the source of Event objects.
func reports(c kubernetes.Interface, ns string) source {
	return sourceOf(history.Events, c.CoreV1().Events(ns))
}

// surroundings are the sources of what no judge looks at.
func surroundings(c kubernetes.Interface, ns string) []source {
	return []source{
		sourceOf(history.Nodes, c.CoreV1().Nodes()),
		sourceOf(history.Budgets, c.PolicyV1().PodDisruptionBudgets(ns)),
	}
}

// aboutSets restricts a source of Event objects to those about StatefulSets: the many about pods tell judges nothing, and need not travel.
func aboutSets(s source) source {
	const selector = "involvedObject.kind=StatefulSet"
	list, watches := s.list, s.watch
	s.list = func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
		o.FieldSelector = selector
		return list(ctx, o)
	}
	s.watch = func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
		o.FieldSelector = selector
		return watches(ctx, o)
	}
	return s
}

// list makes the first list of a resource and records what it holds.
func (r *Recorder) list(ctx context.Context, s source) error {
	events, rv, err := snapshot(ctx, s)
	if err != nil {
		return err
	}
	for _, e := range events {
		e.Change = history.Listed
		r.append(e)
	}
	r.setReached(s.resource, rv)
	return nil
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

// follow watches from the version that was reached until ctx ends; seen is when that was the newest. A watch that ends is resumed from the
// version reached by then, which loses nothing; when the server no longer has that version a new list is compared with what is known, and
// what may have been missed becomes a gap.
//
// It is no reflector and no client-go RetryWatcher: the former merges versions, the latter waits a second or more before it watches again,
// by which the resources' times of arrival would differ, and neither says where events may be missing.
func (r *Recorder) follow(ctx context.Context, s source, seen time.Duration) {
	// The cap is low because judges compare resources with each other by the time of arrival: after an outage all watches
	// must be back within the tolerance for that.
	reconnect := wait.Backoff{Duration: 20 * time.Millisecond, Factor: 2, Jitter: 0.1, Steps: 4, Cap: 200 * time.Millisecond}
	// An API server that has been away for longer is not asked five times a second by each resource of each process.
	const longOutage, longPause = 10 * time.Second, time.Second
	// A watch that starts and then fails every time, on an event that cannot be decoded, is not repaired by starting it soon.
	failing := wait.Backoff{Duration: 20 * time.Millisecond, Factor: 2, Jitter: 0.1, Steps: 12, Cap: 30 * time.Second}
	backoff, failures := reconnect, failing
	for ctx.Err() == nil {
		var since time.Duration
		var started, progressed bool
		w, err := s.watch(ctx, metav1.ListOptions{ResourceVersion: r.reachedVersion(s.resource), AllowWatchBookmarks: true})
		if err == nil {
			if started = open(w); started {
				since = r.alive(s.resource)
			}
			seen, progressed, err = r.drain(ctx, s.resource, w, seen)
			if progressed {
				backoff, failures = reconnect, failing
			}
		}
		if ctx.Err() != nil {
			return
		}
		next := &backoff
		if expired(err) {
			listed := r.Now()
			if r.relist(ctx, s, seen, err) == nil {
				seen = listed
			}
		}
		if started && !progressed && err != nil && !expired(err) {
			next = &failures
		} else {
			since = 0
		}
		since = r.ended(s.resource, since, err)
		// A server that refuses connections, or calls every version too old, must not be asked in a tight loop.
		delay := next.Step()
		if r.Now()-since > longOutage {
			delay = max(delay, wait.Jitter(longPause, 0.1))
		}
		if !pause(ctx, delay) {
			return
		}
	}
}

// pause waits, and reports whether ctx lasted.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// open reports whether a watch is one, and not what client-go returns when the connection broke before the first byte.
func open(w watch.Interface) bool {
	return reflect.TypeOf(w) != reflect.TypeOf(watch.NewEmptyWatch())
}

// outage is the state of a resource that is not watched at present.
type outage struct {
	since time.Duration
	cause error // of the last attempt to watch, nil where the connection just closed
}

// alive records that a resource is watched, and returns since when it was not, zero if it was.
func (r *Recorder) alive(resource history.Resource) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	since := r.outages[resource].since
	delete(r.outages, resource)
	return since
}

// ended records that a resource is not watched, since that moment if it is not zero, or since now, and returns since when.
func (r *Recorder) ended(resource history.Resource, since time.Duration, cause error) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch o, known := r.outages[resource]; {
	case known:
		since = o.since
	case since == 0:
		since = r.Now()
	}
	r.outages[resource] = outage{since: since, cause: cause}
	return since
}

// retryDelay is how long it commonly takes until an ended watch is resumed: server and network end them now and then.
const retryDelay = 2 * time.Second

// silentForLocked names the resource that has not been watched for the longest time, "" if all are watched.
func (r *Recorder) silentForLocked() string {
	var which history.Resource
	for _, resource := range slices.Sorted(maps.Keys(r.outages)) {
		if which == "" || r.outages[resource].since < r.outages[which].since {
			which = resource
		}
	}
	o := r.outages[which]
	if which == "" || r.Now()-o.since < retryDelay {
		return ""
	}
	text := fmt.Sprintf("; but the watch of %s ended %.0f s ago and could not be resumed", which, (r.Now() - o.since).Seconds())
	if o.cause != nil {
		text += fmt.Sprintf(" (%v)", o.cause)
	}
	return text
}

// drain records one watch's events until it ends. The error is the server's own, nil when the connection just closed.
func (r *Recorder) drain(ctx context.Context, resource history.Resource, w watch.Interface, seen time.Duration) (time.Duration, bool, error) {
	defer w.Stop()
	progressed := false
	for {
		select {
		case <-ctx.Done():
			return seen, progressed, nil
		case ev, open := <-w.ResultChan():
			if !open {
				return seen, progressed, nil
			}
			change, ok := changeOf(ev.Type)
			if !ok {
				if ev.Type == watch.Bookmark {
					if m, err := meta.Accessor(ev.Object); err == nil {
						seen, progressed = r.Now(), true
						r.setReached(resource, m.GetResourceVersion())
					}
					continue
				}
				return seen, progressed, apierrors.FromObject(ev.Object)
			}
			e, err := history.Project(ev.Object)
			if err != nil {
				// The same event would come again from the same resource version: it is passed over, and its absence is a gap.
				m, noMeta := meta.Accessor(ev.Object)
				if noMeta != nil {
					return seen, progressed, err
				}
				r.gap(resource, seen, err)
				seen = r.Now()
				r.setReached(resource, m.GetResourceVersion())
				continue
			}
			e.Change = change
			r.append(e)
			seen, progressed = e.At, true
		}
	}
}

// gap records that an event since from could not be read.
func (r *Recorder) gap(resource history.Resource, from time.Duration, cause error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	seq, at := r.nextLocked()
	r.h.Gaps = append(r.h.Gaps, history.Gap{Seq: seq, Resource: resource, From: from, To: at, Reason: fmt.Sprintf("an event could not be read: %v", cause)})
}

// changeOf returns the change that a watch's event type stands for, and false where it stands for none.
func changeOf(t watch.EventType) (history.Change, bool) {
	switch t {
	case watch.Added:
		return history.Added, true
	case watch.Modified:
		return history.Modified, true
	case watch.Deleted:
		return history.Deleted, true
	}
	return "", false
}

// relist compares a new list with the known state. If nothing differs, nothing was missed; otherwise the differences are
// recorded as listed and missing objects, behind a gap.
func (r *Recorder) relist(ctx context.Context, s source, seen time.Duration, cause error) error {
	events, rv, err := snapshot(ctx, s)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()

	listed := map[string]*history.Event{}
	var fresh []*history.Event
	for _, e := range events {
		listed[e.Name] = e
		if s.resource == history.Nodes && history.SameNode(r.state.Get(s.resource, e.Name), e) {
			e.Change = history.Listed
			r.appendLocked(e)
			continue
		}
		if old := r.state.Get(s.resource, e.Name); old == nil || old.UID != e.UID || old.ResourceVersion != e.ResourceVersion {
			e.Change = history.Listed
			fresh = append(fresh, e)
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
	r.reached[s.resource] = rv
	if len(fresh)+len(lost) == 0 {
		return nil
	}
	seq, at := r.nextLocked()
	r.h.Gaps = append(r.h.Gaps, history.Gap{
		Seq: seq, Resource: s.resource, From: seen, To: at,
		Reason: fmt.Sprintf("the watch could not be resumed (%v) and %d objects had changed meanwhile", cause, len(fresh)+len(lost)),
	})
	for _, e := range append(lost, fresh...) {
		r.appendLocked(e)
	}
	return nil
}
