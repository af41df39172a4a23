package simulator

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// changePartition changes the partition, mostly downwards.
func (cl *cluster) changePartition(set *history.Event) bool {
	return cl.updateSet(set.Name, func(t *history.Set) {
		t.NoRollingUpdate = false
		if t.Partition > 0 && cl.chance(0.7) {
			t.Partition = int32(cl.rng.IntN(int(t.Partition)))
		} else {
			t.Partition = int32(cl.rng.IntN(7))
		}
	})
}

func (cl *cluster) changeMaxUnavailable(set *history.Event) bool {
	return cl.updateSet(set.Name, func(t *history.Set) {
		t.MaxUnavailable, t.NoRollingUpdate = pick(cl.rng, "", "1", "2", "3", "50%"), false
	})
}

func (cl *cluster) changeStrategy(set *history.Event) bool {
	return cl.updateSet(set.Name, func(t *history.Set) {
		if t.Strategy != rollingUpdate {
			t.Strategy, t.NoRollingUpdate = rollingUpdate, t.Partition == 0 && t.MaxUnavailable == ""
		} else {
			t.Strategy, t.Partition, t.MaxUnavailable, t.NoRollingUpdate = onDelete, 0, "", false
		}
		cl.mayRecreate(t, 0.5)
	})
}

func (cl *cluster) changeStart(set *history.Event) bool {
	return cl.updateSet(set.Name, func(t *history.Set) { t.Start = pick(cl.rng, int32(0), 1, 2, 5) })
}

func (cl *cluster) changeRetention(set *history.Event) bool {
	if len(set.Set.ClaimTemplates) == 0 {
		return false
	}
	return cl.updateSet(set.Name, func(t *history.Set) {
		t.WhenScaled, t.WhenDeleted = pick(cl.rng, retainPolicy, deletePolicy), pick(cl.rng, retainPolicy, deletePolicy)
	})
}

func (cl *cluster) changeMinReady(set *history.Event) bool {
	return cl.updateSet(set.Name, func(t *history.Set) { t.MinReadySeconds = pick(cl.rng, int32(0), 2, 5) })
}

func (cl *cluster) changeHistoryLimit(set *history.Event) bool {
	return cl.updateSet(set.Name, func(t *history.Set) {
		t.RevisionHistoryLimit = pick(cl.rng, new(int32(0)), new(int32(1)), new(int32(10)))
	})
}

// changeMore changes further fields of a set that is being changed.
func (cl *cluster) changeMore(t *history.Set) {
	if cl.chance(0.3) {
		t.Replicas = int32(cl.rng.IntN(6))
	}
	if cl.chance(0.3) {
		t.Template, t.TemplateDigest = cl.newTemplate(0)
	}
	if cl.chance(0.3) {
		t.Start = pick(cl.rng, int32(0), 1, 2, 9)
	}
	if cl.chance(0.3) {
		t.MinReadySeconds = pick(cl.rng, int32(0), 1, 3)
	}
	if cl.chance(0.3) && t.Strategy == rollingUpdate {
		t.Partition, t.MaxUnavailable, t.NoRollingUpdate = int32(cl.rng.IntN(4)), pick(cl.rng, "", "2", "10%"), false
	}
	if cl.chance(0.3) && len(t.ClaimTemplates) > 0 {
		t.WhenScaled, t.WhenDeleted = pick(cl.rng, retainPolicy, deletePolicy), pick(cl.rng, retainPolicy, deletePolicy)
	}
}

// deleteSet deletes the set in the background, in the foreground or orphaning its pods, and mostly creates it again.
func (cl *cluster) deleteSet(set *history.Event) bool {
	cl.builder.Operation(history.VerbDelete, history.Sets, set.Name)
	propagation := pick(cl.rng,
		metav1.DeletePropagationBackground, metav1.DeletePropagationBackground, metav1.DeletePropagationForeground, metav1.DeletePropagationOrphan)
	if len(cl.builder.List(history.Sets)) > 1 {
		propagation = metav1.DeletePropagationBackground // another set with the same selector would adopt the orphans
	}
	cl.deleteSetWith(set.Name, propagation)
	cl.pause()
	if cl.chance(0.7) && !cl.builder.Exists(history.Sets, set.Name) {
		was := *set.Set
		again := cl.randomSpec()
		cl.builder.Operation(history.VerbCreate, history.Sets, set.Name)
		e := cl.builder.Set(set.Name, func(t *history.Set) {
			again(t)
			if cl.chance(0.8) {
				// As when the same manifest is applied again.
				status := t.Status
				*t = was
				t.Status = status
			}
		})
		e.Labels = map[string]string{"touched": "0"}
	}
	return true
}

