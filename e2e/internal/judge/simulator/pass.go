package simulator

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

const (
	rollingUpdate = appsv1.RollingUpdateStatefulSetStrategyType
	onDelete      = appsv1.OnDeleteStatefulSetStrategyType
	remove        = appsv1.DeletePersistentVolumeClaimRetentionPolicyType
	retain        = appsv1.RetainPersistentVolumeClaimRetentionPolicyType
)

// pass is one look of the controller at one set, after updateStatefulSet of its source.
type pass struct {
	c         *controller
	set       *history.Event
	revisions revisions
	now       time.Duration
	status    history.Status
}

// replica is a place of a set: a pod, or one that is still to be made.
type replica struct {
	name     string
	ordinal  int
	pod      *history.Event // nil where there is none
	revision revision       // of one that is still to be made
}

func (r *replica) uid() types.UID {
	if r.pod == nil {
		return ""
	}
	return r.pod.UID
}

func (p *pass) monotonic() bool { return p.set.Set.Policy != appsv1.ParallelPodManagement }

// available reports whether the pod has been Ready for long enough, by the clock that timestamps come from.
func (p *pass) available(r *replica) bool {
	if r.pod == nil || !r.pod.Pod.Is(corev1.PodReady) {
		return false
	}
	ready := r.pod.Pod.Condition(corev1.PodReady)
	return p.set.Set.MinReadySeconds == 0 ||
		ready.Transition.Add(time.Duration(p.set.Set.MinReadySeconds)*time.Second).Before(p.c.w.begin.Add(p.now))
}

func (p *pass) unavailable(r *replica) bool {
	return !p.available(r) || r.pod.Terminating()
}

// update does what can be done now and reports whether no request failed.
func (p *pass) update(pods []*history.Event) bool {
	spec := p.set.Set
	p.status = history.Status{
		ObservedGeneration: p.set.Generation, CurrentRevision: p.revisions.current.name, UpdateRevision: p.revisions.update.name,
	}
	start, end := int(spec.Start), int(spec.Start+spec.Replicas)
	replicas := make([]*replica, spec.Replicas)
	var condemned, all []*replica
	for _, pod := range pods {
		r := &replica{name: pod.Name, ordinal: history.Ordinal(pod.Name), pod: pod}
		all = append(all, r)
		switch {
		case r.ordinal >= start && r.ordinal < end:
			replicas[r.ordinal-start] = r
		case r.ordinal >= 0:
			condemned = append(condemned, r)
		}
	}
	p.count(all)
	for i := range replicas {
		if replicas[i] == nil {
			replicas[i] = p.place(start + i)
		}
	}
	slices.SortFunc(condemned, func(a, b *replica) int { return b.ordinal - a.ordinal })
	first := p.firstUnavailable(replicas, condemned)
	if p.set.Terminating() {
		return true
	}
	done := func(stop, ok bool) (bool, bool) {
		if stop || !ok {
			p.count(replicas, condemned)
			return true, ok
		}
		return false, true
	}
	if stop, ok := done(p.forAll(replicas, p.replica)); stop {
		return ok
	}
	if stop, ok := done(p.forAll(condemned, p.fixClaims)); stop {
		return ok
	}
	if stop, ok := done(p.forAll(condemned, func(r *replica) (bool, bool) { return p.condemn(r, first) })); stop {
		return ok
	}
	p.count(replicas, condemned)
	if spec.Strategy == onDelete {
		return true
	}
	if p.c.w.custom.limits {
		return p.rollLimited(replicas)
	}
	return p.roll(replicas)
}

// place is a pod that is still to be made.
func (p *pass) place(ordinal int) *replica {
	r := &replica{name: fmt.Sprintf("%s-%d", p.set.Name, ordinal), ordinal: ordinal, revision: p.revisions.update}
	if p.set.Set.Strategy == rollingUpdate && ordinal < int(p.set.Set.Start+p.set.Set.Partition) {
		r.revision = p.revisions.current
	}
	return r
}

func (p *pass) firstUnavailable(replicas, condemned []*replica) *replica {
	for _, r := range replicas {
		if p.unavailable(r) {
			return r
		}
	}
	for _, r := range slices.Backward(condemned) {
		if p.unavailable(r) {
			return r
		}
	}
	return nil
}

// forAll lets f work on each, in order and until it says to stop where the set is ordered.
func (p *pass) forAll(all []*replica, f func(*replica) (stop, ok bool)) (stop, ok bool) {
	for _, r := range all {
		stop, ok := f(r)
		if !ok || (stop && p.monotonic()) {
			return true, ok
		}
	}
	return false, true
}

