package judge_test

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func statusMutations() map[contract.ID]mutation {
	return map[contract.ID]mutation{
		contract.StatusCounts:             miscount,
		contract.StatusAvailable:          countUnripe,
		contract.StatusRevisions:          callFinished,
		contract.StatusObservedGeneration: overlook,
	}
}

// byUID returns the object that an owner reference names, or nil.
func (t *tape) byUID(r history.Resource, ref *metav1.OwnerReference) *object {
	for _, o := range t.objects[r] {
		if ref != nil && o.uid == ref.UID {
			return o
		}
	}
	return nil
}

// ownedRevision returns a revision that the set owns at the end, or nil.
func (t *tape) ownedRevision(set *object) *object {
	for _, r := range t.shuffled(history.Revisions) {
		if t.byUID(history.Sets, r.last().Controller()) == set && r.gone() == nil {
			return r
		}
	}
	return nil
}

// miscount lets the last status of a set at rest count pods that are not there.
func miscount(t *tape) bool {
	for _, set := range t.shuffled(history.Sets) {
		last := set.last()
		if !set.alive(t.end) || last.Set.Status.ObservedGeneration != last.Generation || t.end-t.h.Events[len(t.h.Events)-1].At < 4*time.Second {
			continue
		}
		last.Set.Status.Replicas += 7
		return true
	}
	return false
}

// countUnripe counts a pod as available as soon as it is Ready.
func countUnripe(t *tape) bool {
	for _, set := range t.shuffled(history.Sets) {
		if !set.every(func(s *history.Set) bool { return s.MinReadySeconds == 5 }) || set.first().Change != history.Added {
			continue
		}
		for i, e := range set.ev[1:] {
			was, now := &set.ev[i].Set.Status, &e.Set.Status
			var young *object
			calm := true
			for _, p := range t.podsOf(set) {
				if r := p.ready(); r != nil && r.At <= e.At && e.At-r.At < time.Second && up(p.at(e.At)) {
					young = p
				}
				calm = calm && (p.deleting() == nil || p.deleting().At > e.At) && p.firstOf(func(x *history.Event) bool { return x.At < e.At && p.ready() != nil && x.At > p.ready().At && !up(x) }) == nil
			}
			if young == nil || !calm || now.Ready != was.Ready+1 || now.Available == now.Ready || !set.alive(e.At) {
				continue
			}
			now.Available = now.Ready
			return true
		}
	}
	return false
}

// callFinished lets a status call a rollout finished as soon as it has begun.
func callFinished(t *tape) bool {
	for _, set := range t.shuffled(history.Sets) {
		if set.first().Change != history.Added {
			continue
		}
		for i, e := range set.ev[1:] {
			was, now := set.ev[i].Set.Status, &e.Set.Status
			if e.Set.Strategy != appsv1.RollingUpdateStatefulSetStrategyType || e.Set.Partition != 0 || e.Set.Replicas < 2 || !set.alive(e.At) ||
				was.CurrentRevision == "" || was.CurrentRevision == now.UpdateRevision || was.UpdateRevision == was.CurrentRevision || now.CurrentRevision != was.CurrentRevision || !set.steady(e.At-3*time.Second, e.At) {
				continue
			}
			old, beyond := 0, false
			for _, p := range t.podsOf(set) {
				if p.readyThroughout(e.At-5*time.Second, e.At+time.Second) && p.revision() != now.UpdateRevision && wants(e, p.ordinal()) {
					old++
				}
				beyond = beyond || (!wants(e, p.ordinal()) && p.first().At < e.At && (p.gone() == nil || p.gone().At > e.At-4*time.Second))
			}
			if old == 0 || beyond {
				continue
			}
			now.CurrentRevision = now.UpdateRevision
			return true
		}
	}
	return false
}

// overlook lets no status observe the last change of a set's spec.
func overlook(t *tape) bool {
	for _, set := range t.shuffled(history.Sets) {
		last := set.last()
		change, before := set.spec(last)
		if before == nil || !set.alive(t.end) || t.end-change.At < t.overdue+time.Second {
			continue
		}
		worked := false
		for i, e := range set.ev[1:] {
			a, b := e.Set.Status, set.ev[i].Set.Status
			a.ObservedGeneration, b.ObservedGeneration = 0, 0
			worked = worked || (e.At > change.At+3*time.Second && a != b)
		}
		if !worked {
			continue // its controller may have been away
		}
		set.change(change.At, func(e *history.Event) { e.Set.Status.ObservedGeneration = before.Generation })
		return true
	}
	return false
}
