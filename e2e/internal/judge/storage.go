package judge

import (
	"fmt"
	"slices"
	"sort"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func storageChecks() []check {
	return []check{
		{ids: []contract.ID{contract.StorageClaimPerPod, contract.StorageTemplates, contract.StorageTemplateWins}, run: checkClaims},
		{ids: []contract.ID{contract.StorageClaimLabels}, run: checkNewClaims},
		{ids: []contract.ID{
			contract.StorageDataSurvives, contract.StorageRetentionFailure, contract.StorageScaleKeeps, contract.StorageDeleteKeeps,
			contract.StorageWhenScaledDelete, contract.StorageWhenDeletedDelete,
		}, run: checkRetention},
		{ids: []contract.ID{contract.StorageDeletedAfterPods}, run: checkDeletedAfterPods},
		{ids: []contract.ID{contract.StorageInUseProtection}, run: checkClaimInUse},
		{ids: []contract.ID{contract.StorageOwnerBeforeDelete}, run: checkOwnerBeforeDelete},
		{ids: []contract.ID{contract.StorageRetentionChange}, run: checkRetentionChange},
		{ids: []contract.ID{contract.StorageUnboundBlocks}, run: checkUnbound},
		{ids: []contract.ID{contract.StorageClaimRecreated}, run: checkRecreated},
	}
}

// checkClaims: each claim template gives each pod its own claim, Bound to its own volume, which replaces the template's volume of that
// name.
func checkClaims(m *model, res *results) {
	for _, s := range m.sets {
		if len(s.claimTemplates()) == 0 {
			continue
		}
		front, complete := m.frontierOf(s)
		for _, p := range s.pods {
			if p.owners[0].set != s {
				continue
			}
			res.claims(s, p)
			if complete {
				res.missingClaims(s, p, front)
			}
		}
	}
	res.sharedVolumes()
}

// claims checks the claims of one pod.
func (res *results) claims(s *setLife, p *podLife) {
	templates := s.claimTemplates()
	inPod := s.specAt(p.first().At).Set.PodVolumes
	right, replaces := true, false
	for _, t := range templates {
		id := contract.StorageClaimPerPod
		switch {
		case slices.Contains(inPod, t):
			id, replaces = contract.StorageTemplateWins, true
		case len(templates) > 1:
			id = contract.StorageTemplates
		}
		name := t + "-" + p.name
		if got := p.first().Pod.Claims[t]; got != name {
			right = false
			// A pod that existed before the recording may have been created by another client and adopted.
			if p.created != nil {
				res.broken(id, evidence{
					set: s, since: p.created.At, events: []*history.Event{p.created},
					text: fmt.Sprintf("%s was created at %s with the claim %q as its volume %s, expected %q", p.name, p.created.Ref(), got, t, name),
				})
			}
			continue
		}
		readOnly := "volumes[" + t + "].persistentVolumeClaim.readOnly"
		if p.created != nil && p.created.Pod.Template.Parts != "" && len(history.Lost(readOnly, p.created.Pod.Template.Parts)) == 0 {
			right = false
			res.broken(id, evidence{
				set: s, since: p.created.At, events: []*history.Event{p.created}, admitted: true,
				text: fmt.Sprintf("%s was created at %s with its volume %s read-only, which a claim template cannot ask for", p.name, p.created.Ref(), t),
			})
			continue
		}
		if right && len(p.ready) > 0 {
			right = res.boundWhenReady(s, p, name)
		}
	}
	if !right || len(p.ready) == 0 {
		return
	}
	res.exercised(contract.StorageClaimPerPod)
	if len(templates) > 1 {
		res.exercised(contract.StorageTemplates)
	}
	if replaces && p.created != nil {
		res.exercised(contract.StorageTemplateWins)
	}
}

// boundWhenReady reports whether a claim of a Ready pod is Bound, without which the pod cannot start.
func (res *results) boundWhenReady(s *setLife, p *podLife, name string) bool {
	m, ready := res.m, p.ready[0].from
	c := m.claimUsedFrom(name, ready.At)
	if c != nil && c.bound != nil {
		return true
	}
	// One that was re-created just before counts too, though the watch of claims shows the removal of the former later.
	if c := m.claimUsedFrom(name, deliveredBy(ready.At)); c != nil && c.bound != nil {
		return true
	}
	if last := m.claim(name, ready.At); last != nil && last.deleting != nil && m.deletedByTest(last.uid, last.events[0], last.deleting) {
		return false
	}
	// Pods and claims come from two watches: only a state that lasts is a violation.
	if !m.complete() || !m.mustHaveSeen(ready.At, m.h.Duration()) {
		return false
	}
	what, events := "there was no claim "+name, []*history.Event{ready}
	if c != nil {
		what = "its claim " + name + " was never Bound"
		events = []*history.Event{c.last(), ready}
	}
	res.broken(contract.StorageClaimPerPod, evidence{
		set: s, since: p.first().At, until: m.h.Duration(), also: []history.Resource{history.Claims}, events: events,
		text: fmt.Sprintf("%s became Ready at %s although %s", p.name, ready.Ref(), what),
	})
	return false
}

// sharedVolumes checks that no two claims are Bound to one volume at the same time.
func (res *results) sharedVolumes() {
	var bound []*claimLife
	for _, c := range res.m.claims {
		if c.bound != nil && c.bound.Claim.Volume != "" {
			bound = append(bound, c)
		}
	}
	sort.SliceStable(bound, func(i, j int) bool { return bound[i].bound.Seq < bound[j].bound.Seq })
	last := map[string]*claimLife{}
	for _, c := range bound {
		other := last[c.bound.Claim.Volume]
		last[c.bound.Claim.Volume] = c
		if other == nil || (other.gone != nil && other.gone.Seq < c.bound.Seq) {
			continue
		}
		s, _ := res.m.claimant(c.name, c.bound.At)
		if s == nil {
			s, _ = res.m.claimant(other.name, c.bound.At)
		}
		if s != nil {
			res.broken(contract.StorageClaimPerPod, evidence{
				set: s, since: other.bound.At, events: []*history.Event{other.bound, c.bound},
				text: fmt.Sprintf("claim %s was Bound at %s to volume %s, to which %s was Bound already (%s)",
					c.name, c.bound.Ref(), c.bound.Claim.Volume, other.name, other.bound.Aside()),
			})
		}
	}
}

// unboundFrom returns the claims of a pod that were not Bound when it was created, whatever the skew of the watches. A claim that never
// was Bound may have been replaced while the pod was Pending: then it returns the replacement.
func (m *model) unboundFrom(s *setLife, p *podLife) []*claimLife {
	var out []*claimLife
	for _, t := range s.claimTemplates() {
		c := m.claimUsedFrom(t+"-"+p.name, p.first().At)
		lives := m.claimsNamed[t+"-"+p.name]
		for k := slices.Index(lives, c) + 1; c != nil && c.bound == nil && c.gone != nil && k < len(lives) && p.pendingAt(lives[k].events[0].At); k++ {
			c = lives[k]
		}
		if c != nil && c.gone == nil && (c.bound == nil || before(c.bound, p.first()) == no) {
			out = append(out, c)
		}
	}
	return out
}

// checkUnbound: a pod whose claim is not Bound stays Pending, no later pod is created, and both proceed once the claim is Bound.
func checkUnbound(m *model, res *results) {
	const id = contract.StorageUnboundBlocks
	for i, s := range m.sets {
		if !s.ordered() {
			continue
		}
		for _, p := range s.pods {
			if p.created == nil || p.owners[0].set != s {
				continue
			}
			for _, c := range m.unboundFrom(s, p) {
				res.ranUnbound(s, p, c)
				res.blocked(s, p, c)
			}
		}
		for _, cr := range m.actions[i].creations {
			for _, o := range cr.blocking {
				if o.pod == nil || !o.pod.aliveAt(cr.event.Seq) {
					continue
				}
				for _, c := range m.unboundFrom(s, o.pod) {
					// The controller cannot have seen a claim Bound that was not, however late its caches are.
					if c.bound == nil || !withinSkew(cr.event.At, c.bound.At) && before(cr.event, c.bound) == yes {
						act := fmt.Sprintf("%s was created at %s while claim %s of %s was not Bound: ", cr.pod.name, cr.event.Ref(), c.name, o.pod.name)
						res.addBlockingPods(id, s, act, cr.event, []blockingPod{o})
					}
				}
			}
		}
	}
}

// ranUnbound checks that a pod did not run before its claim was Bound.
func (res *results) ranUnbound(s *setLife, p *podLife, c *claimLife) {
	const id = contract.StorageUnboundBlocks
	ran := p.running()
	if ran == nil || (c.bound == nil && (len(p.ready) > 0 || res.m.h.End == nil || !res.m.h.End.Complete)) {
		return // claims reports a Ready pod without a Bound claim
	}
	ch := evidence{
		set: s, since: p.first().At, also: []history.Resource{history.Claims}, events: []*history.Event{ran, c.bound},
		text: fmt.Sprintf("%s was Running at %s before its claim %s was Bound", p.name, ran.Ref(), c.name),
	}
	end := res.m.h.Duration()
	if c.bound == nil {
		ch.until, ch.text = res.m.h.Duration(), ch.text+", which it never was"
	} else {
		end, ch.text = c.bound.At, ch.text+" at "+c.bound.Ref()
	}
	switch {
	case end <= ran.At:
	case withinSkew(ran.At, end), c.bound != nil && before(ran, c.bound) != yes: // the watch of claims may have been late
		res.excuse(id, WatchSkew)
	case !res.m.mustHaveSeen(ran.At, end):
		res.inconclusive(id, ch)
	default:
		res.broken(id, ch)
	}
}

// running returns the first event that shows the pod Running, or nil.
func (p *podLife) running() *history.Event {
	for _, e := range p.events {
		if e.Pod.Phase == corev1.PodRunning {
			return e
		}
	}
	return nil
}

// blocked counts a claim that kept its pod Pending, and the next pod from being created, until it was Bound.
func (res *results) blocked(s *setLife, p *podLife, c *claimLife) {
	ran := p.running()
	if c.bound == nil || ran == nil || ran.At < surelyBy(c.bound.At) {
		return
	}
	next := nextCreated(s, p.ordinal, p.first().Seq)
	if next != nil && next.At <= c.bound.At {
		return
	}
	res.podWithoutClaim(s, p, c)
	n := p.ordinal + 1
	if s.life(n, p.first().Seq) != nil || !s.wanted(n, deliveredBy(p.first().At), c.bound.At) {
		return
	}
	res.exercisedByWaiting(contract.StorageUnboundBlocks, waitPeriod{from: p.first().At, to: c.bound.At, pod: p},
		fmt.Sprintf("claim %s was not Bound, %s stayed Pending and nothing after it was created", c.name, p.name))
}

// podWithoutClaim reports that the next pod was not created although the claim was Bound and its pod Ready.
func (res *results) podWithoutClaim(s *setLife, p *podLife, c *claimLife) {
	m, n := res.m, p.ordinal+1
	front, complete := m.frontierOf(s)
	if !complete || len(p.ready) == 0 || front.ordinal != n || len(s.byOrdinal[n]) > 0 || !inRange(s.specs[len(s.specs)-1], n) || m.firstBlockedOrdinal(s, n+1, m.h.Duration()) <= n {
		return
	}
	waited, overdue := m.h.Duration()-front.since, m.actDeadline()
	if waited <= overdue || m.nameTaken(n, s, front.since, m.h.Duration()) {
		return
	}
	res.notDone(contract.StorageUnboundBlocks, evidence{
		set: s, since: front.since, until: m.h.Duration(), events: []*history.Event{c.bound, p.ready[len(p.ready)-1].from},
		text: fmt.Sprintf("claim %s was Bound at %s and all pods to %s were Ready, and for %.1f s, to the end of the recording, %s-%d was not created",
			c.name, c.bound.Ref(), p.name, waited.Seconds(), s.name, n),
	}, front.since+overdue)
}

// checkRecreated: the next sync of the set re-creates a missing claim of a Pending pod.
func checkRecreated(m *model, res *results) {
	const id = contract.StorageClaimRecreated
	overdue := m.actDeadline()
	for _, s := range m.sets {
		if len(s.claimTemplates()) == 0 {
			continue
		}
		front, complete := m.frontierOf(s)
		for _, p := range s.pods {
			for _, t := range s.claimTemplates() {
				name := t + "-" + p.name
				for k, c := range m.claimsNamed[name] {
					// The claim must have been removed after the pod's creation, whatever the skew of the watches.
					if c.gone == nil || c.gone.At < deliveredBy(p.first().At) || !p.pendingAt(c.gone.At) {
						continue
					}
					if k+1 < len(m.claimsNamed[name]) {
						if again := m.claimsNamed[name][k+1]; again.created != nil && !m.createdByTest(history.Claims, name) && p.pendingAt(surelyBy(again.created.At)) {
							res.exercised(id)
						}
						continue
					}
					touched := s.firstTouchAfter(c.gone.At)
					if !complete || p.ordinal > front.ordinal || !inRange(s.specs[len(s.specs)-1], p.ordinal) || touched == nil ||
						!p.pendingAt(m.h.Duration()) || p.owner() != s {
						continue
					}
					since, tried := m.triedAgain(s, max(touched.At, front.since))
					if !tried {
						res.excuse(id, Refused)
						continue
					}
					if waited := m.h.Duration() - since; waited > overdue {
						res.notDone(id, evidence{
							set: s, since: since, until: m.h.Duration(), also: []history.Resource{history.Pods, history.Events}, events: []*history.Event{c.gone, touched},
							text: fmt.Sprintf("claim %s of the Pending %s was removed at %s, the set changed at %s, and for %.1f s, to the end of the recording, the claim was not re-created",
								name, p.name, c.gone.Ref(), touched.Ref(), waited.Seconds()),
						}, since+overdue)
					}
				}
			}
		}
	}
}

// pendingAt reports whether the pod existed at that moment, was Pending and not terminating.
func (p *podLife) pendingAt(at time.Duration) bool {
	i := sort.Search(len(p.events), func(i int) bool { return p.events[i].At > at })
	if i == 0 {
		return false
	}
	e := p.events[i-1]
	return e.Pod.Phase == corev1.PodPending && !e.Terminating() && !e.Gone()
}
