package judge

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// This file attributes changes to actors; no other file does. The evidence is, in this order:
//   - the operations of the test. A refused one did nothing; an accepted one did what its result says; one whose outcome is unknown may
//     have been carried out, and then excuses the controller;
//   - the object: the condition DisruptionTarget for evictions, preemptions and deletions by kubelets and the pod garbage collector, the
//     phase of a finished pod, a grace period that the StatefulSet controller never asks for, the generations of a set, the owners of a claim;
//   - the reports of the StatefulSet controller, see deletion_authors.go;
//   - exclusion, where only a client can have made a change (a set's spec). Where nothing shows who deleted a pod or claim, any client may
//     have, and nobody is accused of it.

// actor is the client that changed an object.
type actor int

const (
	unknownActor   actor = iota // several may have done it
	byTest                      // an operation of the test, or one that may have been carried out
	byController                // the StatefulSet controller
	byControlPlane              // a kubelet, the pod garbage collector, the taint manager or the scheduler
	byClient                    // a client other than the test
	byAnybody                   // the StatefulSet controller or any client: nothing shows which
)

// attribution holds the operations of the test, indexed for the questions below.
type attribution struct {
	operations []history.Operation
	// deletions are the deletions and evictions of one object, in their order, without those that were refused.
	deletions map[types.UID][]history.Operation
	// bulk are the deletions that name no UID, likewise.
	bulk map[objectName][]bulkDeletion
	// created are the names that the test gave to objects.
	created map[objectName]bool
}

// objectName is what an operation names: "" stands for a resource that it does not name, or for every name.
type objectName struct {
	resource history.Resource
	name     string
}

// bulkDeletion is a deletion without UID: of a collection, or of whatever has a name.
type bulkDeletion struct {
	history.Operation
	selector labels.Selector
}

func newAttribution(operations []history.Operation) attribution {
	a := attribution{operations: operations, deletions: map[types.UID][]history.Operation{}, bulk: map[objectName][]bulkDeletion{}, created: map[objectName]bool{}}
	for _, o := range operations {
		switch {
		case !o.Effective():
		case o.Verb == history.VerbCreate:
			a.created[objectName{o.Resource, o.Name}] = true
		case !o.Deletes():
		case o.UID != "":
			a.deletions[o.UID] = append(a.deletions[o.UID], o)
		case o.Verb == history.VerbDelete:
			selector, err := labels.Parse(o.Selector)
			if err != nil {
				continue // the API server would have refused it, and a file that has it is not read
			}
			key := objectName{o.Resource, o.Name}
			a.bulk[key] = append(a.bulk[key], bulkDeletion{o, selector})
		}
	}
	return a
}

// deletedByTest reports whether the test deleted or evicted the object of that UID, alone or with others, or may have; first is the
// object's first event and deleting the one that shows the request for its deletion.
func (a *attribution) deletedByTest(uid types.UID, first, deleting *history.Event) bool {
	for _, o := range a.deletions[uid] {
		if o.Seq < deleting.Seq && (o.Outcome == history.Accepted || mayBeCarriedOut(&o, deleting)) {
			return true
		}
	}
	return a.deletedInBulk(first, deleting)
}

// deletedInBulk reports whether the test deleted the object by a request that names no UID, or may have.
func (a *attribution) deletedInBulk(first, deleting *history.Event) bool {
	if len(a.bulk) == 0 {
		return false
	}
	for _, target := range []objectName{{first.Resource, ""}, {first.Resource, first.Name}, {"", ""}, {"", first.Name}} {
		for _, d := range a.bulk[target] {
			if d.Seq < deleting.Seq && d.mayInclude(first, deleting) {
				return true
			}
		}
	}
	return false
}

// mayInclude reports whether the object may have existed when the API server carried out the deletion, with labels that it selects.
func (d *bulkDeletion) mayInclude(first, deleting *history.Event) bool {
	// What existed at the call, or was created before the answer, may be recorded later.
	if d.Seq < first.Seq && first.At > deliveredBy(max(d.At, d.ReturnAt)) {
		return false
	}
	if d.Resource != "" && !mayBeCarriedOut(&d.Operation, deleting) {
		return false // the end of a namespace takes its time
	}
	return d.selector.Matches(labels.Set(first.Labels)) || d.selector.Matches(labels.Set(deleting.Labels))
}

// mayBeCarriedOut reports whether a deletion may show an operation of the test, as far as the time goes.
func mayBeCarriedOut(o *history.Operation, deletion *history.Event) bool {
	// Without a return the recording does not say when it ended.
	return o.ReturnSeq == 0 || deletion.At <= carriedOutBy(o.ReturnAt, o.Outcome == history.Accepted)
}

// madeByTest reports whether the API server answered an operation of the test with that version of an object.
func (a *attribution) madeByTest(e *history.Event) bool {
	return slices.ContainsFunc(a.operations, func(o history.Operation) bool {
		return o.Result != nil && o.Result.UID == e.UID && o.Result.ResourceVersion == e.ResourceVersion
	})
}

