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
	recreate      = appsv1.RecreateStatefulSetStrategyType
	deletePolicy  = appsv1.DeletePersistentVolumeClaimRetentionPolicyType
	retainPolicy  = appsv1.RetainPersistentVolumeClaimRetentionPolicyType
)

// setSync is one sync of one set, modelled after updateStatefulSet of the real controller.
type setSync struct {
	c         *controller
	set       *history.Event
	revisions revisions
	now       time.Duration
	status    history.Status
}

// replica is a pod of a set, or one that is still to be created.
type replica struct {
	name     string
	ordinal  int
	pod      *history.Event // nil where there is none
	revision revision       // of a pod that is still to be created
}

func (r *replica) uid() types.UID {
	if r.pod == nil {
		return ""
	}
	return r.pod.UID
}

func (s *setSync) monotonic() bool { return s.set.Set.Policy != appsv1.ParallelPodManagement }

// available reports whether the pod has been Ready for long enough, by the clock that timestamps come from.
func (s *setSync) available(r *replica) bool {
	if r.pod == nil || !r.pod.Pod.Is(corev1.PodReady) {
		return false
	}
	ready := r.pod.Pod.Condition(corev1.PodReady)
	return s.set.Set.MinReadySeconds == 0 ||
		ready.Transition.Add(time.Duration(s.set.Set.MinReadySeconds)*time.Second).Before(s.c.cl.begin.Add(s.now))
}

func (s *setSync) unavailable(r *replica) bool {
	return !s.available(r) || r.pod.Terminating()
}

