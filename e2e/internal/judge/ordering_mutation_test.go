package judge_test

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func orderingMutations() map[contract.ID]mutation {
	return map[contract.ID]mutation{
		contract.OrderingCreate:         createEarly(func(c orderedCreation) bool { return c.first && !c.scaledUp }),
		contract.OrderingScaleUp:        createEarly(func(c orderedCreation) bool { return c.first && c.scaledUp }),
		contract.OrderingHeals:          createEarly(func(c orderedCreation) bool { return !c.first && !c.scaledUp }),
		contract.OrderingCreateHalts:    createEarly(func(c orderedCreation) bool { return c.waited > 1200*time.Millisecond }),
		contract.OrderingChangeOfMind:   createEarly(func(c orderedCreation) bool { return c.interrupted }),
		contract.OrderingMinReady:       resetReadyTransition(1),
		contract.OrderingParallel:       blockParallel,
		contract.OrderingScaleDown:      scaleDownEarly(func(*history.Event, *object) bool { return true }),
		contract.OrderingScaleDownHalts: scaleDownPastUnready,

		contract.OrderingScaleDownMinReady: scaleDownBeforeMinReady,
	}
}

// orderedCreation is the creation of a pod of an ordered set after its predecessor had become Ready for the first time.
type orderedCreation struct {
	pod, predecessor *object
	// first: no earlier pod had this ordinal; scaledUp: a version of the set had the ordinal out of range; interrupted: replicas
	// changed at least twice before all replicas were Ready.
	first, scaledUp, interrupted bool
	waited                       time.Duration
}

// creations lists the creations of ordered sets that can be moved before the readiness they waited for.
func (h *mutableHistory) creations(set *object) []orderedCreation {
	var out []orderedCreation
	adopted := func(p *object) bool {
		return p.firstWhere(func(e *history.Event) bool { return e.Controller() != nil && e.Controller().UID == set.uid }) != nil
	}
	for _, p := range h.podsOf(set) {
		e, n := p.first(), p.ordinal()
		before := h.pod(set, n-1, e.At)
		if before == nil || before.ready() == nil || !before.alive(e.At) {
			continue
		}
		r := before.ready()
		if r.At > e.At || !inRange(set.at(r.At), n-1) || !set.alive(e.At+time.Second) {
			continue
		}
		c := orderedCreation{pod: p, predecessor: before, first: true, waited: r.At - before.first().At}
		fits := true
		for _, other := range h.objects[history.Pods][:slices.Index(h.objects[history.Pods], p)] {
			if other.name == p.name && adopted(other) {
				c.first = false
				fits = fits && other.removal() != nil && other.removal().At < r.At
			}
		}
		changes, settled := 0, time.Duration(0)
		for k, v := range set.versions {
			if v.At > e.At {
				break
			}
			fits = fits && v.Set.Start == set.first().Set.Start
			c.scaledUp = c.scaledUp || !inRange(v, n)
			if k > 0 && v.Set.Replicas != set.versions[k-1].Set.Replicas && v.At <= r.At {
				changes++
			}
			if v.Set.Status.Ready == v.Set.Replicas {
				settled = v.At
			}
		}
		c.interrupted = changes >= 2 && settled == 0
		if fits && inRange(set.at(r.At), n) {
			out = append(out, c)
		}
	}
	return out
}

// createEarly moves the creation of a pod before its predecessor became Ready.
func createEarly(fits func(orderedCreation) bool) mutation {
	return func(h *mutableHistory) bool {
		for _, set := range h.shuffled(history.Sets) {
			if !set.ordered() || set.first().Change != history.Added {
				continue
			}
			for _, c := range h.creations(set) {
				if fits(c) {
					h.move(c.pod.first(), c.predecessor.ready().At-1)
					return true
				}
			}
		}
		return false
	}
}

// resetReadyTransition sets the lastTransitionTime of the Ready condition of a pod so many ordinals below to the moment of a creation.
func resetReadyTransition(below int) mutation {
	return func(h *mutableHistory) bool {
		for _, set := range h.shuffled(history.Sets) {
			if !set.ordered() || !set.every(func(s *history.Set) bool { return s.MinReadySeconds >= 2 && s.Start == set.first().Set.Start }) {
				continue
			}
			for _, c := range h.creations(set) {
				made := c.pod.first()
				lower := h.pod(set, c.pod.ordinal()-below, made.At)
				if lower == nil || !lower.readyThroughout(made.At-3*time.Second, made.At) {
					continue
				}
				for _, e := range lower.versions {
					if ready := e.Pod.Condition(corev1.PodReady); ready != nil {
						ready.Transition = made.CreationTimestamp
					}
				}
				return true
			}
		}
		return false
	}
}

func furtherOrderingMutations() []furtherMutation {
	return []furtherMutation{
		{contract.OrderingMinReady, "of the pod before the predecessor", resetReadyTransition(2)},
	}
}

