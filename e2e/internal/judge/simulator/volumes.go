package simulator

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// handleClaim schedules what the volume binder and the PVC protection controller do after a change of a claim.
func (cl *cluster) handleClaim(e *history.Event) {
	name, uid := e.Name, e.UID
	switch {
	case e.Gone():
	case e.Terminating():
		cl.after(cl.durationBetween(time.Millisecond, 100*time.Millisecond), func() { cl.removeUnusedClaim(name, uid) })
	case e.Change == history.Added:
		cl.after(cl.jitter(200*time.Millisecond), func() {
			if c := cl.get(history.Claims, name, uid); c == nil || c.Terminating() {
				return
			}
			cl.builder.Change(history.Claims, name, func(e *history.Event) {
				e.Claim.Phase, e.Claim.Volume = corev1.ClaimBound, "pv-"+string(uid)
			})
		})
	}
}

// removeUnusedClaim removes a terminating claim once no scheduled, unfinished pod uses it.
func (cl *cluster) removeUnusedClaim(name string, uid types.UID) {
	if cl.get(history.Claims, name, uid) == nil {
		return
	}
	for _, p := range cl.builder.List(history.Pods) {
		if p.Pod.Node == "" || p.Pod.Finished() {
			continue
		}
		for _, c := range p.Pod.Claims {
			if c == name {
				cl.after(150*time.Millisecond, func() { cl.removeUnusedClaim(name, uid) })
				return
			}
		}
	}
	cl.removeObject(history.Claims, name, uid)
}
