package judge_test

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func updateMutations() map[contract.ID]mutation {
	return map[contract.ID]mutation{
		contract.UpdateOrder:             updateLowerFirst,
		contract.UpdateOneAtATime:        updateBeforeReady(true, 0),
		contract.OrderingParallelUpdates: updateBeforeReady(false, 0),
		contract.UpdateHalts:             updateBeforeReady(true, 1200*time.Millisecond),
		contract.UpdateMinReady:          updateUnripe,
		contract.UpdateMaxUnavailable:    updateTooMany,
		contract.UpdateNoSpurious:        strike(noUpdatePending),
		contract.UpdatePartition:         strike(covered(func(v *history.Set) bool { return v.Partition <= v.Replicas })),
		contract.UpdatePartitionBeyond:   strike(covered(func(v *history.Set) bool { return v.Partition > v.Replicas })),
		contract.UpdatePhased:            strike(stillCovered),
		contract.UpdateOnDelete:          strike(leftToOthers),
		contract.UpdateComplete:          outdated(false),
		contract.UpdateScaleNew:          outdated(true),
		contract.UpdateRollback:          keepNumber,
		contract.UpdateHistoryLimit:      hoard,
	}
}

// update is one pod that was deleted for a rolling update and what came in its place, then the next pod that was.
type update struct {
	set         *object
	pod, heir   *object
	request     *history.Event
	next        *object
	nextRequest *history.Event
}

// updates lists the pairs of pods that a rollout replaced one after the other under one version of the set.
func (t *tape) updates(set *object) []update {
	var out []update
	for _, p := range t.podsOf(set) {
		u := update{set: set, pod: p, request: t.removed(p), heir: t.heir(p)}
		if u.request == nil || u.heir == nil || u.heir.ready() == nil {
			continue
		}
		v := set.at(u.request.At)
		for _, q := range t.podsOf(set) {
			r := t.removed(q)
			if q.ordinal() < p.ordinal() && r != nil && r.At > u.heir.ready().At && (u.next == nil || r.At < u.nextRequest.At) {
				u.next, u.nextRequest = q, r
			}
		}
		if u.next == nil || v.Set.Strategy != appsv1.RollingUpdateStatefulSetStrategyType || u.next.ordinal() < int(v.Set.Partition) ||
			v.Set.Start != 0 || !wants(v, p.ordinal()) || !set.steady(u.request.At-100*time.Millisecond, u.nextRequest.At+time.Second) || set.every(func(s *history.Set) bool { return s.TemplateDigest == v.Set.TemplateDigest }) {
			continue
		}
		next := set.at(u.nextRequest.At).Set.Status
		if u.pod.revision() != next.UpdateRevision && u.next.revision() != next.UpdateRevision && u.heir.revision() == next.UpdateRevision && set.at(u.nextRequest.At).Set.Replicas > 1 {
			out = append(out, u)
		}
	}
	return out
}

func oneAtATime(s *history.Set) bool { return s.MaxUnavailable == "" || s.MaxUnavailable == "1" }

// onUpdates tries f on every pair until it finds a place.
func onUpdates(fits func(*object) bool, f func(*tape, update) bool) mutation {
	return func(t *tape) bool {
		for _, set := range t.shuffled(history.Sets) {
			if !fits(set) {
				continue
			}
			for _, u := range t.updates(set) {
				if f(t, u) {
					return true
				}
			}
		}
		return false
	}
}

// updateLowerFirst deletes the lower of two pods for an update before the higher one.
func updateLowerFirst(t *tape) bool {
	return onUpdates(func(s *object) bool { return s.ordered() && s.every(oneAtATime) }, func(t *tape, u update) bool {
		at := u.request.At - 1
		if !u.next.readyThroughout(at-time.Second, u.request.At) || !u.next.still(at, u.nextRequest.At-1) || !u.pod.readyThroughout(at-time.Second, at) {
			return false
		}
		t.move(u.nextRequest, at)
		return true
	})(t)
}

// updateBeforeReady deletes the next pod for an update before the updated one is Ready, that long after it was made.
func updateBeforeReady(ordered bool, into time.Duration) mutation {
	return onUpdates(func(s *object) bool { return s.ordered() == ordered && s.every(oneAtATime) }, func(t *tape, u update) bool {
		ready := u.heir.ready().At
		if ready-u.heir.first().At <= into || ready-u.heir.first().At < 2 || !u.next.readyThroughout(ready-8*time.Second, u.nextRequest.At-1) {
			return false
		}
		t.move(u.nextRequest, ready-1)
		return true
	})
}

