package judge

import (
	"slices"
	"sort"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// owner returns the set that controls the pod as of the events added so far, or nil.
func (p *podLife) owner() *setLife {
	if len(p.owners) == 0 {
		return nil
	}
	return p.owners[len(p.owners)-1].set
}

// ownerAt returns who controlled the pod at that point of the history.
func (p *podLife) ownerAt(seq int) ownership {
	i := len(p.owners) - 1
	for i > 0 && p.owners[i].from.Seq > seq {
		i--
	}
	return p.owners[i]
}

// isReady reports whether the pod is Running, Ready and not terminating as of the events added so far.
func (p *podLife) isReady() bool { return len(p.ready) > 0 && p.ready[len(p.ready)-1].to == nil }

// readyBefore returns the last stretch of readiness that began before that point of the history, or nil.
func (p *podLife) readyBefore(seq int) *interval {
	i := sort.Search(len(p.ready), func(i int) bool { return p.ready[i].from.Seq >= seq })
	if i == 0 {
		return nil
	}
	return &p.ready[i-1]
}

// readyAt returns the stretch of readiness that the pod was in at that moment, or nil.
func (p *podLife) readyAt(at time.Duration) *interval {
	for i := range p.ready {
		if r := &p.ready[i]; r.from.At <= at && (r.to == nil || r.to.At > at) {
			return r
		}
	}
	return nil
}

// readyDuring reports whether the pod was Ready at some moment of a stretch.
func (p *podLife) readyDuring(from, to time.Duration) bool {
	return slices.ContainsFunc(p.ready, func(r interval) bool { return r.from.At <= to && (r.to == nil || r.to.At >= from) })
}

// ownerBy returns the set that controlled the pod at that moment, or nil.
func (p *podLife) ownerBy(at time.Duration) *setLife {
	i := len(p.owners) - 1
	for i > 0 && p.owners[i].from.At > at {
		i--
	}
	return p.owners[i].set
}

// first is the pod's earliest event.
func (p *podLife) first() *history.Event { return p.events[0] }

// terminatingAt reports whether the pod's deletion had been requested at that point of the history.
func (p *podLife) terminatingAt(seq int) bool { return p.deleting != nil && p.deleting.Seq <= seq }

// aliveAt reports whether the pod existed at that point of the history.
func (p *podLife) aliveAt(seq int) bool {
	return p.first().Seq <= seq && (p.gone == nil || p.gone.Seq > seq)
}

// at returns the pod's newest version at that point of the history, or nil.
func (p *podLife) at(seq int) *history.Event {
	i := sort.Search(len(p.events), func(i int) bool { return p.events[i].Seq > seq })
	if i == 0 {
		return nil
	}
	return p.events[i-1]
}

// life returns the newest pod of an ordinal as of that point of the history, gone or not, or nil if there was none.
func (s *setLife) life(ordinal, seq int) *podLife {
	lives := s.byOrdinal[ordinal]
	i := sort.Search(len(lives), func(i int) bool { return lives[i].first().Seq > seq })
	if i == 0 {
		return nil
	}
	return lives[i-1]
}

// specsUntil counts the versions of the spec that had arrived by then.
func (s *setLife) specsUntil(at time.Duration) int {
	return sort.Search(len(s.specs), func(i int) bool { return s.specs[i].At > at })
}

// onlyTouched reports whether a version of a set differs from the one before in nothing that its controller has to react to.
func onlyTouched(was, now *history.Event) bool {
	return was.Generation == now.Generation && was.Set.Status == now.Set.Status && was.Terminating() == now.Terminating() && !now.Gone()
}

// latest returns the newest version of the set at that moment, or nil.
func (s *setLife) latest(at time.Duration) *history.Event {
	n := s.versionsUntil(at)
	if n == 0 {
		return nil
	}
	return s.events[n-1]
}

// versionsUntil counts the versions that had arrived by then.
func (s *setLife) versionsUntil(at time.Duration) int {
	return sort.Search(len(s.events), func(i int) bool { return s.events[i].At > at })
}

// policy returns the pod management policy, which cannot change.
func (s *setLife) policy() appsv1.PodManagementPolicyType {
	if len(s.events) == 0 {
		return ""
	}
	return s.events[0].Set.Policy
}
