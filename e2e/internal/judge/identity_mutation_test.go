package judge_test

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func identityMutations() map[contract.ID]mutation {
	return map[contract.ID]mutation{
		contract.IdentityName:         rename(func(s *history.Set) bool { return s.Start == 0 }),
		contract.IdentityStartOrdinal: rename(func(s *history.Set) bool { return s.Start > 0 }),
		contract.IdentityHostname:     misname,
		contract.IdentityLabels:       mislabel,
		contract.IdentitySticky:       disown(byDeletion),
		contract.IdentityAtMostOne:    overlap,
		contract.IdentityOwnership:    leaveUnowned,
		contract.IdentityNotMine:      steal,
		contract.IdentityStartMoves:   overtakeMoved,
		contract.IdentityOverrides:    obeyTemplate,
	}
}

func lifecycleMutations() map[contract.ID]mutation {
	return map[contract.ID]mutation{
		contract.LifecycleFailed:       disown(byPhase(corev1.PodFailed)),
		contract.LifecycleSucceeded:    disown(byPhase(corev1.PodSucceeded)),
		contract.LifecycleEvicted:      disown(byEviction),
		contract.LifecycleCrashInPlace: replaceCrashed,
		contract.LifecycleAdoption:     replaceOrphan,
		contract.LifecycleRelease:      replaceStray,
	}
}

// rename gives the lowest pod of a set at rest a name out of the row.
func rename(fits func(*history.Set) bool) mutation {
	return func(t *tape) bool {
		for _, set := range t.shuffled(history.Sets) {
			v := set.last()
			st := v.Set.Status
			if !set.alive(t.end) || !fits(v.Set) || v.Set.Replicas == 0 || st.Ready != v.Set.Replicas || st.Replicas != v.Set.Replicas ||
				st.ObservedGeneration != v.Generation || t.end-t.h.Events[len(t.h.Events)-1].At < t.overdue+time.Second {
				continue
			}
			p := t.pod(set, int(v.Set.Start), t.end)
			lately := func(o *object) bool {
				return o != p && o.name == p.name && o.gone() != nil && o.gone().At > t.h.Events[len(t.h.Events)-1].At-2*time.Second
			}
			if p == nil || !up(p.at(t.end)) || slices.ContainsFunc(t.objects[history.Pods], lately) {
				continue
			}
			p.change(0, func(e *history.Event) { e.Name = set.name + "-99" })
			return true
		}
		return false
	}
}

// made tries f on the pods whose creation by a set was recorded until it finds a place.
func made(f func(t *tape, set, pod *object) bool) mutation {
	return func(t *tape) bool {
		for _, p := range t.shuffled(history.Pods) {
			if set := t.setOf(p); set != nil && f(t, set, p) {
				return true
			}
		}
		return false
	}
}

func mislabel(t *tape) bool {
	return made(func(_ *tape, _, p *object) bool {
		relabel(p.first(), appsv1.StatefulSetPodNameLabel, "somebody-else")
		return true
	})(t)
}

// misname gives the first pod of its name another hostname; of those that come after it other judges speak.
func misname(t *tape) bool {
	return made(func(t *tape, set, p *object) bool {
		another := func(o *object) bool { return o != p && o.name == p.name && o.first().At < p.first().At }
		free := func(s *history.Set) bool { return s.PodHostname == "" && !s.FreeHostname }
		if slices.ContainsFunc(t.objects[history.Pods], another) || !set.every(free) {
			return false
		}
		p.first().Pod.Hostname = "somebody"
		return true
	})(t)
}

// disown lets the heir of a pod that was lost in some way come under another hostname.
func disown(lost func(t *tape, set, pod *object) *history.Event) mutation {
	return made(func(t *tape, set, p *object) bool {
		heir := t.heir(p)
		if heir == nil {
			return false
		}
		e := lost(t, set, p)
		orphaned := func(p *object) bool {
			return p.firstOf(func(e *history.Event) bool { return e.Controller() == nil }) != nil
		}
		if e == nil || orphaned(p) || orphaned(heir) || !set.steady(e.At-3*time.Second, heir.first().At+time.Second) || !wants(set.at(e.At), p.ordinal()) {
			return false
		}
		heir.first().Pod.Hostname = "somebody-else"
		return true
	})
}

func evicted(p *object) *history.Event {
	return p.firstOf(func(e *history.Event) bool { return e.Pod.Is(corev1.DisruptionTarget) })
}

func finished(p *object) *history.Event {
	return p.firstOf(func(e *history.Event) bool { return e.Pod.Finished() })
}

func byDeletion(_ *tape, _, p *object) *history.Event {
	d, f := p.deleting(), finished(p)
	if d == nil || evicted(p) != nil || (f != nil && f.At <= d.At) {
		return nil
	}
	return d
}

func byPhase(phase corev1.PodPhase) func(*tape, *object, *object) *history.Event {
	return func(_ *tape, _, p *object) *history.Event {
		f, d := finished(p), p.deleting()
		if f == nil || f.Pod.Phase != phase || (d != nil && d.At <= f.At) {
			return nil
		}
		return f
	}
}

func byEviction(t *tape, _, p *object) *history.Event {
	d, f := p.deleting(), finished(p)
	for _, m := range t.h.Operations {
		if m.Verb == history.VerbEvict && m.UID == p.uid && d != nil && (f == nil || f.At > d.At) {
			return d
		}
	}
	return nil
}

