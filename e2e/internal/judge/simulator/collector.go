package simulator

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// The finalizers by which the garbage collector knows what a deletion asked for.
const (
	foreground = "foregroundDeletion"
	orphan     = "orphan"
)

// collect lets the garbage collector take note of a change.
func (w *world) collect(e *history.Event) {
	switch {
	case e.Gone() && (e.Resource == history.Sets || e.Resource == history.Pods):
		for _, d := range w.dependents(e.UID) {
			w.after(w.garbageDelay(), func() { w.cleanUp(d.Resource, d.Name, d.UID) })
		}
	case e.Resource == history.Sets && slices.Contains(e.Finalizers, foreground):
		w.after(w.garbageDelay(), func() { w.foreground(e.Name, e.UID) })
	case e.Resource == history.Sets && slices.Contains(e.Finalizers, orphan):
		w.after(w.garbageDelay(), func() { w.orphan(e.Name, e.UID) })
	case !e.Gone() && len(e.Owners) > 0 && slices.ContainsFunc(e.Owners, func(o metav1.OwnerReference) bool { return !w.alive[o.UID] }):
		w.after(w.garbageDelay(), func() { w.cleanUp(e.Resource, e.Name, e.UID) })
	}
}

func (w *world) garbageDelay() time.Duration {
	return w.between(10*time.Millisecond, 800*time.Millisecond)
}

// dependents returns the living objects that name the UID as an owner, by name.
func (w *world) dependents(owner types.UID) []*history.Event {
	var out []*history.Event
	for _, r := range []history.Resource{history.Pods, history.Claims, history.Revisions} {
		for _, e := range w.s.List(r) {
			if slices.ContainsFunc(e.Owners, func(o metav1.OwnerReference) bool { return o.UID == owner }) {
				out = append(out, e)
			}
		}
	}
	return out
}

// cleanUp deletes an object whose owners are all gone, and takes the references to those that are from any other.
func (w *world) cleanUp(r history.Resource, name string, uid types.UID) {
	e := w.get(r, name, uid)
	if e == nil || len(e.Owners) == 0 {
		return
	}
	left := slices.DeleteFunc(slices.Clone(e.Owners), func(o metav1.OwnerReference) bool { return !w.alive[o.UID] })
	switch len(left) {
	case len(e.Owners):
	case 0:
		w.delete(e)
	default:
		w.s.Change(r, name, func(e *history.Event) { e.Owners = left })
	}
}

// delete is the API server's answer to a request to delete an object that the garbage collector makes.
func (w *world) delete(e *history.Event) {
	switch e.Resource {
	case history.Pods:
		w.deletePod(e.Name, e.UID, nil)
	case history.Claims:
		w.deleteClaim(e.Name, e.UID)
	default:
		w.remove(e.Resource, e.Name, e.UID)
	}
}

// foreground deletes what a set owns, and then the set.
func (w *world) foreground(name string, uid types.UID) {
	if w.get(history.Sets, name, uid) == nil {
		return
	}
	owned := w.dependents(uid)
	if len(owned) == 0 {
		w.remove(history.Sets, name, uid)
		return
	}
	w.rng.Shuffle(len(owned), func(i, j int) { owned[i], owned[j] = owned[j], owned[i] })
	for _, e := range owned {
		w.delete(e)
	}
	w.after(w.garbageDelay(), func() { w.foreground(name, uid) })
}

// orphan takes a set from what it owns, and then away.
func (w *world) orphan(name string, uid types.UID) {
	if w.get(history.Sets, name, uid) == nil {
		return
	}
	for _, e := range w.dependents(uid) {
		w.s.Change(e.Resource, e.Name, func(e *history.Event) {
			e.Owners = slices.DeleteFunc(e.Owners, func(o metav1.OwnerReference) bool { return o.UID == uid })
		})
	}
	w.remove(history.Sets, name, uid)
}

// volumes lets the binder and the protection of claims take note of a change of a claim.
func (w *world) volumes(e *history.Event) {
	name, uid := e.Name, e.UID
	switch {
	case e.Gone():
	case e.Terminating():
		w.after(w.between(time.Millisecond, 100*time.Millisecond), func() { w.unprotect(name, uid) })
	case e.Change == history.Added:
		w.after(w.about(200*time.Millisecond), func() {
			if c := w.get(history.Claims, name, uid); c == nil || c.Terminating() {
				return
			}
			w.s.Change(history.Claims, name, func(e *history.Event) {
				e.Claim.Phase, e.Claim.Volume = corev1.ClaimBound, "pv-"+string(uid)
			})
		})
	}
}

// deleteClaim is the API server's answer to a request to delete a claim.
func (w *world) deleteClaim(name string, uid types.UID) {
	if e := w.get(history.Claims, name, uid); e == nil || e.Terminating() {
		return
	}
	w.s.Change(history.Claims, name, func(e *history.Event) {
		now := w.s.Timestamp()
		e.DeletionTimestamp = &now
	})
}

// unprotect removes a deleted claim once no pod on a node uses it.
func (w *world) unprotect(name string, uid types.UID) {
	if w.get(history.Claims, name, uid) == nil {
		return
	}
	for _, p := range w.s.List(history.Pods) {
		if p.Pod.Node == "" || p.Pod.Finished() {
			continue
		}
		for _, c := range p.Pod.Claims {
			if c == name {
				w.after(150*time.Millisecond, func() { w.unprotect(name, uid) })
				return
			}
		}
	}
	w.remove(history.Claims, name, uid)
}
