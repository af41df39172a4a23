package judge

import (
	"fmt"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// knowledge says what the controller could have known of a pod that its act should have waited for.
type knowledge int

const (
	// violation: the act cannot be explained by a lagging view.
	violation knowledge = iota
	// allowedStale: the pod was as it should be until less than the lag before the act.
	allowedStale
	// unknownToController: it was lost longer ago than the lag, but nothing shows that the controller knew.
	unknownToController
)

// formerStillCached reports whether at an act the informer cache may have had the pod of the same name before p, as Ready: that one was created so shortly
// before p that the controller may have created p before its cache had either, or somebody else created p. What it deleted itself its cache had.
func (m *model) formerStillCached(p *podLife, act *history.Event) bool {
	former := p.predecessorIncarnation
	if former == nil || former.set != p.set || m.maybeByController(former) {
		return false
	}
	if p.owners[0].set == p.set && (former.created == nil || !m.mayHaveMissed(former.created, p.first())) {
		return false
	}
	was := former.readyBefore(act.Seq)
	return was != nil && (was.to == nil || m.mayHaveMissed(was.to, act))
}

// knewOf judges an act that should have waited for a pod to be Running and Ready and did not: p is the newest pod of the
// ordinal in question, nil if there never was one. since is the moment from which the pod's state spoke against the act, why a
// clause that describes it.
func (m *model) knewOf(p *podLife, act *history.Event) (st knowledge, since time.Duration, why string) {
	if p == nil {
		return violation, 0, "did not exist"
	}
	ready := p.readyBefore(act.Seq)
	if ready == nil && m.formerStillCached(p, act) {
		return allowedStale, p.first().At, "was there before"
	}
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
	case m.mayHaveMissed(lost, act):
		return allowedStale, lost.At, why
	case !p.set.statusReflected(lost, act) && !m.statusCounted(p, lost, act):
		return unknownToController, lost.At, why + ", which the set's status had not shown yet"
	}
	return violation, lost.At, why
}
