package judge

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// claimTemplates returns the names of the set's claim templates, which cannot change.
func (s *setLife) claimTemplates() []string {
	if len(s.events) == 0 {
		return nil
	}
	return s.events[0].Set.ClaimTemplates
}

// claim returns the newest claim of a name at that moment, gone or not, or nil.
func (m *model) claim(name string, at time.Duration) *claimLife {
	lives := m.claimsNamed[name]
	i := sort.Search(len(lives), func(i int) bool { return lives[i].events[0].At > at })
	if i == 0 {
		return nil
	}
	return lives[i-1]
}

// claimUsedFrom returns the claim that a pod may use from that moment on: the existing one, or else the first one created within the
// lag, or nil.
func (m *model) claimUsedFrom(name string, at time.Duration) *claimLife {
	lives := m.claimsNamed[name]
	i := sort.Search(len(lives), func(i int) bool { return lives[i].gone == nil || lives[i].gone.At > at })
	if i == len(lives) || !m.withinLag(at, lives[i].events[0].At) {
		return nil
	}
	return lives[i]
}

// at returns the claim's newest version at that moment, its first one before that.
func (c *claimLife) at(at time.Duration) *history.Event {
	i := sort.Search(len(c.events), func(i int) bool { return c.events[i].At > at })
	return c.events[max(i-1, 0)]
}

// last is the claim's newest version.
func (c *claimLife) last() *history.Event { return c.events[len(c.events)-1] }

// claimsRetained reports whether all claims of a pod are the same at both moments, Bound to the same volumes.
func (m *model) claimsRetained(s *setLife, pod string, from, to time.Duration) bool {
	for _, t := range s.claimTemplates() {
		c := m.claim(t+"-"+pod, from)
		if c == nil || c != m.claim(t+"-"+pod, to) || (c.deleting != nil && c.deleting.At <= to) {
			return false
		}
		was, is := c.at(from), c.at(to)
		if is.Claim.Phase != corev1.ClaimBound || is.Claim.Volume != was.Claim.Volume {
			return false
		}
	}
	return len(s.claimTemplates()) > 0
}

// findClaimants finds the sets that a claim may be for, oldest first, by the part of its name before the last dash.
func (m *model) findClaimants() {
	m.claimants = map[string][]*setLife{}
	for _, s := range m.sets {
		for _, t := range s.claimTemplates() {
			m.claimants[t+"-"+s.name] = append(m.claimants[t+"-"+s.name], s)
		}
	}
	for _, sets := range m.claimants {
		slices.SortStableFunc(sets, func(a, b *setLife) int { return a.events[0].Seq - b.events[0].Seq })
	}
}

// claimant returns the newest set that the claim of that name may be for and that may have existed at that moment, whatever the skew of the watches,
// and the name of its pod.
func (m *model) claimant(claim string, at time.Duration) (*setLife, string) {
	i := strings.LastIndexByte(claim, '-')
	if i < 0 || history.Ordinal(claim) < 0 {
		return nil, ""
	}
	for _, s := range slices.Backward(m.claimants[claim[:i]]) {
		if by(s.events[0], at) != no {
			return s, s.name + claim[i:]
		}
	}
	return nil, ""
}

// ownedByOther reports whether the claim has an ownerReference to another object than the set and the pod of that name: the garbage
// collector then follows that owner too.
func ownedByOther(claim *history.Event, s *setLife, pod string) bool {
	for _, o := range claim.Owners {
		if (o.Kind != "StatefulSet" || o.Name != s.name) && (o.Kind != "Pod" || o.Name != pod) {
			return true
		}
	}
	return false
}

// deletes reports whether a retention policy says Delete.
func deletes(p appsv1.PersistentVolumeClaimRetentionPolicyType) bool {
	return p == appsv1.DeletePersistentVolumeClaimRetentionPolicyType
}

// during reports whether f holds for a version of the set that was current between the two moments.
func (s *setLife) during(from, to time.Duration, f func(*history.Event) bool) bool {
	for _, v := range s.specs[max(s.specsUntil(from)-1, 0):] {
		if v.At > to {
			return false
		}
		if f(v) {
			return true
		}
	}
	return false
}

// missingClaims checks that a pod's claims are created: the controller does so before it creates the pod, or in a later sync of the Pending pod.
// A claim that was removed is another guarantee's, storage/claim-recreated.
func (res *results) missingClaims(s *setLife, p *podLife, front frontier) {
	m := res.m
	if p.created == nil || p.ordinal > front.ordinal || !inRange(s.specs[len(s.specs)-1], p.ordinal) || !p.pendingAt(m.h.Duration()) || p.owner() != s {
		return
	}
	since, overdue := max(front.since, p.created.At), m.actDeadline()
	for _, t := range s.claimTemplates() {
		name := t + "-" + p.name
		if len(m.claimsNamed[name]) > 0 {
			continue
		}
		since, tried := m.triedAgain(s, since)
		waited := m.h.Duration() - since
		switch {
		case !tried:
			res.excuse(contract.StorageClaimPerPod, Refused)
			continue
		case waited <= overdue:
			continue
		}
		res.notDone(contract.StorageClaimPerPod, evidence{
			set: s, since: p.created.At, also: []history.Resource{history.Claims, history.Events}, events: []*history.Event{p.created, p.events[len(p.events)-1]},
			text: fmt.Sprintf("%s was created at %s and is Pending, and for %.1f s, to the end of the recording, its claim %s was not created",
				p.name, p.created.Ref(), waited.Seconds(), name),
		}, since+overdue)
	}
}