// deletionsByTest returns the test's deletions and evictions of the one object of that UID, in their order, without those refused.
func (a *attribution) deletionsByTest(uid types.UID) []history.Operation { return a.deletions[uid] }

// lastDeletionByTest returns the last of them.
func (a *attribution) lastDeletionByTest(uid types.UID) (history.Operation, bool) {
	all := a.deletions[uid]
	if len(all) == 0 {
		return history.Operation{}, false
	}
	return all[len(all)-1], true
}

// evictedByTest reports whether the pod's deletion is an eviction by the test and nothing else that the test did, and whether the API server is
// known to have accepted it.
func (m *model) evictedByTest(p *podLife) (accepted, evicted bool) {
	all := m.deletionsByTest(p.uid)
	if p.deleting == nil || len(all) == 0 {
		return false, false
	}
	var first *history.Operation
	for i := range all {
		switch o := &all[i]; {
		case o.Verb != history.VerbEvict && o.Seq < p.events[len(p.events)-1].Seq:
			return false, false
		case first == nil && o.Verb == history.VerbEvict:
			first = o
		}
	}
	if first == nil || first.Seq > p.deleting.Seq || m.deletedInBulk(p.first(), p.deleting) {
		return false, false
	}
	return first.Outcome == history.Accepted, true
}

// createdByTest reports whether the test created an object of that name, of the resource or of one that its operation does not name.
func (a *attribution) createdByTest(r history.Resource, name string) bool {
	return a.created[objectName{r, name}] || a.created[objectName{"", name}]
}

// notCreatedByTest reports whether another client created the set, in a history that shows that the test creates its own.
func (a *attribution) notCreatedByTest(s *setLife) bool {
	creates := false
	for _, o := range a.operations {
		if o.Verb != history.VerbCreate || !o.Effective() || (o.Resource != history.Sets && o.Resource != "") {
			continue
		}
		if o.Name == s.name && (o.Result == nil || o.Result.UID == s.uid) {
			return false
		}
		creates = creates || o.Resource == history.Sets
	}
	return creates
}

// externalChanges returns, for the sets that the test created, the first version whose spec another client changed and the deletion that
// another client requested. Each change of a spec makes one generation: an operation with a result made the generation in the result, one
// without may have made any one.
func (m *model) externalChanges() []*history.Event {
	var out []*history.Event
	for _, s := range m.sets {
		if s.created == nil {
			continue
		}
		own, created := m.ownChanges(s)
		if !created {
			continue
		}
		for _, v := range s.specs {
			// A request for deletion makes a new generation too.
			if v.Terminating() || v.Gone() {
				break
			}
			if !own.explain(s, v) {
				out = append(out, v)
				break
			}
		}
		if s.deleting != nil && !m.deletedByTest(s.uid, s.events[0], s.deleting) {
			out = append(out, s.deleting)
		}
	}
	return out
}

// externalChangeBy returns the first change of one of the test's sets that another client had asked for by then, nil if there was none; of the
// set of that name alone unless it is "".
func (m *model) externalChangeBy(at time.Duration, set string) *history.Event {
	all := slices.DeleteFunc(m.externalChanges(), func(e *history.Event) bool { return set != "" && e.Name != set })
	if len(all) == 0 {
		return nil
	}
	first := slices.MinFunc(all, func(x, y *history.Event) int { return x.Seq - y.Seq })
	if first.At > deliveredBy(at) {
		return nil
	}
	return first
}

// takenByOthers returns the first event that shows a pod or claim of one of the test's sets as taken away by then, although neither the test nor the
// control plane on the set's behalf did it, nil if there is none; of the set of that name alone unless it is "".
func (m *model) takenByOthers(at time.Duration, set string) *history.Event {
	var first *history.Event
	add := func(s *setLife, e *history.Event) {
		if (set == "" || s != nil && s.name == set) && e.At <= deliveredBy(at) && (first == nil || e.Seq < first.Seq) {
			first = e
		}
	}
	for _, p := range m.pods {
		if p.set != nil && m.podTakenByOthers(p) {
			add(p.set, p.takenAway())
		}
	}
	for _, c := range m.claims {
		if d := c.deleting; d != nil && !m.deletedByTest(c.uid, c.events[0], d) && !m.collected(d) {
			s, _ := m.claimant(c.name, d.At)
			add(s, d)
		}
	}
	return first
}

