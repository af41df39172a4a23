package judge_test

import (
	"slices"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

const (
	deletes = appsv1.DeletePersistentVolumeClaimRetentionPolicyType
	retains = appsv1.RetainPersistentVolumeClaimRetentionPolicyType
)

func storageMutations() map[contract.ID]mutation {
	return map[contract.ID]mutation{
		contract.StorageClaimPerPod:       confuseClaim(func(s *history.Set) bool { return len(s.ClaimTemplates) == 1 && len(s.PodVolumes) == 0 }),
		contract.StorageTemplates:         confuseClaim(func(s *history.Set) bool { return len(s.ClaimTemplates) == 2 && len(s.PodVolumes) == 0 }),
		contract.StorageTemplateWins:      confuseClaim(func(s *history.Set) bool { return slices.Contains(s.PodVolumes, "data") }),
		contract.StorageClaimLabels:       mislabelClaim,
		contract.StorageDataSurvives:      loseClaim(keepsAll, whileWanted),
		contract.StorageRetentionFailure:  loseClaim(deletesSome, whileWanted),
		contract.StorageScaleKeeps:        loseClaim(keepsAll, whileUnwanted),
		contract.StorageDeleteKeeps:       loseClaim(keepsAll, afterItsSet),
		contract.StorageWhenScaledDelete:  keepClaim(false),
		contract.StorageWhenDeletedDelete: keepClaim(true),
		contract.StorageRetentionChange:   keepOwners,
		contract.StorageUnboundBlocks:     bindLate,
		contract.StorageClaimRecreated:    forgetClaim,
	}
}

func keepsAll(s *history.Set) bool    { return s.WhenScaled == retains && s.WhenDeleted == retains }
func deletesSome(s *history.Set) bool { return s.WhenScaled == deletes || s.WhenDeleted == deletes }

// confuseClaim gives a new pod a claim of another name.
func confuseClaim(fits func(*history.Set) bool) mutation {
	return made(func(_ *tape, set, p *object) bool {
		if len(p.first().Pod.Claims) == 0 || !fits(set.first().Set) {
			return false
		}
		p.first().Pod.Claims = map[string]string{"data": "data-of-somebody-else", "log": p.first().Pod.Claims["log"]}
		return true
	})
}

// claimOf returns the set that the claim is for, if only one ever had that name, and the ordinal of its pod.
func (t *tape) claimOf(claim *object) (*object, int) {
	var found *object
	for _, set := range t.objects[history.Sets] {
		for _, template := range set.first().Set.ClaimTemplates {
			if strings.HasPrefix(claim.name, template+"-"+set.name+"-") {
				if found != nil {
					return nil, 0
				}
				found = set
			}
		}
	}
	return found, history.Ordinal(claim.name)
}

func mislabelClaim(t *tape) bool {
	for _, c := range t.shuffled(history.Claims) {
		set, n := t.claimOf(c)
		made := c.first()
		if set == nil || made.Change != history.Added || !set.steady(made.At-time.Second, made.At+time.Second) || !wants(set.at(made.At), n) {
			continue
		}
		relabel(made, "app", "somebody-else")
		return true
	}
	return false
}

// loseClaim deletes a claim that must stay at a moment that fits.
func loseClaim(policy func(*history.Set) bool, when func(*tape, *object, *object, int) time.Duration) mutation {
	return func(t *tape) bool {
		for _, c := range t.shuffled(history.Claims) {
			set, n := t.claimOf(c)
			if set == nil || !set.every(policy) || t.asked(c) {
				continue
			}
			at := when(t, set, c, n)
			if at == 0 || c.at(at) == nil || !c.alive(at) || ownedByPod(c.at(at)) {
				continue
			}
			t.terminate(c, at)
			return true
		}
		return false
	}
}

func ownedByPod(e *history.Event) bool { return len(e.Owners) > 0 && e.Owners[0].Kind == "Pod" }

func whileWanted(_ *tape, set, _ *object, n int) time.Duration {
	for _, e := range set.ev {
		if at := e.At + 4*time.Second; set.steady(e.At-time.Millisecond, at+time.Second) && wants(e, n) {
			return at
		}
	}
	return 0
}

func whileUnwanted(_ *tape, set, _ *object, n int) time.Duration {
	for _, e := range set.ev {
		if at := e.At + 4*time.Second; set.steady(e.At-time.Millisecond, at+time.Second) && !wants(e, n) {
			return at
		}
	}
	return 0
}

func afterItsSet(t *tape, set, _ *object, _ int) time.Duration {
	if d := set.deleting(); d != nil && d.At+2*time.Second < t.end {
		return d.At + time.Second
	}
	return 0
}

// keepClaim takes from a claim, at its end, the owner that its set's policy had given it.
func keepClaim(withSet bool) mutation {
	return func(t *tape) bool {
		for _, c := range t.shuffled(history.Claims) {
			set, n := t.claimOf(c)
			d := c.deleting()
			if set == nil || d == nil || len(d.Owners) == 0 || t.asked(c) || ownedByPod(d) == withSet {
				continue
			}
			v := set.at(d.At)
			if withSet && (v == nil || set.deleting() == nil || set.deleting().At > d.At || v.Set.WhenDeleted != deletes) {
				continue
			}
			if !withSet && (v == nil || v.Set.WhenScaled != deletes || wants(v, n) || !set.alive(d.At+time.Second)) {
				continue
			}
			c.change(d.At, func(e *history.Event) { e.Owners = nil })
			return true
		}
		return false
	}
}

// keepOwners lets the owners of a claim stay what they were when whenDeleted changes.
func keepOwners(t *tape) bool {
	for _, set := range t.shuffled(history.Sets) {
		change, before := set.spec(set.last())
		if before == nil || change.Set.WhenDeleted == before.Set.WhenDeleted || !set.ordered() || !set.alive(t.end) || t.end-change.At < t.overdue+6*time.Second ||
			!set.every(func(s *history.Set) bool { return s.MinReadySeconds == 0 }) {
			continue
		}
		for _, c := range t.shuffled(history.Claims) {
			of, n := t.claimOf(c)
			p := t.pod(set, n, change.At)
			if of != set || c.at(change.At) == nil || c.deleting() != nil || p == nil || p.deleting() != nil || !wants(change, n) || !p.readyThroughout(t.end-t.overdue, t.end) {
				continue
			}
			follows := c.firstOf(func(e *history.Event) bool { return e.At > change.At && len(e.Owners) != len(c.at(change.At).Owners) })
			if follows == nil || !t.lowerReady(set, n) || len(c.last().Owners) == len(c.at(change.At).Owners) {
				continue
			}
			owners := c.at(change.At).Owners
			c.change(change.At, func(e *history.Event) { e.Owners = owners })
			return true
		}
	}
	return false
}

// lowerReady reports whether all pods of the set below that ordinal, and that one, had been Ready for long at the end.
func (t *tape) lowerReady(set *object, n int) bool {
	for k := int(set.last().Set.Start); k <= n; k++ {
		p := t.pod(set, k, t.end)
		if p == nil || !p.readyThroughout(t.end-t.overdue-time.Second, t.end) {
			return false
		}
	}
	return true
}

// bindLate binds a claim long after its pod began to run.
func bindLate(t *tape) bool {
	return made(func(t *tape, set, p *object) bool {
		if !set.ordered() {
			return false
		}
		ran := p.firstOf(func(e *history.Event) bool { return e.Pod.Phase == corev1.PodRunning })
		for _, c := range t.shuffled(history.Claims) {
			of, n := t.claimOf(c)
			bound := c.firstOf(func(e *history.Event) bool { return e.Claim.Phase == corev1.ClaimBound })
			if of != set || n != p.ordinal() || ran == nil || bound == nil || bound.At < p.first().At || bound.At > ran.At || c.gone() != nil ||
				c.first().At > p.first().At+time.Second || !c.still(bound.At, ran.At+5*time.Second) || ran.At+5*time.Second > t.end {
				continue
			}
			t.move(bound, ran.At+4*time.Second)
			// Told late is not bound late: it is the resource version that says which was first.
			bound.ResourceVersion = strconv.FormatUint(ran.RV()+1, 10)
			return true
		}
		return false
	})(t)
}

// forgetClaim lets a claim that was deleted under a waiting pod never come again.
func forgetClaim(t *tape) bool {
	claims := t.objects[history.Claims]
	for i, lost := range claims {
		if lost.gone() == nil {
			continue
		}
		set, n := t.claimOf(lost)
		if set == nil || !set.alive(t.end) {
			continue
		}
		p := t.pod(set, n, lost.gone().At)
		k := slices.IndexFunc(claims[i+1:], func(c *object) bool { return c.name == lost.name })
		touched := set.firstOf(func(e *history.Event) bool { return e.At > lost.gone().At+600*time.Millisecond })
		if p == nil || k < 0 || touched == nil || t.end-touched.At < t.overdue+time.Second || p.first().At > lost.gone().At-time.Second || p.at(lost.gone().At).Pod.Phase != corev1.PodPending ||
			p.at(lost.gone().At).Pod.Node != "" || !p.alive(lost.gone().At) {
			continue
		}
		if change, _ := set.spec(set.last()); t.end-change.At < t.overdue+time.Second || !wants(change, n) || (set.ordered() && n > int(change.Set.Start) && !t.lowerReady(set, n-1)) {
			continue
		}
		if p.firstOf(func(e *history.Event) bool {
			return e.At > lost.gone().At && (e.Terminating() || e.Gone() || e.Pod.Finished())
		}) != nil {
			continue
		}
		again := claims[i+1+k]
		t.drop(func(e *history.Event) bool {
			return e.UID == again.uid || (e.Resource == history.Claims && e.Name == lost.name && e.At > lost.gone().At) || (e.UID == p.uid && e.At > lost.gone().At)
		})
		// Without a sign of it the controller may have been away.
		t.insert(set.last(), t.end-4*time.Second, func(e *history.Event) { e.Set.Status.Updated++ })
		return true
	}
	return false
}
