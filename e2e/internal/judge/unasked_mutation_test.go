package judge_test

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// unaskedMutations do what breaks nothing yet that a user would see: a reference, a grace period or an endpoint is wrong.
func unaskedMutations() []furtherMutation {
	return []furtherMutation{
		{contract.StorageDeleteKeeps, "a set comes to own a claim under Retain", ownClaimUnasked("StatefulSet", retainsAll)},
		{contract.StorageDataSurvives, "a pod in range comes to own its claim under Retain", ownClaimUnasked("Pod", retainsAll)},
		{contract.StorageRetentionFailure, "a pod in range comes to own its claim under Delete", ownClaimUnasked("Pod", deletesSome)},
		{contract.IdentityAtMostOne, "the garbage collector deletes pods by force", collectByForce},
		{contract.IdentityOwnership, "a pod is adopted without blockOwnerDeletion", adoptWithoutBlock},
		{contract.IdentityTemplate, "a pod gets a shorter grace period than its template says", onCreatedPod(func(_ *mutableHistory, _, p *object) bool {
			p.first().Pod.Grace = new(*p.first().Pod.Grace / 2)
			return *p.first().Pod.Grace > 0
		})},
		{contract.DNSEndpointConditions, "a pod that is Ready is left out", leaveOut},
	}
}

// ownClaimUnasked makes a set, or a pod in its range, the owner of a claim in the middle of its life.
func ownClaimUnasked(kind string, policy func(*history.Set) bool) mutation {
	return func(h *mutableHistory) bool {
		for _, c := range h.shuffled(history.Claims) {
			set, n := h.claimOf(c)
			at := c.first().At + 4*time.Second
			if set == nil || !set.every(policy) || h.deletedByTest(c) || c.deletion() != nil || len(c.last().Owners) > 0 || at > h.end || !set.alive(at+time.Second) || !set.specUnchanged(at-4*time.Second, at+time.Second) {
				continue
			}
			owner := set
			if kind == "Pod" {
				owner = h.pod(set, n, at)
			}
			v := set.at(at)
			if owner == nil || v == nil || !inRange(v, n) || set.deletion() != nil || owner.first().At > at-time.Second || owner.last().Controller() == nil && kind == "Pod" {
				continue
			}
			h.insert(c.at(at), at, func(e *history.Event) {
				e.Owners = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: kind, Name: owner.name, UID: owner.uid, Controller: new(true), BlockOwnerDeletion: new(true)}}
			})
			return true
		}
		return false
	}
}

// collectByForce deletes the pods of a deleted set, whose containers run, at once.
func collectByForce(h *mutableHistory) bool {
	for _, set := range h.shuffled(history.Sets) {
		d := set.deletion()
		if d == nil {
			continue
		}
		var cut []*history.Event
		for _, p := range h.podsOf(set) {
			gone := p.deletion()
			if gone == nil || gone.At < d.At || h.deletedByTest(p) || h.controllerDeletion(p) != nil || evicted(p) != nil || p.last().Controller() == nil || p.last().Controller().UID != set.uid {
				continue
			}
			if was := p.at(gone.At - time.Millisecond); was != nil && was.Pod.Node != "" && !was.Pod.Stopped() && !gone.Pod.Finished() && *gone.Pod.Grace > 0 {
				cut = append(cut, gone)
			}
		}
		if len(cut) < 2 || (cut[1].At-cut[0].At).Abs() > time.Second {
			continue
		}
		for _, e := range cut {
			e.DeletionGrace = new(int64)
			h.collected[e.UID] = true
		}
		return true
	}
	return false
}

// adoptWithoutBlock takes blockOwnerDeletion from the reference with which a set adopts a pod.
func adoptWithoutBlock(h *mutableHistory) bool {
	for _, p := range h.shuffled(history.Pods) {
		for i, e := range p.versions {
			if i == 0 || e.Controller() == nil || p.versions[i-1].Controller() != nil || h.byUID(history.Sets, e.Controller()) == nil {
				continue
			}
			for _, later := range p.versions[i:] {
				later.Owners = slices.Clone(later.Owners)
				for k := range later.Owners {
					later.Owners[k].BlockOwnerDeletion = nil
				}
			}
			return true
		}
	}
	return false
}

// leaveOut takes a pod from a version of an EndpointSlice that is written long after the pod was Ready, and that lists another one of its node.
func leaveOut(h *mutableHistory) bool {
	for _, slice := range h.shuffled(history.Slices) {
		for _, p := range h.shuffled(history.Pods) {
			ready := p.ready()
			if ready == nil {
				continue
			}
			at := ready.At + 4*time.Second
			was := slice.at(at)
			if was == nil || was.Gone() || !p.unchanged(ready.At, at+time.Second) || !slice.unchanged(at-time.Second, at+time.Second) {
				continue
			}
			i := slices.IndexFunc(was.Slice.Endpoints, func(endpoint history.Endpoint) bool { return endpoint.TargetUID == p.uid })
			node := func(of types.UID) string {
				return h.byUID(history.Pods, &metav1.OwnerReference{UID: of}).last().Pod.Node
			}
			beside := func(endpoint history.Endpoint) bool {
				return endpoint.TargetUID != p.uid && node(endpoint.TargetUID) == node(p.uid)
			}
			if i < 0 || !slices.ContainsFunc(was.Slice.Endpoints, beside) {
				continue
			}
			h.insert(was, at, func(e *history.Event) { e.Slice.Endpoints = slices.Delete(slices.Clone(e.Slice.Endpoints), i, i+1) })
			return true
		}
	}
	return false
}
