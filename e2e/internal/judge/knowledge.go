package judge

import (
	"fmt"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// knowledge says what the controller could have known of a pod that its act should have waited for (rule G2).
type knowledge int

const (
	// violation: the act cannot be explained by a lagging view.
	violation knowledge = iota
	// allowedStale: the pod was as it should be until less than the lag before the act.
	allowedStale
	// unknownToController: it was lost longer ago than the lag, but nothing shows that the controller knew.
	unknownToController
)

// knewOf judges an act that should have waited for a pod to be Running and Ready and did not: p is the newest pod of the
// ordinal in question, nil if there never was one. since is the moment from which the pod's state spoke against the act, why a
// clause that describes it.
func (m *model) knewOf(p *podLife, act *history.Event) (st knowledge, since time.Duration, why string) {
	if p == nil {
		return violation, 0, "did not exist"
	}
	ready := p.readyBefore(act.Seq)
	if ready == nil {
		why = "was not Ready (and never became so)"
		for _, s := range p.ready {
			if s.from.Seq > act.Seq {
				why = fmt.Sprintf("was not Ready (Ready at %s)", s.from.Aside())
				break
			}
		}
		if p.gone != nil && p.gone.Seq < act.Seq {
			why = fmt.Sprintf("was gone (since %s) without ever having been Ready", p.gone.Aside())
		}
		if p.created == nil {
			// It existed before the recording: whether it had been Ready then, nobody saw.
			return unknownToController, p.first().At, why
		}
		return violation, p.first().At, why
	}
	lost, left := ready.to, p.set.releaseOf(p)
	if lost == nil && left != nil && left.Seq < act.Seq {
		lost = left
	}
	switch {
	case lost == nil:
		return allowedStale, act.At, "was Ready"
	case lost == left:
		why = fmt.Sprintf("was released (since %s)", lost.Aside())
	case p.gone != nil && p.gone.Seq < act.Seq:
		why = fmt.Sprintf("was gone (since %s)", p.gone.Aside())
	case p.deleting != nil && p.deleting.Seq < act.Seq:
		why = fmt.Sprintf("was terminating (since %s)", p.deleting.Aside())
	default:
		why = fmt.Sprintf("was no longer Ready (since %s)", lost.Aside())
	}
	switch {
	case act.At-lost.At <= m.h.Header.Lag:
		return allowedStale, lost.At, why
	case !p.set.statusReflected(lost, act):
		return unknownToController, lost.At, why + ", which the set's status had not shown yet"
	}
	return violation, lost.At, why
}

// statusReflected reports whether between a loss and an act the set's status counted fewer pods than before the loss: then its
// controller knew.
func (s *setLife) statusReflected(lost, act *history.Event) bool {
	n := s.versionsUntil(lost.At)
	if n == 0 {
		return false
	}
	before := s.events[n-1].Set.Status
	for _, e := range s.events[n:] {
		if e.At > act.At {
			return false
		}
		now := e.Set.Status
		if now.Ready < before.Ready || now.Available < before.Available || now.Replicas < before.Replicas ||
			now.Current+now.Updated < before.Current+before.Updated {
			return true
		}
	}
	return false
}

// maybeNotInCache reports whether at an act the set's controller may not have known a pod yet (rule G2): it is new, the controller
// did not delete it, and no status had counted as many pods as there were with it.
func (m *model) maybeNotInCache(p *podLife, act *history.Event, with int) bool {
	if p.created == nil || act.At-p.created.At > m.h.Header.Lag || (p.deleting != nil && p.deleting.Seq < act.Seq && m.byController(p)) {
		return false
	}
	for _, e := range p.set.events[p.set.versionsUntil(p.created.At):] {
		if e.At > act.At {
			break
		}
		if int(e.Set.Status.Replicas) >= with {
			return false
		}
	}
	return true
}
