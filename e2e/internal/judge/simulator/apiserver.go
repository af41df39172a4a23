package simulator

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// deleteObject handles a request to delete an object with its default options.
func (cl *cluster) deleteObject(e *history.Event) {
	switch e.Resource {
	case history.Pods:
		cl.deletePod(e.Name, e.UID, nil)
	case history.Claims:
		cl.deleteClaim(e.Name, e.UID)
	default:
		cl.removeObject(e.Resource, e.Name, e.UID)
	}
}

// deletePod handles a request to delete a pod; without a grace period the pod's own counts.
func (cl *cluster) deletePod(name string, uid types.UID, grace *int64) {
	e := cl.get(history.Pods, name, uid)
	if e == nil {
		return
	}
	if grace == nil {
		grace = e.Pod.Grace
	}
	switch {
	case *grace == 0 || e.Pod.Node == "" || e.Pod.Finished():
		cl.removeObject(history.Pods, name, uid)
	case !e.Terminating():
		cl.builder.Change(history.Pods, name, func(e *history.Event) {
			end := metav1.NewTime(cl.builder.Timestamp().Add(time.Duration(*grace) * time.Second))
			e.DeletionTimestamp, e.DeletionGrace = &end, grace
		})
	}
}

// deleteClaim handles a request to delete a claim, which its finalizer keeps until no pod uses it.
func (cl *cluster) deleteClaim(name string, uid types.UID) {
	if e := cl.get(history.Claims, name, uid); e == nil || e.Terminating() {
		return
	}
	cl.builder.Change(history.Claims, name, func(e *history.Event) {
		now := cl.builder.Timestamp()
		e.DeletionTimestamp = &now
	})
}

// removeObject removes an object from the API and records its last version. A pod that has a finalizer stays, terminating, until that is taken from it.
func (cl *cluster) removeObject(r history.Resource, name string, uid types.UID) {
	was := cl.get(r, name, uid)
	if was == nil {
		return
	}
	if r == history.Pods && len(was.Finalizers) > 0 {
		if was.DeletionGrace == nil || *was.DeletionGrace > 0 {
			cl.builder.Change(r, name, func(e *history.Event) {
				if e.DeletionTimestamp == nil {
					now := cl.builder.Timestamp()
					e.DeletionTimestamp = &now
				}
				e.DeletionGrace = new(int64)
			})
		}
		return
	}
	e := cl.builder.Remove(r, name)
	if e.DeletionTimestamp == nil {
		now := cl.builder.Timestamp()
		e.DeletionTimestamp = &now
	}
	if r == history.Pods {
		e.DeletionGrace = new(int64)
	}
}
