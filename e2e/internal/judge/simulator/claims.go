package simulator

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// makeClaims makes the claims that a pod lacks.
func (p *pass) makeClaims(r *replica) bool {
	w, ok := p.c.w, true
	for _, t := range p.set.Set.ClaimTemplates {
		name := t + "-" + r.name
		seen := p.c.view.Get(history.Claims, name)
		switch {
		case seen != nil:
			ok = ok && !seen.Terminating()
		case w.get(history.Claims, name, "") != nil:
			ok = false // it is there, only not to be seen yet
		default:
			p.c.sent(p.set.Name, w.s.Add(&history.Event{
				Resource: history.Claims, Claim: &history.Claim{Phase: corev1.ClaimPending, Class: "standard"},
				Meta: history.Meta{Name: name, Labels: p.set.Set.Selector},
			}))
		}
	}
	return ok
}

// staleClaim reports whether a claim of a pod that is still to be made belongs to a former pod of that name.
func (p *pass) staleClaim(r *replica) bool {
	if p.set.Set.WhenScaled != remove {
		return false
	}
	for _, t := range p.set.Set.ClaimTemplates {
		if c := p.c.view.Get(history.Claims, t+"-"+r.name); c != nil && staleRef(c, "Pod", r.name, "") {
			return true
		}
	}
	return false
}

// staleRef reports whether the claim names an owner of that kind and name with another UID.
func staleRef(claim *history.Event, kind, name, uid string) bool {
	for _, o := range claim.Owners {
		if o.Kind == kind && o.Name == name {
			return string(o.UID) != uid
		}
	}
	return false
}

// ownClaims lets the owners of a pod's claims be what the set's policy asks for.
func (p *pass) ownClaims(r *replica) bool {
	for _, t := range p.set.Set.ClaimTemplates {
		c := p.c.view.Get(history.Claims, t+"-"+r.name)
		if c == nil || staleRef(c, "StatefulSet", p.set.Name, string(p.set.UID)) || staleRef(c, "Pod", r.name, string(r.uid())) {
			continue
		}
		want := p.claimOwners(r)
		if slices.EqualFunc(c.Owners, want, func(a, b metav1.OwnerReference) bool { return a.UID == b.UID }) {
			continue
		}
		live := p.c.w.get(history.Claims, c.Name, c.UID)
		if live == nil || live.ResourceVersion != c.ResourceVersion {
			return false
		}
		p.c.sent(p.set.Name, p.c.w.s.Change(history.Claims, c.Name, func(e *history.Event) { e.Owners = want }))
	}
	return true
}

// claimOwners returns whom the set's policy wants to own a pod's claims.
func (p *pass) claimOwners(r *replica) []metav1.OwnerReference {
	spec := p.set.Set
	inRange := r.ordinal >= int(spec.Start) && r.ordinal < int(spec.Start+spec.Replicas)
	ofPod := spec.WhenScaled == remove && !inRange && r.pod != nil
	ofSet := spec.WhenDeleted == remove && !(spec.WhenScaled == remove && !inRange)
	switch {
	case ofSet:
		return controllerRef("StatefulSet", p.set.Name, p.set.UID)
	case ofPod:
		return controllerRef("Pod", r.name, r.pod.UID)
	}
	return nil
}
