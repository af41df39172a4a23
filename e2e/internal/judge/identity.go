package judge

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func identityChecks() []check {
	return []check{
		{ids: []contract.ID{contract.IdentityName, contract.IdentityStartOrdinal}, run: checkNames},
		{ids: []contract.ID{contract.IdentityHostname}, run: checkHostname},
		{ids: []contract.ID{contract.IdentityOwnFQDN, contract.DNSPodRecord}, run: checkNetworkName},
		{ids: []contract.ID{contract.IdentityLabels}, run: checkLabels},
		{ids: []contract.ID{contract.IdentitySticky}, run: checkSticky},
		{ids: []contract.ID{contract.IdentityAtMostOne}, run: checkAtMostOne},
		{ids: []contract.ID{contract.IdentityOwnership}, run: checkOwnership},
		{ids: []contract.ID{contract.IdentityNotMine}, run: checkNotMine},
		{ids: []contract.ID{contract.IdentityStartMoves}, run: checkStartMoves},
		{ids: []contract.ID{contract.IdentityOverrides}, run: checkOverrides},
		{ids: []contract.ID{contract.IdentityTemplate}, run: checkPodOfTemplate},
	}
}

// checkSticky: a pod that was deleted comes back with its identity, and not on a claim that goes with the pod before it.
func checkSticky(m *model, res *results) {
	lostPodsReplaced(deleted, contract.IdentitySticky)(m, res)
	checkStaleClaims(m, res)
}

// createdPods calls f for every pod whose creation by a set's controller was recorded.
func (m *model) createdPods(f func(*setLife, *podLife)) {
	for _, p := range m.pods {
		if s := p.owners[0].set; s != nil && p.created != nil {
			f(s, p)
		}
	}
}

// atLeast reports whether the cluster is held to the promises of that Kubernetes version or a later one; unknown stands for an unknown version.
func (m *model) atLeast(want string, unknown bool) bool {
	v, err := version.ParseGeneric(m.h.Header.Promises())
	if err != nil {
		return unknown
	}
	return v.AtLeast(version.MustParseGeneric(want))
}

// checkLabels: a new pod has its name and its ordinal as labels.
func checkLabels(m *model, res *results) {
	const id = contract.IdentityLabels
	// From 1.32 on every cluster sets the index label; before, one pod with it shows that the cluster does.
	indexed := m.atLeast("1.32", false)
	m.createdPods(func(_ *setLife, p *podLife) {
		if !indexed {
			_, indexed = p.created.Labels[appsv1.PodIndexLabel]
		}
	})
	m.createdPods(func(s *setLife, p *podLife) {
		right := true
		want := [...]struct{ label, value string }{{appsv1.StatefulSetPodNameLabel, p.name}, {appsv1.PodIndexLabel, strconv.Itoa(p.ordinal)}}
		for i, w := range want {
			if i > 0 && !indexed {
				break
			}
			if got := p.created.Labels[w.label]; got != w.value {
				right = false
				res.broken(id, evidence{
					set: s, since: p.created.At, events: []*history.Event{p.created}, admitted: true,
					text: fmt.Sprintf("%s was created at %s with label %s %q, expected %q", p.name, p.created.Ref(), w.label, got, w.value),
				})
			}
		}
		if right {
			res.exercised(id)
		}
	})
}

// checkHostname: no new pod has another hostname than its name, unless its template sets one. Only a check inside the container counts as
// exercised. Replacements are checked under identity/sticky, templates with a hostname under identity/overrides.
func checkHostname(m *model, res *results) {
	isReplacement := map[*podLife]bool{}
	for _, l := range m.lostPods {
		isReplacement[l.next] = true
	}
	m.createdPods(func(s *setLife, p *podLife) {
		if got := p.created.Pod.Hostname; got != "" && got != p.name && !isReplacement[p] && len(s.events) > 0 && !m.freeHostname(s, p) {
			res.broken(contract.IdentityHostname, evidence{
				set: s, since: p.created.At, events: []*history.Event{p.created},
				text: fmt.Sprintf("%s was created at %s with hostname %q, expected its name", p.name, p.created.Ref(), got),
			})
		}
	})
}

// freeHostname reports whether the pod may have been made of a template that asks for a hostname of its own: that of a candidate spec, or of the
// pod's revision, which may be an earlier one.
func (m *model) freeHostname(s *setLife, p *podLife) bool {
	r, views := m.rollouts[s.nr], m.cacheAt(s, p.created)
	made, known := r.templateByRevision[p.revision]
	for i, v := range s.specs[:views.newest+1] {
		if (v.Set.FreeHostname || v.Set.PodHostname != "") && (i >= views.oldest || !known || r.templateOf[i] == made) {
			return true
		}
	}
	return false
}

// parentOf returns the name of the set that a pod of that name would belong to, or "".
func parentOf(pod string) string {
	i := strings.LastIndexByte(pod, '-')
	if i < 0 {
		return ""
	}
	return pod[:i]
}

// checkOverrides: the pod's identity overrides hostname and subdomain of the template.
func checkOverrides(m *model, res *results) {
	const id = contract.IdentityOverrides
	m.createdPods(func(s *setLife, p *podLife) {
		if len(s.events) == 0 {
			return
		}
		v := s.specAt(p.created.At)
		if (v.Set.PodHostname == "" || v.Set.PodHostname == p.name) && (v.Set.PodSubdomain == "" || v.Set.PodSubdomain == v.Set.ServiceName) {
			return
		}
		got := p.created.Pod
		if got.Hostname == p.name && got.Subdomain == v.Set.ServiceName {
			res.exercised(id)
			return
		}
		res.broken(id, evidence{
			set: s, since: p.created.At, events: []*history.Event{v, p.created}, admitted: true,
			text: fmt.Sprintf("%s was created at %s with hostname %q and subdomain %q, expected %q and %q although the template says %q and %q",
				p.name, p.created.Ref(), got.Hostname, got.Subdomain, p.name, v.Set.ServiceName, v.Set.PodHostname, v.Set.PodSubdomain),
		})
	})
}

