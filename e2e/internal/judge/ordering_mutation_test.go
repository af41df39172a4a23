package judge_test

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func orderingMutations() map[contract.ID]mutation {
	return map[contract.ID]mutation{
		contract.OrderingCreate:         hasten(func(c creation) bool { return c.first && !c.added }),
		contract.OrderingScaleUp:        hasten(func(c creation) bool { return c.first && c.added }),
		contract.OrderingHeals:          hasten(func(c creation) bool { return !c.first && !c.added }),
		contract.OrderingCreateHalts:    hasten(func(c creation) bool { return c.waited > 1200*time.Millisecond }),
		contract.OrderingChangeOfMind:   hasten(func(c creation) bool { return c.unsettled }),
		contract.OrderingMinReady:       ripen,
		contract.OrderingParallel:       withhold,
		contract.OrderingScaleDown:      overtake(func(*history.Event, *object) bool { return true }),
		contract.OrderingScaleDownHalts: trip,
		contract.TerminationReverse:     overtake(func(v *history.Event, p *object) bool { return v.Set.Replicas == 0 && up(p.at(p.deleting().At-1)) }),
		contract.TerminationNoRecreate:  haunt,
	}
}

// creation is one pod that was made after the one before it had become Ready for the first time.
type creation struct {
	pod, before *object
	// first says that it is the first pod of its ordinal, added that the ordinal had not always been wanted, unsettled that replicas
	// had changed more than once since the set was last at rest.
	first, added, unsettled bool
	waited                  time.Duration
}

// creations lists the creations of ordered sets that can be moved before the readiness they waited for.
func (t *tape) creations(set *object) []creation {
	var out []creation
	all := t.podsOf(set)
	for i, p := range all {
		e, n := p.first(), p.ordinal()
		before := t.pod(set, n-1, e.At)
		if before == nil || before.ready() == nil || !before.alive(e.At) {
			continue
		}
		r := before.ready()
		if r.At > e.At || !wants(set.at(r.At), n-1) || !set.alive(e.At+time.Second) {
			continue
		}
		c := creation{pod: p, before: before, first: true, waited: r.At - before.first().At}
		fits := true
		for _, other := range all[:i] {
			if other.name == p.name {
				c.first = false
				fits = fits && other.gone() != nil && other.gone().At < r.At
			}
		}
		changes, settled := 0, time.Duration(0)
		for k, v := range set.ev {
			if v.At > e.At {
				break
			}
			fits = fits && v.Set.Start == set.first().Set.Start
			c.added = c.added || !wants(v, n)
			if k > 0 && v.Set.Replicas != set.ev[k-1].Set.Replicas && v.At <= r.At {
				changes++
			}
			if v.Set.Status.Ready == v.Set.Replicas {
				settled = v.At
			}
		}
		c.unsettled = changes >= 2 && settled == 0
		if fits && wants(set.at(r.At), n) {
			out = append(out, c)
		}
	}
	return out
}

// hasten makes a pod before the one that it has to wait for was Ready.
func hasten(fits func(creation) bool) mutation {
	return func(t *tape) bool {
		for _, set := range t.shuffled(history.Sets) {
			if !set.ordered() || set.first().Change != history.Added {
				continue
			}
			for _, c := range t.creations(set) {
				if fits(c) {
					t.move(c.pod.first(), c.before.ready().At-1)
					return true
				}
			}
		}
		return false
	}
}

// ripen lets the pod before a new one have become Ready only just now, by the time that its condition tells.
func ripen(t *tape) bool {
	for _, set := range t.shuffled(history.Sets) {
		if !set.ordered() || !set.every(func(s *history.Set) bool { return s.MinReadySeconds >= 2 }) {
			continue
		}
		for _, c := range t.creations(set) {
			made := c.pod.first()
			for _, e := range c.before.ev {
				if ready := e.Pod.Condition(corev1.PodReady); ready != nil {
					ready.Transition = made.CreationTimestamp
				}
			}
			return true
		}
	}
	return false
}