// relabelPod removes a pod from its set's selector, deletes it after a while, and touches the set: the end of a released pod does
// not trigger a sync.
func (cl *cluster) relabelPod(set *history.Event) bool {
	pods := cl.podsOf(set)
	if len(pods) == 0 || len(cl.builder.List(history.Sets)) > 1 {
		return false
	}
	p := pick(cl.rng, pods...)
	cl.builder.Operation(history.VerbUpdate, history.Pods, p.Name)
	cl.builder.Relabel(p.Name, "app", "none")
	cl.runUntilIdle(4*time.Second, 30*time.Second)
	if e := cl.get(history.Pods, p.Name, p.UID); e != nil {
		cl.builder.Operation(history.VerbDelete, history.Pods, p.Name)
		cl.deletePod(p.Name, p.UID, nil)
		cl.runUntilIdle(4*time.Second, 60*time.Second)
	}
	if e := cl.get(history.Sets, set.Name, set.UID); e != nil && !e.Terminating() {
		cl.touchSet(e)
	}
	return true
}

// deletePendingClaim deletes the claim of a pending pod and touches the set: the end of a claim does not trigger a sync.
func (cl *cluster) deletePendingClaim(set *history.Event) bool {
	for _, p := range cl.podsOf(set) {
		if p.Pod.Phase != corev1.PodPending || p.Pod.Node != "" {
			continue
		}
		for _, t := range set.Set.ClaimTemplates {
			c := cl.get(history.Claims, p.Pod.Claims[t], "")
			if c == nil || c.Claim.Phase == corev1.ClaimBound {
				continue
			}
			cl.builder.Operation(history.VerbDelete, history.Claims, c.Name)
			cl.deleteClaim(c.Name, c.UID)
			cl.run(cl.durationBetween(time.Second, 4*time.Second))
			if e := cl.get(history.Sets, set.Name, set.UID); e != nil && !e.Terminating() {
				cl.touchSet(e)
			}
			return true
		}
	}
	return false
}

// deleteAllPods deletes all pods of the namespace with one request.
func (cl *cluster) deleteAllPods(*history.Event) bool {
	cl.builder.Operation(history.VerbDelete, history.Pods, "")
	for _, p := range cl.builder.List(history.Pods) {
		cl.deletePod(p.Name, p.UID, nil)
	}
	return true
}

// phasedRollout rolls out a new template by lowering the partition in steps.
func (cl *cluster) phasedRollout(set *history.Event) bool {
	n := int(set.Set.Replicas)
	if n < 2 || set.Set.Strategy != rollingUpdate || set.Set.Start != 0 {
		return false
	}
	t, digest := cl.newTemplate(0)
	partition := 1 + cl.rng.IntN(n)
	for first := true; partition >= 0; first = false {
		cl.updateSet(set.Name, func(s *history.Set) {
			s.Partition, s.NoRollingUpdate = int32(partition), false
			if first {
				s.Template, s.TemplateDigest = t, digest
			}
		})
		cl.runUntilIdle(cl.durationBetween(3*time.Second, 6*time.Second), 40*time.Second)
		if set = cl.get(history.Sets, set.Name, set.UID); set == nil || set.Terminating() {
			return true
		}
		partition -= 1 + cl.rng.IntN(2)
	}
	return true
}

// scaleDownUnready makes a pod unready for long and scales the set down meanwhile.
func (cl *cluster) scaleDownUnready(set *history.Event) bool {
	pods := slices.DeleteFunc(cl.podsOf(set), func(p *history.Event) bool { return !p.Pod.RunningAndReady() })
	if len(pods) < 2 || set.Set.Replicas < 2 {
		return false
	}
	p := pods[0]
	cl.builder.Unready(p.Name)
	cl.after(cl.durationBetween(5*time.Second, 40*time.Second), func() { cl.becomeReady(p.Name, p.UID) })
	cl.run(cl.durationBetween(0, 4*time.Second))
	return cl.updateSet(set.Name, func(t *history.Set) { t.Replicas = int32(cl.rng.IntN(int(t.Replicas))) })
}
