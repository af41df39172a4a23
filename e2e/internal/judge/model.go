package judge

import (
	"sort"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// model is a history arranged for judging: each object's life, with the moments that guarantees speak of. Building it is one
// pass over the events.
type model struct {
	h      *history.History
	sets   []*setLife
	pods   []*podLife // by first appearance
	seen   []*podLife // the pod of every event of one
	claims []*claimLife
	bySet  map[types.UID]*setLife
	byPod  map[types.UID]*podLife
	acts   []acts // of each set, in the order of sets
	// rollouts holds what became of each set's templates, in the order of sets.
	rollouts []*rollout
	// bySpec holds the objects that the spec deleted or evicted itself.
	bySpec map[types.UID]history.Mark
	// swept holds the spec's deletions that name no UID, by resource: of many objects at once, or of one by its name.
	swept map[history.Resource][]history.Mark
	// named holds the pods of each name, oldest first.
	named map[string][]*podLife
	// claimsNamed holds the claims of each name, oldest first.
	claimsNamed map[string][]*claimLife
	losses      []loss
	reactions   []reaction // by time
	selecting   selection
}

// setLife is one StatefulSet, from its first to its last event.
type setLife struct {
	name     string
	uid      types.UID
	events   []*history.Event // every version seen
	specs    []*history.Event // the first of each generation
	created  *history.Event   // nil if it existed before the recording
	deleting *history.Event   // deletion requested, or seen for the first time as deleted
	gone     *history.Event
	pods     []*podLife         // controlled by it, by first appearance
	lives    map[int][]*podLife // the same by ordinal, oldest first
	steps    []step             // what its pods did, in order
}

// podLife is one pod: one UID.
type podLife struct {
	nr       int // its place in the model
	name     string
	uid      types.UID
	ordinal  int
	set      *setLife         // the set that controls it or was the last to; nil if none of the recorded ones ever did
	tenures  []tenure         // who controlled it, never empty
	events   []*history.Event // every version seen
	created  *history.Event   // nil if it existed before the recording
	deleting *history.Event   // deletion requested, or seen for the first time as deleted
	gone     *history.Event
	ready    []span         // stretches of Running, Ready and not terminating
	revision string         // as its label named it at first sight
	finished *history.Event // Failed or Succeeded
	hurt     *history.Event // condition DisruptionTarget: evicted, preempted, collected
}

// tenure is a stretch of a pod's life under one controller, or under none.
type tenure struct {
	uid  types.UID // of the controller, "" where there is none
	name string    // its kind and name
	set  *setLife  // the controller, if it is a set
	from *history.Event
}

// claimLife is one PersistentVolumeClaim: one UID.
type claimLife struct {
	name     string
	uid      types.UID
	events   []*history.Event
	created  *history.Event
	bound    *history.Event
	deleting *history.Event
	gone     *history.Event
}

// span is a stretch of an object's life; to is nil while it lasts.
type span struct{ from, to *history.Event }

// what says which of a pod's moments a step is.
type what int

const (
	podListed what = iota // it existed before the recording, or before the set adopted it
	podCreated
	podReady
	podLost // no longer Ready, or its deletion began while it was
	podDeleting
	podReleased // it lives on without the set
	podGone
)

// step is one moment of one pod of a set.
type step struct {
	what  what
	pod   *podLife
	event *history.Event
}

func newModel(h *history.History) *model {
	m := &model{
		h: h, bySet: map[types.UID]*setLife{}, byPod: make(map[types.UID]*podLife, len(h.Events)/16), bySpec: h.DeletedBySpec(),
		swept: map[history.Resource][]history.Mark{}, named: map[string][]*podLife{}, claimsNamed: map[string][]*claimLife{},
	}
	for _, mark := range h.Marks {
		if mark.Act == history.ActDelete && mark.UID == "" {
			m.swept[mark.Resource] = append(m.swept[mark.Resource], mark)
		}
	}
	byClaim := map[types.UID]*claimLife{}
	for _, e := range h.Events {
		switch e.Resource {
		case history.Sets:
			m.addSet(e)
		case history.Pods:
			m.addPod(e)
		case history.Claims:
			c := byClaim[e.UID]
			if c == nil {
				c = &claimLife{name: e.Name, uid: e.UID}
				byClaim[e.UID] = c
				m.claims = append(m.claims, c)
				m.claimsNamed[c.name] = append(m.claimsNamed[c.name], c)
				if e.Change == history.Added {
					c.created = e
				}
			}
			c.events = append(c.events, e)
			c.bound = firstOf(c.bound, e, e.Claim.Phase == corev1.ClaimBound)
			c.deleting = firstOf(c.deleting, e, e.Terminating() || e.Gone())
			c.gone = firstOf(c.gone, e, e.Gone())
		}
	}
	m.selecting = selectors(m.sets)
	for _, s := range m.sets {
		m.acts = append(m.acts, m.actsOf(s))
		m.rollouts = append(m.rollouts, m.rolloutOf(s))
	}
	m.reactions = m.allReactions()
	m.losses = m.allLosses()
	return m
}

func firstOf(have, e *history.Event, holds bool) *history.Event {
	if have == nil && holds {
		return e
	}
	return have
}

func (m *model) set(uid types.UID, name string) *setLife {
	s := m.bySet[uid]
	if s == nil {
		s = &setLife{name: name, uid: uid, lives: map[int][]*podLife{}}
		m.bySet[uid] = s
		m.sets = append(m.sets, s)
	}
	return s
}

func (m *model) addSet(e *history.Event) {
	s := m.set(e.UID, e.Name)
	if len(s.events) == 0 && e.Change == history.Added {
		s.created = e
	}
	s.events = append(s.events, e)
	if n := len(s.specs); n == 0 || s.specs[n-1].Generation != e.Generation {
		s.specs = append(s.specs, e)
	}
	s.deleting = firstOf(s.deleting, e, e.Terminating() || e.Gone())
	s.gone = firstOf(s.gone, e, e.Gone())
}

func (m *model) addPod(e *history.Event) {
	p := m.byPod[e.UID]
	if p == nil {
		p = &podLife{name: e.Name, uid: e.UID, ordinal: history.Ordinal(e.Name), revision: e.Labels[appsv1.ControllerRevisionHashLabelKey]}
		m.byPod[e.UID] = p
		p.nr = len(m.pods)
		m.pods = append(m.pods, p)
		m.named[p.name] = append(m.named[p.name], p)
		m.serve(p, e)
		if e.Change == history.Added {
			p.created = e
			p.step(podCreated, e)
		} else {
			p.step(podListed, e)
		}
	} else if !e.Gone() {
		m.serve(p, e)
	}
	m.seen = append(m.seen, p)
	p.events = append(p.events, e)
	p.finished = firstOf(p.finished, e, e.Pod.Finished())
	p.hurt = firstOf(p.hurt, e, e.Pod.Is(corev1.DisruptionTarget))

	up := e.Pod.RunningAndReady() && !e.Terminating() && !e.Gone()
	switch was := p.isReady(); {
	case up && !was:
		p.ready = append(p.ready, span{from: e})
		p.step(podReady, e)
	case !up && was:
		p.ready[len(p.ready)-1].to = e
		p.step(podLost, e)
	}
	if p.deleting == nil && (e.Terminating() || e.Gone()) {
		p.deleting = e
		p.step(podDeleting, e)
	}
	if p.gone == nil && e.Gone() {
		p.gone = e
		p.step(podGone, e)
	}
}

// serve notes who controls the pod as of an event, and lets it join or leave a set where that changed.
func (m *model) serve(p *podLife, e *history.Event) {
	t := tenure{from: e}
	c := e.Controller()
	if c != nil {
		t.uid, t.name = c.UID, c.Kind+" "+c.Name
	}
	known := len(p.tenures) > 0
	if known && p.tenures[len(p.tenures)-1].uid == t.uid {
		return
	}
	p.step(podReleased, e)
	if c != nil && c.Kind == "StatefulSet" {
		// The two watches are not in step: a pod may be seen before its set, so the set is noted by the reference alone.
		t.set = m.set(c.UID, c.Name)
		p.set = t.set
		if lives := t.set.lives[p.ordinal]; len(lives) == 0 || lives[len(lives)-1] != p {
			t.set.pods = append(t.set.pods, p)
			t.set.lives[p.ordinal] = append(lives, p)
		}
	}
	p.tenures = append(p.tenures, t)
	if known {
		p.step(podListed, e)
		if p.isReady() {
			p.step(podReady, e)
		}
	}
}

func (p *podLife) step(w what, e *history.Event) {
	if s := p.holder(); s != nil {
		s.steps = append(s.steps, step{what: w, pod: p, event: e})
	}
}

// holder returns the set that controls the pod as of the events added so far, or nil.
func (p *podLife) holder() *setLife {
	if len(p.tenures) == 0 {
		return nil
	}
	return p.tenures[len(p.tenures)-1].set
}

// heldAt returns who controlled the pod at that point of the history.
func (p *podLife) heldAt(seq int) tenure {
	i := sort.Search(len(p.tenures), func(i int) bool { return p.tenures[i].from.Seq > seq })
	return p.tenures[max(i-1, 0)]
}

// isReady reports whether the pod is Running, Ready and not terminating as of the events added so far.
func (p *podLife) isReady() bool { return len(p.ready) > 0 && p.ready[len(p.ready)-1].to == nil }

// readyBefore returns the last stretch of readiness that began before that point of the history, or nil.
func (p *podLife) readyBefore(seq int) *span {
	i := sort.Search(len(p.ready), func(i int) bool { return p.ready[i].from.Seq >= seq })
	if i == 0 {
		return nil
	}
	return &p.ready[i-1]
}

// first is the pod's earliest event.
func (p *podLife) first() *history.Event { return p.events[0] }

// aliveAt reports whether the pod existed at that point of the history.
func (p *podLife) aliveAt(seq int) bool {
	return p.first().Seq <= seq && (p.gone == nil || p.gone.Seq > seq)
}

// at returns the pod's newest version at that point of the history, or nil.
func (p *podLife) at(seq int) *history.Event {
	i := sort.Search(len(p.events), func(i int) bool { return p.events[i].Seq > seq })
	if i == 0 {
		return nil
	}
	return p.events[i-1]
}

// life returns the newest pod of an ordinal as of that point of the history, gone or not, or nil if there was none.
func (s *setLife) life(ordinal, seq int) *podLife {
	lives := s.lives[ordinal]
	i := sort.Search(len(lives), func(i int) bool { return lives[i].first().Seq > seq })
	if i == 0 {
		return nil
	}
	return lives[i-1]
}

// arrival bounds how far two watches of one recorder may be out of step with each other.
const arrival = 500 * time.Millisecond

// inForce returns the versions of the set that the controller may have acted on at that moment: those that were current at
// any time within the lag before it (rule G1). Never empty when any version is known.
func (s *setLife) inForce(at, lag time.Duration) []*history.Event {
	var out []*history.Event
	for i := min(max(s.specsUntil(at+arrival), 1), len(s.specs)) - 1; i >= 0; i-- {
		v := s.specs[i]
		out = append(out, v)
		if v.At < at-lag {
			break
		}
	}
	return out
}

// specsUntil counts the versions of the spec that had arrived by then.
func (s *setLife) specsUntil(at time.Duration) int {
	return sort.Search(len(s.specs), func(i int) bool { return s.specs[i].At > at })
}

// latest returns the newest version of the set at that moment, or nil.
func (s *setLife) latest(at time.Duration) *history.Event {
	n := s.versionsUntil(at)
	if n == 0 {
		return nil
	}
	return s.events[n-1]
}

// versionsUntil counts the versions that had arrived by then.
func (s *setLife) versionsUntil(at time.Duration) int {
	return sort.Search(len(s.events), func(i int) bool { return s.events[i].At > at })
}

// policy returns the pod management policy, which cannot change.
func (s *setLife) policy() appsv1.PodManagementPolicyType {
	if len(s.events) == 0 {
		return ""
	}
	return s.events[0].Set.Policy
}

// beingDeleted reports whether deletion of the set had been requested by then, or may have been, given how far two watches can
// be out of step.
func (s *setLife) beingDeleted(at time.Duration) bool {
	return s.deleting != nil && s.deleting.At <= at+arrival
}

// gap returns a gap in a resource's history that overlaps the stretch, or nil.
func (m *model) gap(r history.Resource, from, to time.Duration) *history.Gap {
	for i := range m.h.Gaps {
		if g := &m.h.Gaps[i]; g.Resource == r && g.From <= to && g.To >= from {
			return g
		}
	}
	return nil
}

// byController reports whether the pod's deletion can only be the set's controller's own act (rule G1): nobody evicted or
// preempted it, it had not finished, and the spec did not delete it.
func (m *model) byController(p *podLife) bool {
	if p.deleting == nil || m.asked(p.uid, p.first(), p.deleting) {
		return false
	}
	if p.hurt != nil && p.hurt.Seq <= p.deleting.Seq {
		return false
	}
	return p.finished == nil || p.finished.Seq > p.deleting.Seq
}