// updateUnripe lets the updated pod have become Ready only just now, by the time that its condition tells.
func updateUnripe(t *tape) bool {
	fits := func(s *object) bool {
		return s.ordered() && s.every(oneAtATime) && s.every(func(s *history.Set) bool { return s.MinReadySeconds >= 2 })
	}
	return onUpdates(fits, func(t *tape, u update) bool {
		later := func(p *object) bool {
			return p.firstOf(func(e *history.Event) bool { return e.At > u.heir.ready().At && e.At < u.nextRequest.At && up(e) }) != nil
		}
		if !u.heir.readyThroughout(u.heir.ready().At, u.nextRequest.At) || slices.ContainsFunc(t.podsOf(u.set), later) {
			return false
		}
		asked := t.timestamp(u.nextRequest.At)
		u.heir.change(0, func(e *history.Event) {
			if c := e.Pod.Condition(corev1.PodReady); c != nil {
				c.Transition = asked
			}
		})
		return true
	})(t)
}

// updateTooMany deletes one pod more for an update than maxUnavailable allows.
func updateTooMany(t *tape) bool {
	for _, set := range t.shuffled(history.Sets) {
		n, err := strconv.Atoi(set.first().Set.MaxUnavailable)
		if err != nil || n < 2 || !set.ordered() || !set.every(func(s *history.Set) bool { return s.MaxUnavailable == set.first().Set.MaxUnavailable }) {
			continue
		}
		for _, u := range t.updates(set) {
			var more []*object
			for _, p := range t.podsOf(set) {
				if p.ordinal() < u.pod.ordinal() && p.ordinal() >= int(set.at(u.request.At).Set.Partition) && p.readyThroughout(u.request.At-3*time.Second, u.request.At+time.Millisecond) &&
					p.revision() == u.pod.revision() && wants(set.at(u.request.At), p.ordinal()) && !t.asked(p) {
					more = append(more, p)
				}
			}
			if len(more) < n || !u.pod.readyThroughout(u.request.At-3*time.Second, u.request.At-1) || !u.pod.still(u.request.At, u.request.At+time.Millisecond) {
				continue
			}
			for i, p := range more[:n] {
				t.terminate(p, u.request.At+time.Duration(i+1))
			}
			return true
		}
	}
	return false
}

// strike deletes a pod as the controller does, where fits says that it must not: at that moment, under that version of the set, while
// the pod had been Ready for long.
func strike(fits func(set *object, v *history.Event, pod *object) bool) mutation {
	return func(t *tape) bool {
		sets := t.shuffled(history.Sets)
		for _, set := range sets {
			if len(sets) > 1 || set.first().Change != history.Added {
				continue // with two sets of one selector it would not be clear whose act it was
			}
			for _, p := range t.podsOf(set) {
				r := p.ready()
				if r == nil || t.asked(p) {
					continue
				}
				for at := max(r.At+4*time.Second, p.last().At); at < t.end-5*time.Second; at += 3 * time.Second {
					if p.readyThroughout(at-4*time.Second, at+time.Second) && set.steady(at-4*time.Second, at+3*time.Second) && wants(set.at(at), p.ordinal()) &&
						set.at(at).Set.Status.ObservedGeneration == set.at(at).Generation && fits(set, set.at(at), p) {
						t.terminate(p, at)
						return true
					}
				}
			}
		}
		return false
	}
}

func noUpdatePending(set *object, v *history.Event, p *object) bool {
	adopted := p.firstOf(func(e *history.Event) bool { return len(e.Owners) == 0 }) != nil
	crashed := p.firstOf(func(e *history.Event) bool { return e.Pod.Restarts() > 0 || e.Pod.Crashed() }) != nil
	return p.revision() == v.Set.Status.UpdateRevision && set.every(func(s *history.Set) bool { return s.Partition == 0 && s.Strategy == v.Set.Strategy }) && !adopted && !crashed
}

// spec returns the first version of the generation of v, and the last version before that, nil if there is none.
func (o *object) spec(v *history.Event) (now, before *history.Event) {
	for _, e := range o.ev {
		if e.Generation == v.Generation {
			return e, before
		}
		before = e
	}
	return v, before
}

func rolls(v *history.Event, p *object) bool {
	return v.Set.Strategy == appsv1.RollingUpdateStatefulSetStrategyType && v.Set.Start == 0 && p.revision() != v.Set.Status.UpdateRevision
}

func covered(fits func(*history.Set) bool) func(*object, *history.Event, *object) bool {
	return func(set *object, v *history.Event, p *object) bool {
		_, before := set.spec(v)
		return rolls(v, p) && p.ordinal() < int(v.Set.Partition) && fits(v.Set) && before != nil && before.Set.TemplateDigest != v.Set.TemplateDigest
	}
}

