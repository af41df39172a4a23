package simulator

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// createClaims creates the claims that a pod lacks.
func (s *setSync) createClaims(r *replica) bool {
	cl, ok := s.c.cl, true
	for _, t := range s.claimOrder() {
		name := t + "-" + r.name
		seen := s.c.cache.Get(history.Claims, name)
		switch {
		case seen != nil:
			ok = ok && !seen.Terminating()
		case cl.get(history.Claims, name, "") != nil:
			ok = false // it exists, but not yet in the cache
		default:
			s.c.recordWrite(s.set.Name, cl.builder.Add(cl.admit(&history.Event{
				Resource: history.Claims, Claim: &history.Claim{Phase: corev1.ClaimPending, Class: "standard", Request: s.set.Set.ClaimRequests[t]},
				Meta: history.Meta{Name: name, Labels: s.claimLabels(t), Owners: s.firstClaimOwners(r)},
			})))
		}
	}
	return ok
}

// claimLabels returns the labels of a new claim: those of its template and, before them, those of the selector.
func (s *setSync) claimLabels(template string) map[string]string {
	out := map[string]string{}
	maps.Copy(out, s.set.Set.ClaimLabels[template])
	maps.Copy(out, s.set.Set.Selector)
	return out
}

// podClaimIsStale reports whether a claim of a pod that is still to be created names an earlier pod of that name as owner.
func (s *setSync) podClaimIsStale(r *replica) bool {
	if s.set.Set.WhenScaled != deletePolicy {
		return false
	}
	for _, t := range s.set.Set.ClaimTemplates {
		if c := s.c.cache.Get(history.Claims, t+"-"+r.name); c != nil && hasStaleOwner(c, "Pod", r.name, "") {
			return true
		}
	}
	return false
}

// hasStaleOwner reports whether the claim names an owner of that kind and name with another UID.
func hasStaleOwner(claim *history.Event, kind, name, uid string) bool {
	for _, o := range claim.Owners {
		if o.Kind == kind && o.Name == name {
			return string(o.UID) != uid
		}
	}
	return false
}

// hasOtherController reports whether the controller of a claim is neither a pod nor a set: the retention policy is then not applied to it.
func hasOtherController(claim *history.Event) bool {
	c := claim.Controller()
	return c != nil && c.Kind != "Pod" && c.Kind != "StatefulSet"
}

// updateClaimOwners sets the ownerReferences of a pod's claims by the retention policy.
func (s *setSync) updateClaimOwners(r *replica) bool {
	for _, t := range s.set.Set.ClaimTemplates {
		c := s.c.cache.Get(history.Claims, t+"-"+r.name)
		if c == nil || hasStaleOwner(c, "StatefulSet", s.set.Name, string(s.set.UID)) || hasStaleOwner(c, "Pod", r.name, string(r.uid())) ||
			hasOtherController(c) {
			continue
		}
		want := s.wantedClaimOwners(r)
		if slices.EqualFunc(c.Owners, want, func(a, b metav1.OwnerReference) bool { return a.UID == b.UID }) {
			continue
		}
		live := s.c.cl.get(history.Claims, c.Name, c.UID)
		if live == nil || live.ResourceVersion != c.ResourceVersion {
			return false
		}
		s.c.recordWrite(s.set.Name, s.c.cl.builder.Change(history.Claims, c.Name, func(e *history.Event) { e.Owners = want }))
	}
	return true
}

// wantedClaimOwners returns the ownerReferences that the retention policy gives a pod's claims.
func (s *setSync) wantedClaimOwners(r *replica) []metav1.OwnerReference {
	spec := s.set.Set
	inRange := r.ordinal >= int(spec.Start) && r.ordinal < int(spec.Start+spec.Replicas)
	ofPod := spec.WhenScaled == deletePolicy && !inRange && r.pod != nil
	ofSet := spec.WhenDeleted == deletePolicy && !(spec.WhenScaled == deletePolicy && !inRange)
	switch {
	case ofSet:
		return controllerRef("StatefulSet", s.set.Name, s.set.UID)
	case ofPod:
		return controllerRef("Pod", r.name, r.pod.UID)
	}
	return nil
}