// withhold lets a Parallel set wait for a pod that does not become Ready.
func withhold(t *tape) bool {
	for _, set := range t.shuffled(history.Sets) {
		p := t.pod(set, int(set.first().Set.Start), t.end)
		if set.ordered() || p == nil || !p.alive(t.end) || !set.alive(t.end) || t.end-p.first().At < 45*time.Second ||
			!set.every(func(s *history.Set) bool { return s.Replicas > 1 && s.Start == set.first().Set.Start }) {
			continue
		}
		p.change(0, unready)
		gone := map[types.UID]bool{}
		for _, o := range t.objects[history.Pods] {
			gone[o.uid] = o.ordinal() == p.ordinal()+1 && o.name != p.name
		}
		t.drop(func(e *history.Event) bool { return gone[e.UID] })
		return true
	}
	return false
}

// condemned returns the versions by which the controller removed two pods after another because their set had no place for them
// any more: the request for the higher one, its end, and the request for the lower one.
func (t *tape) condemned(set, lower *object) (end, request *history.Event) {
	request = t.removed(lower)
	if request == nil {
		return nil, nil
	}
	var higher *object
	for _, p := range t.podsOf(set) {
		if g := p.gone(); g != nil && p.ordinal() > lower.ordinal() && g.At < request.At && lower.alive(g.At) && (higher == nil || g.At > higher.gone().At) {
			higher = p
		}
	}
	if higher == nil || t.removed(higher) == nil || higher.gone().At-t.removed(higher).At < 2 {
		return nil, nil
	}
	v := set.at(t.removed(higher).At)
	if v == nil || wants(v, lower.ordinal()) || wants(v, higher.ordinal()) || !set.steady(v.At, request.At) ||
		lower.first().At > t.removed(higher).At || lower.revision() != v.Set.Status.UpdateRevision {
		return nil, nil
	}
	return higher.gone(), request
}

// overtake requests the deletion of a pod before the higher one is gone.
func overtake(fits func(*history.Event, *object) bool) mutation {
	return func(t *tape) bool {
		for _, set := range t.shuffled(history.Sets) {
			if !set.ordered() || !set.every(func(s *history.Set) bool {
				return s.Start == 0 && s.Status.UpdateRevision == set.last().Set.Status.UpdateRevision || s.Status.UpdateRevision == ""
			}) {
				continue
			}
			for _, p := range t.podsOf(set) {
				if end, request := t.condemned(set, p); end != nil && fits(set.at(request.At), p) && p.still(end.At-1, request.At-1) {
					t.move(request, end.At-1)
					return true
				}
			}
		}
		return false
	}
}

// trip takes the readiness from a pod that stays, long before a scale down goes on nevertheless.
func trip(t *tape) bool {
	for _, set := range t.shuffled(history.Sets) {
		if !set.ordered() || !set.every(func(s *history.Set) bool { return s.Start == set.first().Set.Start }) {
			continue
		}
		for _, p := range t.podsOf(set) {
			d := t.removed(p)
			if d == nil {
				continue
			}
			v := set.at(d.At)
			if wants(v, p.ordinal()) || v.Set.Replicas == 0 || p.revision() != v.Set.Status.UpdateRevision || v.Set.Status.CurrentRevision != v.Set.Status.UpdateRevision {
				continue
			}
			stays := t.pod(set, int(v.Set.Start), d.At)
			lost := d.At - 4*time.Second
			if stays == nil || !stays.readyThroughout(lost-time.Second, d.At+100*time.Millisecond) || set.at(lost) == nil || !wants(set.at(lost), stays.ordinal()) ||
				set.at(lost).Set.Start != v.Set.Start {
				continue
			}
			t.insert(stays.at(lost), lost, unready)
			t.insert(set.at(lost+500*time.Millisecond), lost+500*time.Millisecond, func(e *history.Event) { e.Set.Status.Ready--; e.Set.Status.Available = 0 })
			t.insert(stays.at(lost), d.At+50*time.Millisecond, func(*history.Event) {})
			return true
		}
	}
	return false
}

// haunt lets a set make a pod long after its deletion began.
func haunt(t *tape) bool {
	for _, set := range t.shuffled(history.Sets) {
		d, pods := set.deleting(), t.podsOf(set)
		if d == nil || len(pods) == 0 || t.end < d.At+4*time.Second {
			continue
		}
		t.insert(pods[0].first(), d.At+3*time.Second, func(e *history.Event) {
			e.Change, e.UID, e.Name = history.Added, "uid-ghost", set.name+"-77"
		})
		return true
	}
	return false
}