func stillCovered(set *object, v *history.Event, p *object) bool {
	_, before := set.spec(v)
	return rolls(v, p) && p.ordinal() < int(v.Set.Partition) && before != nil && before.Set.TemplateDigest == v.Set.TemplateDigest &&
		before.Set.Partition > v.Set.Partition && before.Set.Strategy == v.Set.Strategy && before.Set.MaxUnavailable == v.Set.MaxUnavailable
}

func leftToOthers(_ *object, v *history.Event, p *object) bool {
	return v.Set.Strategy == appsv1.OnDeleteStatefulSetStrategyType && p.revision() != v.Set.Status.UpdateRevision
}

// outdated gives a pod that must be new the label of an older revision.
func outdated(added bool) mutation {
	return func(t *tape) bool {
		for _, set := range t.shuffled(history.Sets) {
			if !set.every(func(s *history.Set) bool {
				return s.Partition == 0 && s.Strategy == appsv1.RollingUpdateStatefulSetStrategyType
			}) {
				continue
			}
			for _, p := range t.podsOf(set) {
				at := p.first().At
				if !set.steady(at-3*time.Second, at+time.Second) {
					continue
				}
				if v := set.at(at); v.Set.Status.ObservedGeneration != v.Generation || v.Set.Status.UpdateRevision != p.revision() {
					continue
				}
				old := set.formerRevision(at)
				if old == "" || added != t.wasAdded(set, p) || (!added && t.rolledBefore(set, p) == nil) {
					continue
				}
				p.change(0, func(e *history.Event) { relabel(e, appsv1.ControllerRevisionHashLabelKey, old) })
				return true
			}
		}
		return false
	}
}

// formerRevision returns an update revision that the set's status named before the one at that moment, or "".
func (o *object) formerRevision(at time.Duration) string {
	now := o.at(at).Set.Status.UpdateRevision
	for _, e := range o.ev {
		if r := e.Set.Status.UpdateRevision; e.At < at && r != "" && r != now {
			return r
		}
	}
	return ""
}

// wasAdded reports whether a scale up added the pod: it is the first of an ordinal that had not been wanted.
func (t *tape) wasAdded(set, pod *object) bool {
	for _, p := range t.podsOf(set) {
		if p == pod {
			break
		}
		if p.name == pod.name {
			return false
		}
	}
	e := set.firstOf(func(e *history.Event) bool { return !wants(e, pod.ordinal()) })
	return e != nil && e.At < pod.first().At
}

// rolledBefore returns the pod that a rollout removed to make room for this one, or nil.
func (t *tape) rolledBefore(set, pod *object) *object {
	for _, p := range t.podsOf(set) {
		if t.heir(p) != pod || t.removed(p) == nil {
			continue
		}
		at := t.removed(p).At
		if set.steady(at-3*time.Second, pod.first().At) && p.revision() != set.at(at).Set.Status.UpdateRevision && wants(set.at(at), p.ordinal()) {
			return p
		}
	}
	return nil
}

// keepNumber lets a revision that a set went back to keep its number.
func keepNumber(t *tape) bool {
	for _, r := range t.shuffled(history.Revisions) {
		for i, e := range r.ev[1:] {
			was := r.ev[i]
			set := t.byUID(history.Sets, e.Controller())
			if set == nil || e.Revision.Number == was.Revision.Number || r.gone() != nil || !set.alive(t.end) || !set.steady(e.At+100*time.Millisecond, e.At+4*time.Second) ||
				set.at(e.At+3*time.Second).Set.Status.UpdateRevision != r.name || was.At < set.first().At {
				continue
			}
			change, _ := set.spec(set.at(e.At))
			newer := func(o *object) bool {
				return t.byUID(history.Sets, o.first().Controller()) == set && o.first().At < change.At && o.first().Revision.Number > was.Revision.Number
			}
			if !slices.ContainsFunc(t.objects[history.Revisions], newer) {
				continue
			}
			number := was.Revision.Number
			r.change(e.At, func(e *history.Event) { e.Revision.Number = number })
			return true
		}
	}
	return false
}

// hoard leaves more revisions behind than the set's limit allows.
func hoard(t *tape) bool {
	for _, set := range t.shuffled(history.Sets) {
		if !set.alive(t.end) || set.last().Set.Status.ObservedGeneration != set.last().Generation || len(t.podsOf(set)) == 0 {
			continue
		}
		last := t.h.Events[len(t.h.Events)-1].At
		of := t.ownedRevision(set)
		if of == nil || t.end-last < t.overdue+time.Second {
			continue
		}
		for i := range int(*set.last().Set.RevisionHistoryLimit) + 1 {
			t.insert(of.first(), last+time.Duration(i+1), func(e *history.Event) {
				e.Change, e.Name, e.UID = history.Added, fmt.Sprint(e.Name, "-more-", i), types.UID(fmt.Sprint(e.UID, "-more-", i))
			})
		}
		return true
	}
	return false
}