// updateStatefulSet does what can be done now and reports whether every request succeeded.
func (s *setSync) updateStatefulSet(pods []*history.Event) bool {
	spec := s.set.Set
	s.status = history.Status{
		ObservedGeneration: s.set.Generation, CurrentRevision: s.revisions.current.name, UpdateRevision: s.revisions.update.name,
		Progressing: s.set.Set.Status.Progressing,
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
	s.countReplicas(all)
	for i := range replicas {
		if replicas[i] == nil {
			replicas[i] = s.newReplica(start + i)
		}
	}
	slices.SortFunc(condemned, func(a, b *replica) int { return b.ordinal - a.ordinal })
	first := s.firstUnavailable(replicas, condemned)
	if s.set.Terminating() {
		return true
	}
	s.progress(all)
	if !s.beforeActing(replicas) {
		return false
	}
	done := func(stop, ok bool) (bool, bool) {
		if stop || !ok {
			s.countReplicas(replicas, condemned)
			return true, ok
		}
		return false, true
	}
	if s.recreates(all) {
		_, ok := s.forEachReplica(s.order(slices.Concat(replicas, condemned)), s.deleteOld)
		s.countReplicas(replicas, condemned)
		return ok
	}
	if stop, ok := done(s.forEachReplica(s.order(replicas), s.processReplica)); stop {
		return ok
	}
	if stop, ok := done(s.forEachReplica(condemned, s.fixPodClaims)); stop {
		return ok
	}
	if stop, ok := done(s.forEachReplica(s.order(condemned), func(r *replica) (bool, bool) { return s.processCondemned(r, first) })); stop {
		return ok
	}
	s.countReplicas(replicas, condemned)
	if spec.Strategy != rollingUpdate {
		return true
	}
	if s.c.cl.options.maxUnavailable {
		return s.rollOutWithMaxUnavailable(replicas)
	}
	return s.rollOut(replicas)
}

// newReplica returns the replica of a pod that is still to be created.
func (s *setSync) newReplica(ordinal int) *replica {
	r := &replica{name: fmt.Sprintf("%s-%d", s.set.Name, ordinal), ordinal: ordinal, revision: s.revisions.update}
	old := s.set.Set.Partition
	// Under Parallel the controller of 1.37 makes a lost pod again of the current revision and deletes it for the rollout, again and again, which is a bug.
	if s.set.Set.NoRollingUpdate && (s.monotonic() || !s.c.cl.options.maxUnavailable) {
		old = s.set.Set.Status.Current
	}
	if s.set.Set.Strategy == rollingUpdate && ordinal < int(s.set.Set.Start+old) {
		r.revision = s.revisions.current
	}
	return r
}

func (s *setSync) firstUnavailable(replicas, condemned []*replica) *replica {
	for _, r := range replicas {
		if s.unavailable(r) {
			return r
		}
	}
	for _, r := range slices.Backward(condemned) {
		if s.unavailable(r) {
			return r
		}
	}
	return nil
}

// forEachReplica calls f in order; a monotonic set stops where f says so.
func (s *setSync) forEachReplica(all []*replica, f func(*replica) (stop, ok bool)) (stop, ok bool) {
	for _, r := range all {
		before := len(s.c.cl.builder.Events())
		stop, ok := f(r)
		if s.endsTurn(before) {
			return true, ok
		}
		if !ok || (stop && s.monotonic()) {
			return true, ok
		}
	}
	return false, true
}

// processReplica handles one ordinal in range.
func (s *setSync) processReplica(r *replica) (stop, ok bool) {
	if r.pod != nil && r.pod.Pod.Finished() {
		if !r.pod.Terminating() {
			s.deletePod(r)
		}
		if !s.recreatesAtOnce(r) {
			return true, true
		}
	}
	if r.pod == nil {
		if s.podClaimIsStale(r) {
			return true, true
		}
		if !s.createPod(r) {
			return true, false
		}
		if s.monotonic() {
			return true, true
		}
		return false, true
	}
	if !s.matches(r) {
		return true, false
	}
	if r.pod.Pod.Phase == corev1.PodPending && !(s.createClaims(r) && s.updateClaimOwners(r)) {
		return true, false
	}
	if s.monotonic() && (r.pod.Terminating() || !r.pod.Pod.RunningAndReady() || !s.available(r)) {
		return true, true
	}
	return false, s.updateClaimOwners(r)
}

// matches reports whether a pod has the labels and the volumes of its ordinal: an adopted one gets the labels, and its volumes cannot be changed.
func (s *setSync) matches(r *replica) bool {
	if len(r.pod.Pod.Claims) < len(s.set.Set.ClaimTemplates) {
		return false
	}
	if r.pod.Labels[appsv1.StatefulSetPodNameLabel] == r.name {
		return true
	}
	cl := s.c.cl
	live := cl.get(history.Pods, r.name, r.uid())
	if live == nil || live.ResourceVersion != r.pod.ResourceVersion {
		return false
	}
	s.c.recordWrite(s.set.Name, cl.builder.Change(history.Pods, r.name, func(e *history.Event) {
		e.Labels = withLabel(withLabel(e.Labels, appsv1.StatefulSetPodNameLabel, r.name), appsv1.PodIndexLabel, strconv.Itoa(r.ordinal))
	}))
	return true
}

func (s *setSync) fixPodClaims(r *replica) (stop, ok bool) { return false, s.updateClaimOwners(r) }

// processCondemned handles one pod out of range.
func (s *setSync) processCondemned(r, first *replica) (stop, ok bool) {
	if r.pod.Terminating() {
		return true, true
	}
	if s.monotonic() && (!r.pod.Pod.RunningAndReady() || !s.available(r)) && r != first {
		return true, true
	}
	s.deletePod(r)
	return true, true
}

// createPod creates the claims of a pod and then the pod.
func (s *setSync) createPod(r *replica) bool {
	cl, set := s.c.cl, s.set
	if !s.createClaims(r) || cl.get(history.Pods, r.name, "") != nil {
		return false
	}
	pod := &history.Pod{
		Phase: corev1.PodPending, Hostname: r.name, Subdomain: set.Set.ServiceName, Grace: set.Set.PodGrace, Template: r.revision.template,
		Claims: map[string]string{},
	}
	if t := cl.templateFor(pod); t != nil {
		pod.Grace = graceOf(t)
	}
	for _, t := range set.Set.ClaimTemplates {
		pod.Claims[t] = t + "-" + r.name
	}
	labels := map[string]string{
		appsv1.StatefulSetPodNameLabel: r.name, appsv1.PodIndexLabel: strconv.Itoa(r.ordinal), appsv1.ControllerRevisionHashLabelKey: r.revision.name,
	}
	maps.Copy(labels, r.revision.template.Labels)
	maps.Copy(labels, set.Set.Selector)
	s.c.recordWrite(set.Name, cl.builder.Add(cl.admit(&history.Event{
		Resource: history.Pods, Pod: pod,
		Meta: history.Meta{Name: r.name, Labels: labels, Owners: controllerRef("StatefulSet", set.Name, set.UID)},
	})))
	ok := s.updateClaimOwners(r)
	s.noteOwnAct(r)
	return ok
}

// rollOut deletes the highest pod that is not at the update revision once those above it are available.
func (s *setSync) rollOut(replicas []*replica) bool {
	for i := len(replicas) - 1; i >= int(s.set.Set.Partition); i-- {
		r := replicas[i]
		if s.outdated(r) {
			s.deletePod(r)
			s.status.Current--
			return true
		}
		if s.unavailable(r) {
			return true
		}
	}
	return true
}

// rollOutWithMaxUnavailable is rollOut with the MaxUnavailableStatefulSet feature.
func (s *setSync) rollOutWithMaxUnavailable(replicas []*replica) bool {
	maxUnavailable := 1
	if n, err := strconv.Atoi(s.set.Set.MaxUnavailable); err == nil {
		maxUnavailable = n
	}
	unavailable := 0
	for _, r := range replicas {
		if s.unavailable(r) {
			unavailable++
		}
	}
	for i := len(replicas) - 1; i >= int(s.set.Set.Partition); i-- {
		r := replicas[i]
		// Up to 1.36 a Parallel set stops for ever at a broken old pod (kubernetes issue 137409), which is a bug and not legal: as
		// from 1.37 on, those go first.
		if !s.monotonic() && s.outdated(r) && s.unavailable(r) {
			s.deletePod(r)
			s.status.Current--
		}
	}
	for i := len(replicas) - 1; i >= int(s.set.Set.Partition) && unavailable < maxUnavailable; i-- {
		if r := replicas[i]; s.outdated(r) && !(s.unavailable(r) && !s.monotonic()) {
			s.deletePod(r)
			s.status.Current--
			unavailable++
		}
	}
	return true
}

func (s *setSync) outdated(r *replica) bool {
	revision := r.revision.name
	if r.pod != nil {
		revision = r.pod.Labels[appsv1.ControllerRevisionHashLabelKey]
	}
	return revision != s.revisions.update.name && (r.pod == nil || !r.pod.Terminating())
}

// countReplicas sets the counts of the status.
func (s *setSync) countReplicas(lists ...[]*replica) {
	st := &s.status
	st.Replicas, st.Ready, st.Available, st.Current, st.Updated = 0, 0, 0, 0, 0
	for _, r := range slices.Concat(lists...) {
		if r.pod == nil {
			continue
		}
		st.Replicas++
		if r.pod.Pod.RunningAndReady() {
			st.Ready++
			if s.available(r) {
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
