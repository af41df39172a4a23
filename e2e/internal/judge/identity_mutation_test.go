package judge_test

import (
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func identityMutations() map[contract.ID]mutation {
	return map[contract.ID]mutation{
		contract.IdentityName:         renamePod(func(s *history.Set) bool { return s.Start == 0 }),
		contract.IdentityStartOrdinal: renamePod(func(s *history.Set) bool { return s.Start > 0 }),
		contract.IdentityHostname:     firstPodWith(func(p *history.Pod) { p.Hostname = "somebody" }),
		contract.IdentityOwnFQDN:      firstPodWith(func(p *history.Pod) { p.Subdomain = "" }),
		contract.DNSPodRecord:         firstPodWith(func(p *history.Pod) { p.Hostname = "" }),
		contract.IdentityLabels:       wrongPodNameLabel,
		contract.IdentitySticky:       replaceWithWrongHostname(byDeletion),
		contract.IdentityAtMostOne:    removeWhileRunning,
		contract.IdentityOwnership:    dropOwnerReference,
		contract.IdentityStartMoves:   scaleDownEarlyAfterStartChange,
		contract.IdentityOverrides:    useTemplateHostname,
		contract.IdentityTemplate:     loseVolume,
	}
}

func furtherIdentityMutations() []furtherMutation {
	return []furtherMutation{
		{contract.IdentityAtMostOne, "an evicted pod is deleted by force", removeEvictedWhileRunning},
		{contract.IdentityOwnership, "a pod is created without blockOwnerDeletion", onCreatedPod(func(_ *mutableHistory, set, p *object) bool {
			return changeReference(set, p, func(o *metav1.OwnerReference) { o.BlockOwnerDeletion = nil })
		})},
		{contract.IdentityOwnership, "a pod is created with a further owner", onCreatedPod(func(_ *mutableHistory, set, p *object) bool {
			p.first().Owners = append(slices.Clone(p.first().Owners), metav1.OwnerReference{APIVersion: "v1", Kind: "Service", Name: "web", UID: "uid-service"})
			return set.first().At < p.first().At
		})},
		{contract.IdentityOwnership, "a revision is created without blockOwnerDeletion", revisionWithoutBlock},
	}
}

// renamePod gives the lowest pod of a set an ordinal out of range, once the rollout is complete.
func renamePod(fits func(*history.Set) bool) mutation {
	return func(h *mutableHistory) bool {
		for _, set := range h.shuffled(history.Sets) {
			v := set.last()
			st := v.Set.Status
			if !set.alive(h.end) || !fits(v.Set) || v.Set.Replicas == 0 || st.Ready != v.Set.Replicas || st.Replicas != v.Set.Replicas ||
				st.ObservedGeneration != v.Generation || h.end-h.Events[len(h.Events)-1].At < h.deadline+whenTouched {
				continue
			}
			p := h.pod(set, int(v.Set.Start), h.end)
			lately := func(o *object) bool {
				return o != p && o.name == p.name && o.removal() != nil && o.removal().At > h.Events[len(h.Events)-1].At-2*time.Second
			}
			if p == nil || !runningReady(p.at(h.end)) || slices.ContainsFunc(h.objects[history.Pods], lately) {
				continue
			}
			p.change(0, func(e *history.Event) { e.Name = set.name + "-99" })
			h.showController()
			return true
		}
		return false
	}
}

// onCreatedPod tries f on each pod whose creation by a set was recorded, until one fits.
func onCreatedPod(f func(h *mutableHistory, set, pod *object) bool) mutation {
	return func(h *mutableHistory) bool {
		for _, p := range h.shuffled(history.Pods) {
			if set := h.setOf(p); set != nil && f(h, set, p) {
				return true
			}
		}
		return false
	}
}

// loseVolume takes a volume of its template from a pod, whose first event still shows it Pending.
func loseVolume(h *mutableHistory) bool {
	return onCreatedPod(func(_ *mutableHistory, _, p *object) bool {
		t := &p.first().Pod.Template
		t.Parts = strings.ReplaceAll(t.Parts, "\nvolumes[cache].emptyDir", "")
		return true
	})(h)
}

func wrongPodNameLabel(h *mutableHistory) bool {
	return onCreatedPod(func(_ *mutableHistory, _, p *object) bool {
		setLabel(p.first(), appsv1.StatefulSetPodNameLabel, "somebody-else")
		return true
	})(h)
}

// firstPodWith changes the first pod of its name; its replacements are checked under identity/sticky.
func firstPodWith(change func(*history.Pod)) mutation {
	return onCreatedPod(func(h *mutableHistory, set, p *object) bool {
		another := func(o *object) bool { return o != p && o.name == p.name && o.first().At < p.first().At }
		free := func(s *history.Set) bool { return s.PodHostname == "" && !s.FreeHostname }
		if slices.ContainsFunc(h.objects[history.Pods], another) || !set.every(free) {
			return false
		}
		change(p.first().Pod)
		return true
	})
}

// replaceWithWrongHostname gives another hostname to the replacement of a pod for which lost returns an event.
func replaceWithWrongHostname(lost func(h *mutableHistory, set, pod *object) *history.Event) mutation {
	return onCreatedPod(func(h *mutableHistory, set, p *object) bool {
		replacement := h.replacement(p)
		if replacement == nil {
			return false
		}
		e := lost(h, set, p)
		orphaned := func(p *object) bool {
			return p.firstWhere(func(e *history.Event) bool { return e.Controller() == nil }) != nil
		}
		if e == nil || orphaned(p) || orphaned(replacement) || !set.specUnchanged(e.At-3*time.Second, replacement.first().At+time.Second) || !inRange(set.at(e.At), p.ordinal()) {
			return false
		}
		replacement.first().Pod.Hostname = "somebody-else"
		return true
	})
}

func evicted(p *object) *history.Event {
	return p.firstWhere(func(e *history.Event) bool { return e.Pod.Is(corev1.DisruptionTarget) })
}

func finished(p *object) *history.Event {
	return p.firstWhere(func(e *history.Event) bool { return e.Pod.Finished() })
}

func byDeletion(_ *mutableHistory, _, p *object) *history.Event {
	d, f := p.deletion(), finished(p)
	if d == nil || evicted(p) != nil || (f != nil && f.At <= d.At) {
		return nil
	}
	return d
}

// removeWhileRunning has the controller remove two pods at once, whose containers run.
func removeWhileRunning(h *mutableHistory) bool {
	done := 0
	for _, p := range h.shuffled(history.Pods) {
		d := h.controllerDeletion(p)
		if d == nil || d.Gone() || d.Pod.Node == "" || d.Pod.Stopped() || *d.Pod.Grace == 0 {
			continue
		}
		h.dropEvents(func(e *history.Event) bool { return e.UID == p.uid && e.At > d.At })
		d.Change, d.DeletionGrace = history.Deleted, new(int64)
		d.DeletionTimestamp = new(h.timestamp(d.At))
		if done++; done == 2 {
			return true
		}
	}
	return false
}

// removeEvictedWhileRunning lets an evicted pod end while its container still runs, though its eviction was graceful.
func removeEvictedWhileRunning(h *mutableHistory) bool {
	return onCreatedPod(func(h *mutableHistory, _, p *object) bool {
		g, d := p.removal(), p.deletion()
		// Sooner, a report of the removal may be one of the deletion.
		if g == nil || d == g || h.replacement(p) == nil || len(g.Pod.Containers) == 0 || *g.Pod.Grace == 0 || g.At-d.At < 4*time.Second {
			return false
		}
		if c := g.Pod.Condition(corev1.DisruptionTarget); c == nil || c.Reason == corev1.PodReasonTerminationByKubelet {
			return false
		}
		g.Pod.Phase = corev1.PodRunning
		g.Pod.Containers = slices.Clone(g.Pod.Containers)
		g.Pod.Containers[0].State = history.ContainerRunning
		return true
	})(h)
}

func dropOwnerReference(h *mutableHistory) bool {
	return onCreatedPod(func(h *mutableHistory, set, p *object) bool {
		d := set.deletion()
		for _, other := range h.objects[history.Sets] {
			if other != set && other.name == set.name {
				return false
			}
		}
		if set.first().At > p.first().At || (d != nil && d.At < p.first().At+time.Second) {
			return false
		}
		p.first().Owners = nil
		return true
	})(h)
}

// changeReference changes the first reference of an object of a set, which has no other object's events.
func changeReference(set, o *object, change func(*metav1.OwnerReference)) bool {
	owners := slices.Clone(o.first().Owners)
	change(&owners[0])
	o.first().Owners = owners
	return set.first().At < o.first().At
}

// revisionWithoutBlock takes blockOwnerDeletion from a revision that a set created for one of its templates.
func revisionWithoutBlock(h *mutableHistory) bool {
	for _, r := range h.shuffled(history.Revisions) {
		set := h.byUID(history.Sets, r.first().Controller())
		if set == nil || r.first().Change != history.Added || set.every(func(s *history.Set) bool { return s.Status.UpdateRevision != r.name }) {
			continue
		}
		return changeReference(set, r, func(o *metav1.OwnerReference) { o.BlockOwnerDeletion = nil })
	}
	return false
}

// scaleDownEarlyAfterStartChange requests, after a change of the start ordinal, the deletion of a pod before a higher one is gone.
func scaleDownEarlyAfterStartChange(h *mutableHistory) bool {
	for _, set := range h.shuffled(history.Sets) {
		if !set.ordered() || !set.every(func(s *history.Set) bool {
			return s.Status.UpdateRevision == set.last().Set.Status.UpdateRevision || s.Status.UpdateRevision == ""
		}) {
			continue
		}
		for _, p := range h.podsOf(set) {
			end, request := h.scaleDownPair(set, p)
			if end == nil || !p.unchanged(end.At-1, request.At-1) {
				continue
			}
			now, before := set.specChange(set.at(request.At))
			if before == nil || now.Set.Start == before.Set.Start || !inRange(before, p.ordinal()) {
				continue
			}
			h.move(request, end.At-1)
			return true
		}
	}
	return false
}

func useTemplateHostname(h *mutableHistory) bool {
	return onCreatedPod(func(_ *mutableHistory, set, p *object) bool {
		if !set.every(func(s *history.Set) bool { return s.PodHostname == "own" }) {
			return false
		}
		p.first().Pod.Hostname = "own"
		return true
	})(h)
}
