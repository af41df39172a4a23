package auditlog

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// History returns the history of a namespace, from the first line of the log to the last. Objects that the log does not show being created are there
// from their first write on, and nothing that was never written while the log lasts is in it.
func (g *Log) History(namespace string) *history.History {
	b := &builder{
		h: &history.History{Header: history.Header{
			Format: history.Format, Namespace: namespace, Spec: "an audit log", Unstimulated: true, AuditLog: true, Start: g.from.UTC(),
		}},
		state: history.NewState(), requested: map[string]string{},
	}
	all := inOrder(slices.Concat(g.writes[namespace], g.writes[""]))
	b.listSets(all)
	for _, w := range all {
		b.at = max(b.at, w.at.Sub(g.from))
		b.write(w)
	}
	end := max(b.at, g.to.Sub(g.from))
	whole := func(r history.Resource, reason string) {
		b.seq++
		b.h.Gaps = append(b.h.Gaps, history.Gap{Seq: b.seq, Resource: r, To: end, Reason: reason})
	}
	for _, of := range []string{namespace, ""} {
		for _, path := range slices.Sorted(maps.Keys(g.withoutIt[of])) {
			resource := history.Resource(path)
			if i := slices.IndexFunc([]byte(path), func(c byte) bool { return c == '/' }); i > 0 {
				resource = history.Resource(path[:i])
			}
			whole(resource, fmt.Sprintf("%d writes of %s have no objects in the log; it takes %s", g.withoutIt[of][path], path, Policy))
		}
	}
	if !g.statuses[namespace] {
		whole(history.Pods, "no kubelet's status of a pod is in the log, so that it does not tell whether pods were up; it takes "+Policy)
	}
	b.h.End = &history.End{Seq: b.seq + 1, At: end, Reason: "an audit log is not the whole of what happened"}
	return b.h
}

// listSets lists the sets that were there before the log began. A set of which the first write is one of its status had that spec until then. One that is scaled
// first had as many replicas as it had pods, which the answer to that tells, and otherwise the spec that the next write shows.
func (b *builder) listSets(all []*write) {
	seen := map[string]bool{}
	for i, w := range all {
		if w.resource() != history.Sets || seen[w.Name] {
			continue
		}
		seen[w.Name] = true
		switch {
		case w.Subresource == "status" && len(w.objects) == 1 && !w.objects[0].Terminating():
			b.append(w.objects[0], history.Listed)
		case w.scale != nil:
			if e := beforeScale(w.scale, all[i+1:]); e != nil {
				b.append(e, history.Listed)
			}
		}
	}
}

// beforeScale returns a set as it was before a request to scale it, nil where no later write shows it.
func beforeScale(scale *autoscalingv1.Scale, later []*write) *history.Event {
	for _, w := range later {
		if w.resource() != history.Sets || len(w.objects) != 1 || w.objects[0].UID != scale.UID {
			continue
		}
		e, set := *w.objects[0], *w.objects[0].Set
		if e.Terminating() || set.Replicas != scale.Spec.Replicas || scale.Status.Replicas == scale.Spec.Replicas {
			return nil
		}
		set.Replicas = scale.Status.Replicas
		e.Set, e.ResourceVersion, e.By = &set, "", ""
		e.Generation--
		return &e
	}
	return nil
}

// inOrder returns writes in the order of their times, those of one object in the order of its versions: an API server writes a line when the answer is
// ready, which is not the order in which requests were carried out, and there may be several with clocks of their own.
func inOrder(all []*write) []*write {
	type placed struct {
		*write
		at time.Time
		rv uint64
	}
	out := make([]*placed, 0, len(all))
	byUID := map[string][]*placed{}
	for _, w := range all {
		uid, rv := w.version()
		p := &placed{w, w.at, rv}
		out = append(out, p)
		if uid != "" && rv > 0 {
			byUID[uid] = append(byUID[uid], p)
		}
	}
	for _, of := range byUID {
		slices.SortStableFunc(of, func(a, b *placed) int { return cmp.Or(cmp.Compare(a.rv, b.rv), a.at.Compare(b.at)) })
		for i, p := range of[1:] {
			if before := of[i].at; p.at.Before(before) {
				p.at = before
			}
		}
	}
	slices.SortStableFunc(out, func(a, b *placed) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.rv, b.rv)) })
	ordered := make([]*write, 0, len(out))
	for _, p := range out {
		p.write.at = p.at
		ordered = append(ordered, p.write)
	}
	return ordered
}

// builder makes a history of writes.
type builder struct {
	h         *history.History
	state     *history.State
	at        time.Duration
	seq       int
	requested map[string]string // who asked for a deletion that no version of the object shows yet, by resource, name and UID
}