// checkAtMostOne: a pod's containers have stopped before its name is reused, and the controller, and the garbage collector, delete pods with their own
// grace period.
func checkAtMostOne(m *model, res *results) {
	for _, p := range m.pods {
		if old := p.predecessorIncarnation; old != nil && (old.set != nil || p.set != nil) {
			res.nameReused(old, p)
		}
	}
	for _, a := range m.actions {
		for _, r := range a.removals {
			res.firstDeletion(a.set, r.pod)
		}
	}
	for _, s := range m.sets {
		if s.deleting != nil && !m.h.Header.Unstimulated {
			res.collectedPods(s)
		}
	}
}

// nameReused checks that a pod's containers had stopped when it was removed; p has the same name.
func (res *results) nameReused(old, p *podLife) {
	const id = contract.IdentityAtMostOne
	if old.gone == nil || old.gone.Change != history.Deleted || len(old.gone.Pod.Containers) == 0 {
		return
	}
	end := old.gone
	if end.Pod.Stopped() {
		for _, c := range end.Pod.Containers {
			if c.State == history.ContainerTerminated {
				res.exercised(id)
				return
			}
		}
		return
	}
	// A client may force a deletion: the test by one that asks for that or by a second one, the test and an evicting client by a first one without grace.
	requests := res.m.deletionsByTest(old.uid)
	without := old.deleting == end || orZero(old.deleting.DeletionGrace) == 0
	forces := func(o history.Operation) bool { return o.Grace != nil && *o.Grace == 0 && o.Seq < end.Seq }
	forced := slices.ContainsFunc(requests, forces) || len(requests) > 1 || (len(requests) == 1 && requests[0].Seq > old.deleting.Seq) ||
		(without && (len(requests) == 1 || old.evicted(old.deleting.Seq)))
	// With a grace period of 0 a pod is removed from the API before its containers have stopped.
	if removedEarly(end) || end.Pod.Finished() || forced || old.grace() == 0 {
		res.excuse(id, Forced)
		return
	}
	for _, c := range end.Pod.Containers {
		if c.State == history.ContainerRunning {
			res.broken(id, evidence{
				set: p.set, since: old.deleting.At, events: []*history.Event{end, p.first()}, acts: []*history.Event{end},
				text: fmt.Sprintf("%s was given to a new pod at %s while container %s of the old one (UID %s) was last seen running, when it was removed at %s",
					p.name, p.first().Ref(), c.Name, old.uid, end.Ref()),
			})
		}
	}
}

// firstDeletion checks the grace period of a deletion that only the controller can have requested.
func (res *results) firstDeletion(s *setLife, p *podLife) {
	const id = contract.IdentityAtMostOne
	e := p.deleting
	before := p.at(e.Seq - 1)
	if before == nil || (e.Change != history.Modified && e.Change != history.Deleted) {
		return
	}
	own := p.grace()
	// The API server sets 0 for pods that were never scheduled or that have finished.
	if own <= 0 || before.Pod.Node == "" || before.Pod.Stopped() || e.Pod.Finished() {
		return
	}
	got := orZero(e.DeletionGrace)
	if got == own {
		res.exercised(id)
		return
	}
	res.broken(id, evidence{
		set: s, since: before.At, events: []*history.Event{before, e},
		text: fmt.Sprintf("%s was deleted at %s with a grace period of %d s while its containers ran, expected its own %d s", p.name, e.Ref(), got, own),
	})
}

// grace is the pod's terminationGracePeriodSeconds.
func (p *podLife) grace() int64 {
	if own := p.first().Pod.Grace; own != nil {
		return *own
	}
	return corev1.DefaultTerminationGracePeriodSeconds
}

func orZero(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// checkStartMoves: after a change of the start ordinal, pods out of range are deleted only once the new range is Ready, the highest ordinal
// first.
func checkStartMoves(m *model, res *results) {
	const id = contract.IdentityStartMoves
	for _, a := range m.actions {
		if !a.set.ordered() {
			continue
		}
		for _, r := range a.removals {
			if !r.outOfRange || !r.startMoved {
				continue
			}
			act := fmt.Sprintf("the start ordinal had moved and %s began to terminate at %s while ", r.pod.name, r.event.Ref())
			for _, h := range r.higher {
				res.broken(id, evidence{
					set: a.set, since: h.first().At, events: []*history.Event{h.at(r.event.Seq), r.event},
					text: fmt.Sprintf("%sthe higher %s, out of range too, still existed (%s)", act, h.name, goneRef(h)),
				})
			}
			if len(r.staying) > 0 {
				res.addBlockingPods(id, a.set, act, r.event, r.staying)
			} else {
				res.countRemoval(id, r)
			}
		}
	}
}

// lostRangeByStart reports whether the ordinal, out of range in that version, became so by a change of the start ordinal.
func (s *setLife) lostRangeByStart(n int, v *history.Event) bool {
	i := sort.Search(len(s.specs), func(i int) bool { return s.specs[i].Seq > v.Seq }) - 1
	for i > 0 && !inRange(s.specs[i-1], n) {
		i--
	}
	return i > 0 && s.specs[i].Set.Start != s.specs[i-1].Set.Start
}