// podTakenByOthers reports whether a set's pod was deleted, evicted or given up and neither the test nor the set's controller did it, for all that is
// recorded. What the control plane gave up counts only where the test did nothing to nodes: else it is what the test is about.
func (m *model) podTakenByOthers(p *podLife) bool {
	switch m.whoDeleted(p) {
	case byTest:
		return !m.deletedInBulk(p.first(), p.deleting) && !slices.ContainsFunc(m.deletionsByTest(p.uid), func(o history.Operation) bool {
			// The answer 500, as to an eviction of a pod with two budgets, leaves open whether the request was carried out.
			return o.Seq < p.deleting.Seq && (o.Outcome == history.Accepted || o.ReturnSeq == 0)
		})
	case byClient:
		return true
	case byAnybody:
		return m.unattributed(p.set, p)
	}
	return p.disruptionTarget != nil && !m.nodesTouched()
}

// nodesTouched reports whether the test did anything to a node or the control plane.
func (m *model) nodesTouched() bool {
	return slices.ContainsFunc(m.h.Operations, func(o history.Operation) bool { return o.Resource == history.Nodes || o.Verb == history.VerbRestart })
}

// takenAway returns the event that shows a pod first as deleted, evicted or given up.
func (p *podLife) takenAway() *history.Event {
	if p.disruptionTarget != nil && (p.deleting == nil || p.disruptionTarget.Seq < p.deleting.Seq) {
		return p.disruptionTarget
	}
	return p.deleting
}

// butTakenByOthers says that others took an object away, as findings quote it.
func butTakenByOthers(e *history.Event) string {
	return fmt.Sprintf("; but %s of the %s (uid %s) had been taken away at %s, and not by the suite or for the set: find out who did it (the API server's audit log), and run again",
		e.Name, e.Resource, e.UID, e.Ref())
}

// butChangedByOthers names an external change as findings quote it.
func butChangedByOthers(e *history.Event) string {
	what := fmt.Sprintf("changed to generation %d", e.Generation)
	if e.Terminating() || e.Gone() {
		what = "deleted"
	}
	return fmt.Sprintf("; but the set %s had been %s at %s by somebody else than the suite: find out who (the API server's audit log), and run again",
		e.Name, what, e.Ref())
}

// ownChanges are the test's changes of one set's spec.
type ownChanges struct {
	// made are the generations that the API server answered with, each with the call's sequence number.
	made map[int64]int
	// possible are the sequence numbers of the changes that may have made any one generation.
	possible []int
}

// ownChanges returns the test's changes of the set, and whether the test created it.
func (a *attribution) ownChanges(s *setLife) (own ownChanges, created bool) {
	own.made = map[int64]int{}
	for _, o := range a.operations {
		ofSet := (o.Resource == history.Sets || o.Resource == "") && o.Name == s.name && (o.Result == nil || o.Result.UID == s.uid)
		switch {
		case !ofSet || !o.Effective():
		case o.Verb == history.VerbCreate && o.Seq < s.created.Seq:
			own, created = ownChanges{made: map[int64]int{}}, true
		case o.Verb != history.VerbUpdate && o.Verb != history.VerbScale:
		case o.Result == nil:
			own.possible = append(own.possible, o.Seq)
		default:
			if _, known := own.made[o.Result.Generation]; !known {
				own.made[o.Result.Generation] = o.Seq
			}
		}
	}
	return own, created
}

// explain reports whether the test's changes can account for every generation up to that of the version v.
func (o *ownChanges) explain(s *setLife, v *history.Event) bool {
	unexplained := v.Generation - 1 // creation makes the first
	for generation, call := range o.made {
		// An update that changes nothing is answered with the generation that there is, which another client may have made before.
		i := slices.IndexFunc(s.specs, func(e *history.Event) bool { return e.Generation >= generation })
		if generation > 1 && generation <= v.Generation && i >= 0 && call < s.specs[i].Seq {
			unexplained--
		}
	}
	for _, call := range o.possible {
		if call < v.Seq {
			unexplained--
		}
	}
	return unexplained <= 0
}

// unattributed reports whether the deletion of a set's pod may be its controller's act and yet has no reason: the ordinal was in
// range, no update can have been pending for the pod, and the set was not being deleted.
func (m *model) unattributed(s *setLife, p *podLife) bool {
	e := p.deleting
	if !m.maybeByController(p) || e.Change == history.Listed || e.Change == history.Missing || p.ownerAt(e.Seq).set != s || len(s.events) == 0 {
		return false
	}
	if s.mayBeDeleted(e) {
		return false
	}
	outOfRange := func(v *history.Event) bool { return !inRange(v, p.ordinal) }
	return s.wanted(p.ordinal, m.visibleFrom(e.At), deliveredBy(e.At)) && !m.cacheAt(s, e).anySpec(outOfRange) && m.updatePending(s, p) == no
}

// maybeRollout reports whether a pod that is out of range under one candidate spec may have been deleted for an update under another, or under Recreate,
// which takes pods out of range as well.
func (m *model) maybeRollout(s *setLife, p *podLife) bool {
	views := m.cacheAt(s, p.deleting)
	return m.rollouts[s.nr].mayRecreate(p, views) ||
		(views.anySpec(func(v *history.Event) bool { return updates(v, p.ordinal) }) && m.updatePending(s, p) == yes)
}