// overlap gives a pod's name away while its container still runs.
func overlap(t *tape) bool {
	return made(func(t *tape, _, p *object) bool {
		g := p.gone()
		if g == nil || t.heir(p) == nil || len(g.Pod.Containers) == 0 || evicted(p) != nil || t.removed(p) == nil {
			return false
		}
		g.Pod.Phase = corev1.PodRunning
		g.Pod.Containers = slices.Clone(g.Pod.Containers)
		g.Pod.Containers[0].State = history.ContainerRunning
		return true
	})(t)
}

func leaveUnowned(t *tape) bool {
	return made(func(t *tape, set, p *object) bool {
		d := set.deleting()
		for _, other := range t.objects[history.Sets] {
			if other != set && other.name == set.name {
				return false
			}
		}
		if set.first().At > p.first().At || (d != nil && d.At < p.first().At+time.Second) {
			return false
		}
		p.first().Owners = nil
		return true
	})(t)
}

// steal gives a pod that another controller owns to a set.
func steal(t *tape) bool {
	for _, p := range t.shuffled(history.Pods) {
		c := p.first().Controller()
		if c == nil || c.Kind == "StatefulSet" || len(p.ev) < 3 || p.ev[1].Gone() || p.ev[1].At == p.ev[0].At {
			continue
		}
		for _, set := range t.shuffled(history.Sets) {
			yes := true
			p.change(p.ev[1].At, func(e *history.Event) {
				e.Owners = []metav1.OwnerReference{{Kind: "StatefulSet", Name: set.name, UID: set.uid, Controller: &yes}}
			})
			return true
		}
	}
	return false
}

// overtakeMoved requests, after the start ordinal has moved, the deletion of a pod before a higher one is gone.
func overtakeMoved(t *tape) bool {
	for _, set := range t.shuffled(history.Sets) {
		if !set.ordered() || !set.every(func(s *history.Set) bool {
			return s.Status.UpdateRevision == set.last().Set.Status.UpdateRevision || s.Status.UpdateRevision == ""
		}) {
			continue
		}
		for _, p := range t.podsOf(set) {
			end, request := t.condemned(set, p)
			if end == nil || !p.still(end.At-1, request.At-1) {
				continue
			}
			now, before := set.spec(set.at(request.At))
			if before == nil || now.Set.Start == before.Set.Start || !wants(before, p.ordinal()) {
				continue
			}
			t.move(request, end.At-1)
			return true
		}
	}
	return false
}

func obeyTemplate(t *tape) bool {
	return made(func(_ *tape, set, p *object) bool {
		if !set.every(func(s *history.Set) bool { return s.PodHostname == "own" }) {
			return false
		}
		p.first().Pod.Hostname = "own"
		return true
	})(t)
}

// replaceCrashed deletes a pod after one of its containers has crashed.
func replaceCrashed(t *tape) bool {
	if len(t.objects[history.Sets]) > 1 {
		return false
	}
	return made(func(t *tape, set, p *object) bool {
		crash := p.firstOf(func(e *history.Event) bool { return e.Pod.Crashed() && !e.Terminating() && !e.Gone() })
		if crash == nil {
			return false
		}
		at := crash.At + 1
		if !set.steady(at-4*time.Second, at+4*time.Second) || !wants(set.at(at), p.ordinal()) || !set.every(func(s *history.Set) bool {
			return s.Status.UpdateRevision == p.revision() || s.Status.UpdateRevision == ""
		}) || t.asked(p) || !p.still(crash.At, at) || (finished(p) != nil && finished(p).At <= crash.At) || evicted(p) != nil ||
			p.firstOf(func(e *history.Event) bool { return e.Controller() == nil }) != nil {
			return false
		}
		t.terminate(p, at)
		return true
	})(t)
}

// replaceOrphan deletes an orphan that a set should have adopted.
func replaceOrphan(t *tape) bool {
	for _, p := range t.shuffled(history.Pods) {
		for i, e := range p.ev[1:] {
			set, was := t.byUID(history.Sets, e.Controller()), p.ev[i]
			if set == nil || len(was.Owners) > 0 || e.Terminating() || e.Gone() || was.Terminating() || was.Pod.Finished() || t.asked(p) || evicted(p) != nil ||
				!set.alive(e.At+3*time.Second) || set.first().At > e.At-time.Millisecond || (finished(p) != nil && finished(p).At <= e.At) ||
				!set.every(func(s *history.Set) bool {
					return wants(&history.Event{Set: s}, p.ordinal()) && (s.Status.UpdateRevision == p.revision() || s.Status.UpdateRevision == "")
				}) {
				continue
			}
			p.change(e.At, func(x *history.Event) { x.Owners = nil })
			t.doom(e, e.At)
			return true
		}
	}
	return false
}

// replaceStray deletes a pod that its set no longer selects, instead of releasing it.
func replaceStray(t *tape) bool {
	for _, p := range t.shuffled(history.Pods) {
		set, d := t.setOf(p), p.deleting()
		stray := p.firstOf(func(e *history.Event) bool { return e.Labels["app"] == "none" })
		if set == nil || stray == nil || stray.Terminating() || stray.Gone() || len(stray.Owners) == 0 || d == nil || d.At < stray.At+3*time.Second || d.Change != history.Modified || !set.alive(d.At+time.Second) ||
			(finished(p) != nil && finished(p).At <= d.At) || evicted(p) != nil {
			continue
		}
		owners := stray.Owners
		p.change(stray.At, func(e *history.Event) { e.Owners = owners })
		t.h.Operations = slices.DeleteFunc(t.h.Operations, func(m history.Operation) bool {
			return m.UID == p.uid || (m.Verb == history.VerbDelete && m.UID == "")
		})
		return true
	}
	return false
}