// write takes note of the next write.
func (b *builder) write(w *write) {
	now := b.state.Get(w.resource(), w.Name)
	switch {
	case w.scale != nil:
		b.scaled(w, now)
	case w.Subresource == "eviction":
		b.deleted(w, now, w.by+", by eviction")
	case w.deletes() && w.verb == "deletecollection":
		for _, e := range w.objects {
			known := b.state.Get(e.Resource, e.Name)
			if known == nil || known.UID != e.UID {
				known = e
			}
			b.deleted(w, known, w.by+", of all that some labels select")
		}
	case w.deletes() && len(w.objects) == 1:
		e := w.objects[0]
		e.By = w.by
		if now != nil && now.UID == e.UID && now.Terminating() {
			e.By = "" // the deletion had been asked for already
		}
		b.put(e, history.Modified, !e.Terminating() || done(e))
	case w.deletes():
		if w.gone == "" || (now != nil && w.gone == string(now.UID)) {
			b.deleted(w, now, w.by)
		}
	case len(w.objects) == 1:
		b.version(w, w.objects[0], now)
	}
}

// deletes reports whether the request was for the deletion of objects.
func (w *write) deletes() bool { return w.verb == "delete" || w.verb == "deletecollection" }

// version takes note of a new version of an object.
func (b *builder) version(w *write, e, now *history.Event) {
	e.By = w.by
	change := history.Modified
	switch {
	case w.verb == "create":
		change = history.Added
	case now == nil && w.Subresource == "status":
		change = history.Listed // what it was before is not in the log, and this does not tell what was asked of it
	}
	if e.Terminating() && (now == nil || now.UID != e.UID || !now.Terminating()) {
		// Whoever wrote a status did not ask for the deletion that it shows.
		e.By = cmp.Or(b.requested[keyOf(e.Resource, e.Name, string(e.UID))], b.requested[keyOf(e.Resource, e.Name, "")])
		delete(b.requested, keyOf(e.Resource, e.Name, "")) // the next of that name is another one
	}
	b.put(e, change, done(e))
}

func keyOf(resource history.Resource, name, uid string) string {
	return string(resource) + "/" + name + "/" + uid
}

// done reports whether a version of an object that is being deleted is the last, for which the API server waits for nothing.
func done(e *history.Event) bool {
	return e.Terminating() && len(e.Finalizers) == 0 && (e.DeletionGrace == nil || *e.DeletionGrace == 0)
}

// put adds a version of an object, and removes another one of its name.
func (b *builder) put(e *history.Event, change history.Change, gone bool) {
	now := b.state.Get(e.Resource, e.Name)
	if b.state.HasGone(e.UID) || (change != history.Modified && now != nil && now.UID == e.UID) {
		return
	}
	if history.SameNode(now, e) {
		return
	}
	if now != nil && now.UID != e.UID {
		b.seq++
		b.h.Gaps = append(b.h.Gaps, history.Gap{
			Seq: b.seq, Resource: e.Resource, From: now.At, To: b.at, Reason: fmt.Sprintf("the log has no deletion of %s, which another object of that name replaced", e.Name),
		})
		missing := *now
		missing.By = ""
		b.append(&missing, history.Missing)
	}
	if gone {
		change = history.Deleted
	}
	b.append(e, change)
}

func (b *builder) append(e *history.Event, change history.Change) {
	b.seq++
	is := *e // nodes are in the histories of several namespaces
	is.Seq, is.At, is.Change = b.seq, b.at, change
	b.h.Events = append(b.h.Events, &is)
	b.state.Apply(&is)
}

// deleted takes note of a deletion of which the answer does not show the object: the API server does at once what it need not wait for.
func (b *builder) deleted(w *write, now *history.Event, by string) {
	if now == nil {
		b.requested[keyOf(w.resource(), w.Name, w.UID)] = by
		return
	}
	e := *now
	e.By = by
	atOnce := w.gone != "" || now.Terminating() || (len(now.Finalizers) == 0 && (now.Pod == nil || now.Pod.Node == "" || now.Pod.Finished()))
	switch {
	case now.Terminating() && w.Subresource == "eviction":
		return
	case now.Terminating():
		e.By = ""
	case !atOnce:
		at := metav1.NewTime(w.at.UTC().Truncate(time.Second))
		e.DeletionTimestamp = &at
		if e.Pod != nil {
			e.DeletionGrace = e.Pod.Grace
		}
	}
	b.put(&e, history.Modified, atOnce)
}

// scaled takes note of a request to the subresource scale, which is answered with the number alone.
func (b *builder) scaled(w *write, now *history.Event) {
	if now == nil || now.Set == nil || now.UID != w.scale.UID || now.Set.Replicas == w.scale.Spec.Replicas {
		return
	}
	e := *now
	set := *now.Set
	set.Replicas = w.scale.Spec.Replicas
	e.Set, e.ResourceVersion, e.By = &set, w.scale.ResourceVersion, w.by
	e.Generation++ // a change of a spec makes a generation
	b.put(&e, history.Modified, false)
}
