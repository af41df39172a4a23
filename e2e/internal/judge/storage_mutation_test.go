package judge_test

import (
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func storageMutations() map[contract.ID]mutation {
	return map[contract.ID]mutation{
		contract.StorageClaimPerPod:    wrongClaimName(func(s *history.Set) bool { return len(s.ClaimTemplates) == 1 && len(s.PodVolumes) == 0 }),
		contract.StorageTemplates:      wrongClaimName(func(s *history.Set) bool { return len(s.ClaimTemplates) == 2 && len(s.PodVolumes) == 0 }),
		contract.StorageTemplateWins:   wrongClaimName(func(s *history.Set) bool { return slices.Contains(s.PodVolumes, "data") }),
		contract.StorageClaimLabels:    wrongClaimLabels,
		contract.StorageUnboundBlocks:  bindAfterStart,
		contract.StorageClaimRecreated: omitClaimRecreation,
	}
}

// wrongClaimName lets a new pod mount a claim of another name.
func wrongClaimName(fits func(*history.Set) bool) mutation {
	return onCreatedPod(func(_ *mutableHistory, set, p *object) bool {
		if len(p.first().Pod.Claims) == 0 || !fits(set.first().Set) {
			return false
		}
		p.first().Pod.Claims = map[string]string{"data": "data-of-somebody-else", "log": p.first().Pod.Claims["log"]}
		return true
	})
}

// claimOf returns the set that the claim's name belongs to, nil if more than one fits, and the ordinal of its pod.
func (h *mutableHistory) claimOf(claim *object) (*object, int) {
	var found *object
	for _, set := range h.objects[history.Sets] {
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

func wrongClaimLabels(h *mutableHistory) bool {
	for _, c := range h.shuffled(history.Claims) {
		set, n := h.claimOf(c)
		made := c.first()
		if set == nil || made.Change != history.Added || !set.specUnchanged(made.At-time.Second, made.At+time.Second) || !inRange(set.at(made.At), n) {
			continue
		}
		setLabel(made, "app", "somebody-else")
		return true
	}
	return false
}

// lowerReady reports whether all pods of the set below that ordinal, and that one, had been Ready for long at the end.
func (h *mutableHistory) lowerReady(set *object, n int) bool {
	for k := int(set.last().Set.Start); k <= n; k++ {
		p := h.pod(set, k, h.end)
		if p == nil || !p.readyThroughout(h.end-h.deadline-whenTouched-time.Second, h.end) {
			return false
		}
	}
	return true
}

// bindAfterStart lets a claim be bound long after its pod started.
func bindAfterStart(h *mutableHistory) bool {
	return onCreatedPod(func(h *mutableHistory, set, p *object) bool {
		if !set.ordered() {
			return false
		}
		ran := p.firstWhere(func(e *history.Event) bool { return e.Pod.Phase == corev1.PodRunning })
		for _, c := range h.shuffled(history.Claims) {
			of, n := h.claimOf(c)
			bound := c.firstWhere(func(e *history.Event) bool { return e.Claim.Phase == corev1.ClaimBound })
			if of != set || n != p.ordinal() || ran == nil || bound == nil || bound.At < p.first().At || bound.At > ran.At || c.removal() != nil ||
				c.first().At > p.first().At+time.Second || !c.unchanged(bound.At, ran.At+5*time.Second) || ran.At+5*time.Second > h.end {
				continue
			}
			h.move(bound, ran.At+4*time.Second)
			return true
		}
		return false
	})(h)
}

// omitClaimRecreation removes the re-creation of a claim that was deleted while its pod was pending.
func omitClaimRecreation(h *mutableHistory) bool {
	claims := h.objects[history.Claims]
	for i, lost := range claims {
		if lost.removal() == nil {
			continue
		}
		set, n := h.claimOf(lost)
		if set == nil || !set.alive(h.end) {
			continue
		}
		p := h.pod(set, n, lost.removal().At)
		k := slices.IndexFunc(claims[i+1:], func(c *object) bool { return c.name == lost.name })
		touched := set.firstWhere(func(e *history.Event) bool { return e.At > lost.removal().At+600*time.Millisecond })
		if p == nil || k < 0 || touched == nil || h.end-touched.At < h.deadline+5*time.Second || p.first().At > lost.removal().At-time.Second || p.at(lost.removal().At).Pod.Phase != corev1.PodPending ||
			p.at(lost.removal().At).Pod.Node != "" || !p.alive(lost.removal().At) {
			continue
		}
		if change, _ := set.specChange(set.last()); h.end-change.At < h.deadline+5*time.Second || !inRange(change, n) || (set.ordered() && n > int(change.Set.Start) && !h.lowerReady(set, n-1)) {
			continue
		}
		if p.firstWhere(func(e *history.Event) bool {
			return e.At > lost.removal().At && (e.Terminating() || e.Gone() || e.Pod.Finished())
		}) != nil {
			continue
		}
		again := claims[i+1+k]
		h.dropEvents(func(e *history.Event) bool {
			return e.UID == again.uid || (e.Resource == history.Claims && e.Name == lost.name && e.At > lost.removal().At) || (e.UID == p.uid && e.At > lost.removal().At)
		})
		// A status write shows that the controller was running.
		h.insert(set.last(), h.end-4*time.Second, func(e *history.Event) { e.Set.Status.Updated++ })
		return true
	}
	return false
}
