package simulator

import (
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// deliveryTime is how long an event takes to reach the cache.
func (c *controller) deliveryTime() time.Duration {
	if c.cl.varied.eager {
		return 0
	}
	return c.cl.durationBetween(time.Millisecond, c.cl.options.cacheLag)
}

// queueTime is how long a set waits in the workqueue.
func (c *controller) queueTime() time.Duration {
	cl := c.cl
	switch {
	case cl.varied.paused && cl.chance(0.1):
		c.pausedUntil = max(c.pausedUntil, cl.builder.Now()+cl.durationBetween(5*time.Second, 40*time.Second))
		fallthrough
	case c.pausedUntil > cl.builder.Now():
		return c.pausedUntil - cl.builder.Now()
	case cl.varied.eager:
		return 0
	case cl.varied.slow:
		return cl.durationBetween(time.Millisecond, 3*time.Second)
	}
	return cl.durationBetween(time.Millisecond, 30*time.Millisecond)
}

// trimsLater decides whether revisions are left for a later sync.
func (c *controller) trimsLater(set string) bool {
	if !c.cl.varied.trimsLate {
		return false
	}
	now, due := c.cl.builder.Now(), c.trimDue[set]
	switch {
	case due == 0:
		wait := c.cl.durationBetween(time.Second, 4*time.Second)
		c.trimDue[set] = now + wait
		c.enqueue(set, wait)
		return true
	case now < due:
		return true
	}
	c.trimDue[set] = 0
	return false
}

// adoptsLater decides whether an orphan is left for a later sync.
func (c *controller) adoptsLater(set string) bool {
	if !c.cl.varied.adoptsLate || c.cl.chance(0.3) {
		return false
	}
	c.enqueue(set, c.cl.durationBetween(100*time.Millisecond, 2*time.Second))
	return true
}

// dataOf returns the data of the revision of a template.
func (c *controller) dataOf(digest string) string {
	if c.cl.varied.otherRevisionNames {
		return digest + " of another encoding"
	}
	return digest
}

// skippedNumbers is how many numbers lie unused between two revisions.
func (c *controller) skippedNumbers() int64 {
	if c.cl.varied.otherRevisionNumbers {
		return c.cl.rng.Int64N(5)
	}
	return 0
}

// revisionName returns the name of the revision of a template.
func (c *controller) revisionName(set *history.Event, digest string) string {
	if !c.cl.varied.otherRevisionNames {
		return fmt.Sprintf("%s-%s", set.Name, digest)
	}
	h := fnv.New64a()
	fmt.Fprint(h, set.UID, digest)
	return fmt.Sprintf("r%x", h.Sum64())
}

// order returns the order in which a sync takes replicas.
func (s *setSync) order(all []*replica) []*replica {
	if s.monotonic() || !s.c.cl.varied.parallelInAnyOrder {
		return all
	}
	out := slices.Clone(all)
	s.c.cl.rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// endsTurn decides whether a sync of a Parallel set that has written something leaves the rest to the next one.
func (s *setSync) endsTurn(eventsBefore int) bool {
	cl := s.c.cl
	if s.monotonic() || !cl.varied.parallelInTurn || len(cl.builder.Events()) == eventsBefore {
		return false
	}
	s.c.enqueue(s.set.Name, cl.durationBetween(time.Millisecond, 300*time.Millisecond))
	return true
}

// recreatesAtOnce decides whether a finished pod that was just deleted is created again in the same sync.
func (s *setSync) recreatesAtOnce(r *replica) bool {
	if !s.c.cl.varied.recreatesAtOnce || s.c.cl.get(history.Pods, r.name, "") != nil {
		return false
	}
	*r = *s.newReplica(r.ordinal)
	return true
}

// noteOwnAct lets the status count what the sync itself created or deleted.
func (s *setSync) noteOwnAct(r *replica) {
	if s.c.cl.varied.countsOwnActs {
		r.pod = s.c.cl.get(history.Pods, r.name, r.uid())
	}
}

// beforeActing does what a sync does before its first act on a pod, and reports whether every request succeeded.
func (s *setSync) beforeActing(replicas []*replica) bool {
	if s.c.cl.varied.statusBefore && !s.writeStatusBefore() {
		return false
	}
	return !s.c.cl.varied.claimsEarly || s.createClaimsEarly(replicas)
}

// writeStatusBefore writes the status as the pods were before the sync.
func (s *setSync) writeStatusBefore() bool {
	if !s.c.updateStatefulSetStatus(s.set, s.status) || !s.readSet() {
		return false
	}
	if s.set.Set.Status.CurrentRevision == s.revisions.update.name {
		s.revisions.current = s.revisions.update
		s.status.CurrentRevision = s.revisions.update.name
	}
	s.status.Progressing = s.set.Set.Status.Progressing
	return true
}

// createClaimsEarly creates the claims of every missing pod of a Parallel set, and of the next but one of an ordered set.
func (s *setSync) createClaimsEarly(replicas []*replica) bool {
	missing := slices.DeleteFunc(slices.Clone(replicas), func(r *replica) bool { return r.pod != nil })
	if s.monotonic() {
		missing = missing[:min(len(missing), 2)]
	}
	for _, r := range missing {
		if !s.podClaimIsStale(r) && !s.createClaims(r) {
			return false
		}
	}
	return true
}

// claimOrder returns the claim templates in the order in which their claims are created.
func (s *setSync) claimOrder() []string {
	if !s.c.cl.varied.claimsInAnyOrder {
		return s.set.Set.ClaimTemplates
	}
	out := slices.Clone(s.set.Set.ClaimTemplates)
	s.c.cl.rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// firstClaimOwners returns the ownerReferences that a new claim has.
func (s *setSync) firstClaimOwners(r *replica) []metav1.OwnerReference {
	if !s.c.cl.varied.claimsOwnedAtOnce {
		return nil
	}
	return s.wantedClaimOwners(r)
}

// finishStatus writes the status of the sync, at once or later.
func (s *setSync) finishStatus() bool {
	c, cl := s.c, s.c.cl
	// The first status names the current revision, which no later sync could find out.
	if cl.varied.statusLate && s.set.Set.Status.CurrentRevision != "" {
		c.writeStatusLater(s.set.Name)
		return true
	}
	if cl.varied.statusInSteps && !s.writeFirstStep() {
		return false
	}
	before := len(cl.builder.Events())
	ok := c.updateStatefulSetStatus(s.set, s.status)
	if ok && cl.varied.statusTwice && len(cl.builder.Events()) > before {
		c.recordWrite(s.set.Name, cl.builder.Change(history.Sets, s.set.Name, func(*history.Event) {}))
	}
	return ok
}

// writeFirstStep writes the counts of all pods and of the Ready ones alone, where nothing else but counts changes, and all but the observed generation
// where that does.
func (s *setSync) writeFirstStep() bool {
	was, now := s.set.Set.Status, s.status
	step := was
	switch {
	case was.ObservedGeneration != now.ObservedGeneration:
		step = now
		step.ObservedGeneration = was.ObservedGeneration
	case was.CurrentRevision == now.CurrentRevision && was.UpdateRevision == now.UpdateRevision:
		step.Replicas, step.Ready = now.Replicas, now.Ready
		step.Available, step.Current, step.Updated = min(was.Available, now.Ready), min(was.Current, now.Replicas), min(was.Updated, now.Replicas)
	}
	return step == was || s.c.updateStatefulSetStatus(s.set, step) && s.readSet()
}

// readSet takes the set's version that the sync itself has just written, and reports whether nobody has changed the set but the sync.
func (s *setSync) readSet() bool {
	live := s.c.cl.get(history.Sets, s.set.Name, s.set.UID)
	if live == nil || live.Generation != s.set.Generation {
		return false
	}
	s.set = live
	return true
}

// writeStatusLater writes a set's status after a while, as the pods are then.
func (c *controller) writeStatusLater(set string) {
	if c.statusDue[set] {
		return
	}
	c.statusDue[set] = true
	c.cl.after(c.cl.durationBetween(time.Millisecond, 3*time.Second), func() {
		c.statusDue[set] = false
		if !c.syncStatus(set) {
			c.writeStatusLater(set)
		}
	})
}

// syncStatus writes a set's status and does nothing else; it reports whether the request succeeded.
func (c *controller) syncStatus(name string) bool {
	set := c.cache.Get(history.Sets, name)
	if set == nil {
		return true
	}
	revisions, ok := c.currentAndUpdateRevision(set)
	if !ok {
		return false
	}
	s := &setSync{c: c, set: set, revisions: revisions, now: c.cl.builder.Now()}
	s.status = history.Status{
		ObservedGeneration: set.Generation, CurrentRevision: revisions.current.name, UpdateRevision: revisions.update.name, Progressing: set.Set.Status.Progressing,
	}
	var all []*replica
	for _, p := range c.cache.PodsOf(set.UID) {
		all = append(all, &replica{name: p.Name, ordinal: history.Ordinal(p.Name), pod: p})
	}
	if !set.Terminating() {
		s.progress(all)
	}
	s.countReplicas(all)
	if set.Set.MinReadySeconds > 0 && s.status.Ready != s.status.Available {
		c.enqueue(name, time.Duration(set.Set.MinReadySeconds)*time.Second)
	}
	return c.updateStatefulSetStatus(set, s.status)
}

// refuses reports whether the API server rejects a status, as it does a negative count. The controller counts so when it deletes a pod of neither
// revision for a rollout. Histories without variations hold such statuses.
func (c *controller) refuses(st history.Status) bool {
	return c.cl.varied != (variations{}) && st.Current < 0
}
