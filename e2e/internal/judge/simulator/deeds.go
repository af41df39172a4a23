package simulator

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// divide changes the partition, as often as not down.
func (w *world) divide(set *history.Event) bool {
	return w.update(set.Name, func(t *history.Set) {
		if t.Partition > 0 && w.chance(0.7) {
			t.Partition = int32(w.rng.IntN(int(t.Partition)))
		} else {
			t.Partition = int32(w.rng.IntN(7))
		}
	})
}

func (w *world) changeLimit(set *history.Event) bool {
	return w.update(set.Name, func(t *history.Set) { t.MaxUnavailable = pick(w.rng, "", "1", "2", "3", "50%") })
}

func (w *world) changeStrategy(set *history.Event) bool {
	return w.update(set.Name, func(t *history.Set) {
		if t.Strategy == onDelete {
			t.Strategy = rollingUpdate
		} else {
			t.Strategy, t.Partition, t.MaxUnavailable = onDelete, 0, ""
		}
	})
}

func (w *world) moveStart(set *history.Event) bool {
	return w.update(set.Name, func(t *history.Set) { t.Start = pick(w.rng, int32(0), 1, 2, 5) })
}

func (w *world) changeRetention(set *history.Event) bool {
	if len(set.Set.ClaimTemplates) == 0 {
		return false
	}
	return w.update(set.Name, func(t *history.Set) {
		t.WhenScaled, t.WhenDeleted = pick(w.rng, retain, remove), pick(w.rng, retain, remove)
	})
}

func (w *world) changeMinReady(set *history.Event) bool {
	return w.update(set.Name, func(t *history.Set) { t.MinReadySeconds = pick(w.rng, int32(0), 2, 5) })
}

func (w *world) changeHistoryLimit(set *history.Event) bool {
	return w.update(set.Name, func(t *history.Set) {
		t.RevisionHistoryLimit = pick(w.rng, new(int32(0)), new(int32(1)), new(int32(10)))
	})
}

// deleteSet deletes the set in one of the three ways and mostly makes another one of its name.
func (w *world) deleteSet(set *history.Event) bool {
	w.s.Operation(history.VerbDelete, history.Sets, set.Name)
	finalizer := pick(w.rng, "", "", foreground, orphan)
	if len(w.s.List(history.Sets)) > 1 {
		finalizer = "" // another set with the same selector would take what is left behind
	}
	if finalizer == "" {
		w.remove(history.Sets, set.Name, set.UID)
	} else {
		w.s.Change(history.Sets, set.Name, func(e *history.Event) {
			now := w.s.Timestamp()
			e.Generation++
			e.DeletionTimestamp, e.Finalizers = &now, []string{finalizer}
		})
	}
	w.pause()
	if w.chance(0.7) && !w.s.Exists(history.Sets, set.Name) {
		was := *set.Set
		again := w.kind()
		w.s.Operation(history.VerbCreate, history.Sets, set.Name)
		e := w.s.Set(set.Name, func(t *history.Set) {
			again(t)
			if w.chance(0.8) {
				// As a person who applies the same manifest again.
				status := t.Status
				*t = was
				t.Status = status
			}
		})
		e.Labels = map[string]string{"touched": "0"}
	}
	return true
}

// relabel takes a pod out of what its set selects, deletes it after a while, and touches the set: the end of a released pod does
// not wake the controller.
func (w *world) relabel(set *history.Event) bool {
	pods := w.podsOf(set)
	if len(pods) == 0 || len(w.s.List(history.Sets)) > 1 {
		return false
	}
	p := pick(w.rng, pods...)
	w.s.Operation(history.VerbUpdate, history.Pods, p.Name)
	w.s.Relabel(p.Name, "app", "none")
	w.settle(4*time.Second, 30*time.Second)
	if e := w.get(history.Pods, p.Name, p.UID); e != nil {
		w.s.Operation(history.VerbDelete, history.Pods, p.Name)
		w.deletePod(p.Name, p.UID, nil)
		w.settle(4*time.Second, 60*time.Second)
	}
	if e := w.get(history.Sets, set.Name, set.UID); e != nil && !e.Terminating() {
		w.touch(e)
	}
	return true
}

// loseClaim deletes the claim of a pod that waits for it, and touches the set: the end of a claim does not wake the controller.
func (w *world) loseClaim(set *history.Event) bool {
	for _, p := range w.podsOf(set) {
		if p.Pod.Phase != corev1.PodPending || p.Pod.Node != "" {
			continue
		}
		for _, t := range set.Set.ClaimTemplates {
			c := w.get(history.Claims, p.Pod.Claims[t], "")
			if c == nil || c.Claim.Phase == corev1.ClaimBound {
				continue
			}
			w.s.Operation(history.VerbDelete, history.Claims, c.Name)
			w.deleteClaim(c.Name, c.UID)
			w.run(w.between(time.Second, 4*time.Second))
			if e := w.get(history.Sets, set.Name, set.UID); e != nil && !e.Terminating() {
				w.touch(e)
			}
			return true
		}
	}
	return false
}

// sweep deletes all pods of the namespace with one request.
func (w *world) sweep(*history.Event) bool {
	w.s.Operation(history.VerbDelete, history.Pods, "")
	for _, p := range w.s.List(history.Pods) {
		w.deletePod(p.Name, p.UID, nil)
	}
	return true
}

// phase brings a new template to a set in steps, by lowering the partition.
func (w *world) phase(set *history.Event) bool {
	n := int(set.Set.Replicas)
	if n < 2 || set.Set.Strategy == onDelete || set.Set.Start != 0 {
		return false
	}
	t, digest := w.newTemplate(0)
	partition := 1 + w.rng.IntN(n)
	for first := true; partition >= 0; first = false {
		w.update(set.Name, func(s *history.Set) {
			s.Partition = int32(partition)
			if first {
				s.Template, s.TemplateDigest = t, digest
			}
		})
		w.settle(w.between(3*time.Second, 6*time.Second), 40*time.Second)
		if set = w.get(history.Sets, set.Name, set.UID); set == nil || set.Terminating() {
			return true
		}
		partition -= 1 + w.rng.IntN(2)
	}
	return true
}

// stumble takes a pod's readiness away for long and scales the set down meanwhile.
func (w *world) stumble(set *history.Event) bool {
	pods := slices.DeleteFunc(w.podsOf(set), func(p *history.Event) bool { return !p.Pod.RunningAndReady() })
	if len(pods) < 2 || set.Set.Replicas < 2 {
		return false
	}
	p := pods[0]
	w.s.Unready(p.Name)
	w.after(w.between(5*time.Second, 40*time.Second), func() { w.becomeReady(p.Name, p.UID) })
	w.run(w.between(0, 4*time.Second))
	return w.update(set.Name, func(t *history.Set) { t.Replicas = int32(w.rng.IntN(int(t.Replicas))) })
}