// scaleDownBeforeMinReady sets the lastTransitionTime of a staying pod's Ready condition to the deletion of one that has to go.
func scaleDownBeforeMinReady(h *mutableHistory) bool {
	for _, set := range h.shuffled(history.Sets) {
		if !set.ordered() || !set.every(func(s *history.Set) bool { return s.MinReadySeconds >= 2 && s.Start == set.first().Set.Start }) {
			continue
		}
		for _, p := range h.podsOf(set) {
			d := h.controllerDeletion(p)
			if d == nil || d.DeletionTimestamp == nil || inRange(set.at(d.At), p.ordinal()) || !set.specUnchanged(d.At-3*time.Second, d.At) ||
				p.revision() != set.at(d.At).Set.Status.UpdateRevision {
				continue
			}
			stays := h.pod(set, int(set.first().Set.Start), d.At)
			if stays == nil || !inRange(set.at(d.At), stays.ordinal()) || !stays.readyThroughout(d.At-3*time.Second, d.At+time.Second) ||
				slices.ContainsFunc(h.podsOf(set), func(o *object) bool { e := o.at(d.At); return e != nil && !e.Gone() && !runningReady(e) && o != p }) {
				continue
			}
			for _, e := range stays.versions {
				if ready := e.Pod.Condition(corev1.PodReady); ready != nil {
					ready.Transition = h.timestamp(d.At)
				}
			}
			return true
		}
	}
	return false
}

// blockParallel lets a Parallel set wait for a pod that is not Ready.
func blockParallel(h *mutableHistory) bool {
	for _, set := range h.shuffled(history.Sets) {
		p := h.pod(set, int(set.first().Set.Start), h.end)
		if set.ordered() || p == nil || !p.alive(h.end) || !set.alive(h.end) || h.end-p.first().At < 45*time.Second ||
			!set.every(func(s *history.Set) bool { return s.Replicas > 1 && s.Start == set.first().Set.Start }) {
			continue
		}
		p.change(0, setUnready)
		gone := map[types.UID]bool{}
		for _, o := range h.objects[history.Pods] {
			gone[o.uid] = o.ordinal() == p.ordinal()+1 && o.name != p.name
		}
		h.dropEvents(func(e *history.Event) bool { return gone[e.UID] })
		h.showController()
		return true
	}
	return false
}

// scaleDownPair returns, for two pods that the controller removed one after the other because both were out of range, the event
// that ended the higher one and the deletion request for the lower one.
func (h *mutableHistory) scaleDownPair(set, lower *object) (end, request *history.Event) {
	request = h.controllerDeletion(lower)
	if request == nil {
		return nil, nil
	}
	var higher *object
	for _, p := range h.podsOf(set) {
		if g := p.removal(); g != nil && p.ordinal() > lower.ordinal() && g.At < request.At && lower.alive(g.At) && (higher == nil || g.At > higher.removal().At) {
			higher = p
		}
	}
	if higher == nil || h.controllerDeletion(higher) == nil || higher.removal().At-h.controllerDeletion(higher).At < 2 {
		return nil, nil
	}
	v := set.at(h.controllerDeletion(higher).At)
	if v == nil || inRange(v, lower.ordinal()) || inRange(v, higher.ordinal()) || !set.specUnchanged(v.At, request.At) ||
		lower.first().At > h.controllerDeletion(higher).At || lower.revision() != v.Set.Status.UpdateRevision {
		return nil, nil
	}
	return higher.removal(), request
}

// scaleDownEarly requests the deletion of a pod before the higher one is gone.
func scaleDownEarly(fits func(*history.Event, *object) bool) mutation {
	return func(h *mutableHistory) bool {
		for _, set := range h.shuffled(history.Sets) {
			if !set.ordered() || !set.every(func(s *history.Set) bool {
				return s.Start == 0 && s.Status.UpdateRevision == set.last().Set.Status.UpdateRevision || s.Status.UpdateRevision == ""
			}) {
				continue
			}
			for _, p := range h.podsOf(set) {
				if end, request := h.scaleDownPair(set, p); end != nil && fits(set.at(request.At), p) && p.unchanged(end.At-1, request.At-1) {
					h.move(request, end.At-1)
					return true
				}
			}
		}
		return false
	}
}

// scaleDownPastUnready makes a pod that stays unready long before the controller goes on with a scale-down.
func scaleDownPastUnready(h *mutableHistory) bool {
	for _, set := range h.shuffled(history.Sets) {
		if !set.ordered() || !set.every(func(s *history.Set) bool { return s.Start == set.first().Set.Start }) {
			continue
		}
		for _, p := range h.podsOf(set) {
			d := h.controllerDeletion(p)
			if d == nil {
				continue
			}
			v := set.at(d.At)
			if inRange(v, p.ordinal()) || v.Set.Replicas == 0 || p.revision() != v.Set.Status.UpdateRevision || v.Set.Status.CurrentRevision != v.Set.Status.UpdateRevision {
				continue
			}
			stays := h.pod(set, int(v.Set.Start), d.At)
			lost := d.At - 4*time.Second
			if stays == nil || !stays.readyThroughout(lost-time.Second, d.At+100*time.Millisecond) || set.at(lost) == nil || !inRange(set.at(lost), stays.ordinal()) ||
				set.at(lost).Set.Start != v.Set.Start {
				continue
			}
			h.insert(stays.at(lost), lost, setUnready)
			h.insert(set.at(lost+500*time.Millisecond), lost+500*time.Millisecond, func(e *history.Event) { e.Set.Status.Ready--; e.Set.Status.Available = 0 })
			h.insert(stays.at(lost), d.At+50*time.Millisecond, func(*history.Event) {})
			return true
		}
	}
	return false
}
