package simulator

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// handleOwners schedules what the garbage collector does after a change of an object.
func (cl *cluster) handleOwners(e *history.Event) {
	switch {
	case e.Gone() && (e.Resource == history.Sets || e.Resource == history.Pods):
		for _, d := range cl.dependents(e.UID) {
			cl.after(cl.garbageDelay(), func() { cl.collectObject(d.Resource, d.Name, d.UID) })
		}
	case e.Resource == history.Sets && slices.Contains(e.Finalizers, metav1.FinalizerDeleteDependents):
		cl.after(cl.garbageDelay(), func() { cl.deleteInForeground(e.Name, e.UID) })
	case e.Resource == history.Sets && slices.Contains(e.Finalizers, metav1.FinalizerOrphanDependents):
		cl.after(cl.garbageDelay(), func() { cl.orphanDependents(e.Name, e.UID) })
	case !e.Gone() && len(e.Owners) > 0 && slices.ContainsFunc(e.Owners, func(o metav1.OwnerReference) bool { return !cl.alive[o.UID] }):
		cl.after(cl.garbageDelay(), func() { cl.collectObject(e.Resource, e.Name, e.UID) })
	}
}

func (cl *cluster) garbageDelay() time.Duration {
	return cl.durationBetween(10*time.Millisecond, 800*time.Millisecond)
}

// dependents returns the existing objects with an ownerReference to the UID, by resource and name.
func (cl *cluster) dependents(owner types.UID) []*history.Event {
	var out []*history.Event
	for _, r := range []history.Resource{history.Pods, history.Claims, history.Revisions} {
		for _, e := range cl.builder.List(r) {
			if slices.ContainsFunc(e.Owners, func(o metav1.OwnerReference) bool { return o.UID == owner }) {
				out = append(out, e)
			}
		}
	}
	return out
}

// collectObject deletes an object if all its owners are gone, else removes the ownerReferences to owners that are gone.
func (cl *cluster) collectObject(r history.Resource, name string, uid types.UID) {
	e := cl.get(r, name, uid)
	if e == nil || len(e.Owners) == 0 {
		return
	}
	left := slices.DeleteFunc(slices.Clone(e.Owners), func(o metav1.OwnerReference) bool { return !cl.alive[o.UID] })
	switch len(left) {
	case len(e.Owners):
	case 0:
		cl.deleteObject(e)
	default:
		cl.builder.Change(r, name, func(e *history.Event) { e.Owners = left })
	}
}

// deleteInForeground deletes the dependents of a set and, once they are gone, the set.
func (cl *cluster) deleteInForeground(name string, uid types.UID) {
	if cl.get(history.Sets, name, uid) == nil {
		return
	}
	owned := cl.dependents(uid)
	if len(owned) == 0 {
		cl.removeObject(history.Sets, name, uid)
		return
	}
	cl.rng.Shuffle(len(owned), func(i, j int) { owned[i], owned[j] = owned[j], owned[i] })
	for _, e := range owned {
		cl.deleteObject(e)
	}
	cl.after(cl.garbageDelay(), func() { cl.deleteInForeground(name, uid) })
}

// orphanDependents removes the ownerReferences to the set and then the set.
func (cl *cluster) orphanDependents(name string, uid types.UID) {
	if cl.get(history.Sets, name, uid) == nil {
		return
	}
	for _, e := range cl.dependents(uid) {
		cl.builder.Change(e.Resource, e.Name, func(e *history.Event) {
			e.Owners = slices.DeleteFunc(e.Owners, func(o metav1.OwnerReference) bool { return o.UID == uid })
		})
	}
	cl.removeObject(history.Sets, name, uid)
}