// replica sees to one place in range.
func (p *pass) replica(r *replica) (stop, ok bool) {
	if r.pod != nil && r.pod.Pod.Finished() {
		if !r.pod.Terminating() {
			p.c.w.deletePod(r.name, r.pod.UID, nil)
		}
		return true, true
	}
	if r.pod == nil {
		if p.staleClaim(r) {
			return true, true
		}
		if !p.create(r) {
			return true, false
		}
		if p.monotonic() {
			return true, true
		}
		return false, true
	}
	if r.pod.Pod.Phase == corev1.PodPending && !(p.makeClaims(r) && p.ownClaims(r)) {
		return true, false
	}
	if p.monotonic() && (r.pod.Terminating() || !r.pod.Pod.RunningAndReady() || !p.available(r)) {
		return true, true
	}
	return false, p.ownClaims(r)
}

func (p *pass) fixClaims(r *replica) (stop, ok bool) { return false, p.ownClaims(r) }

// condemn sees to one pod out of range.
func (p *pass) condemn(r, first *replica) (stop, ok bool) {
	if r.pod.Terminating() {
		return true, true
	}
	if p.monotonic() && (!r.pod.Pod.RunningAndReady() || !p.available(r)) && r != first {
		return true, true
	}
	p.c.w.deletePod(r.name, r.pod.UID, nil)
	return true, true
}

// create makes a pod and, before it, its claims.
func (p *pass) create(r *replica) bool {
	w, set := p.c.w, p.set
	if !p.makeClaims(r) || w.get(history.Pods, r.name, "") != nil {
		return false
	}
	pod := &history.Pod{
		Phase: corev1.PodPending, Hostname: r.name, Subdomain: set.Set.ServiceName, Grace: set.Set.PodGrace, Template: r.revision.template,
		Claims: map[string]string{},
	}
	for _, t := range set.Set.ClaimTemplates {
		pod.Claims[t] = t + "-" + r.name
	}
	labels := map[string]string{
		appsv1.StatefulSetPodNameLabel: r.name, appsv1.PodIndexLabel: strconv.Itoa(r.ordinal), appsv1.ControllerRevisionHashLabelKey: r.revision.name,
	}
	maps.Copy(labels, set.Set.Selector)
	p.c.sent(set.Name, w.s.Add(&history.Event{
		Resource: history.Pods, Pod: pod,
		Meta: history.Meta{Name: r.name, Labels: labels, Owners: controllerRef("StatefulSet", set.Name, set.UID)},
	}))
	return p.ownClaims(r)
}

// roll deletes the highest pod that is not at the update revision, once those above it are available.
func (p *pass) roll(replicas []*replica) bool {
	for i := len(replicas) - 1; i >= int(p.set.Set.Partition); i-- {
		r := replicas[i]
		if p.outdated(r) {
			p.c.w.deletePod(r.name, r.uid(), nil)
			p.status.Current--
			return true
		}
		if p.unavailable(r) {
			return true
		}
	}
	return true
}

// rollLimited is roll where the controller goes by maxUnavailable.
func (p *pass) rollLimited(replicas []*replica) bool {
	most := 1
	if n, err := strconv.Atoi(p.set.Set.MaxUnavailable); err == nil {
		most = n
	}
	down := 0
	for _, r := range replicas {
		if p.unavailable(r) {
			down++
		}
	}
	for i := len(replicas) - 1; i >= int(p.set.Set.Partition); i-- {
		r := replicas[i]
		// Up to 1.36 a Parallel set stops for ever at a broken old pod (kubernetes issue 137409), which is a bug and not legal: as
		// from 1.37 on, those go first.
		if !p.monotonic() && p.outdated(r) && p.unavailable(r) {
			p.c.w.deletePod(r.name, r.uid(), nil)
			p.status.Current--
		}
	}
	for i := len(replicas) - 1; i >= int(p.set.Set.Partition) && down < most; i-- {
		if r := replicas[i]; p.outdated(r) && !(p.unavailable(r) && !p.monotonic()) {
			p.c.w.deletePod(r.name, r.uid(), nil)
			p.status.Current--
			down++
		}
	}
	return true
}

func (p *pass) outdated(r *replica) bool {
	revision := r.revision.name
	if r.pod != nil {
		revision = r.pod.Labels[appsv1.ControllerRevisionHashLabelKey]
	}
	return revision != p.revisions.update.name && (r.pod == nil || !r.pod.Terminating())
}

// count writes what these pods add up to into the status.
func (p *pass) count(lists ...[]*replica) {
	st := &p.status
	st.Replicas, st.Ready, st.Available, st.Current, st.Updated = 0, 0, 0, 0, 0
	for _, r := range slices.Concat(lists...) {
		if r.pod == nil {
			continue
		}
		st.Replicas++
		if r.pod.Pod.RunningAndReady() {
			st.Ready++
			if p.available(r) {
				st.Available++
			}
		}
		if r.pod.Terminating() {
			continue
		}
		switch revision := r.pod.Labels[appsv1.ControllerRevisionHashLabelKey]; {
		case revision == st.UpdateRevision && revision == st.CurrentRevision:
			st.Updated++
			st.Current++
		case revision == st.UpdateRevision:
			st.Updated++
		case revision == st.CurrentRevision:
			st.Current++
		}
	}
}
