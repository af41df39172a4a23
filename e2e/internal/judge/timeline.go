package judge

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// model is a history arranged for judging: each object's life, with the moments that guarantees speak of. Building it is one
// pass over the events.
type model struct {
	h       *history.History
	sets    []*setLife
	pods    []*podLife // by first appearance
	claims  []*claimLife
	gaps    []history.Gap // those recorded, and those in which a watch was later than a resumed one
	late    []history.Gap // those in which a watch was later than two watches are out of step
	bySet   map[types.UID]*setLife
	byPod   map[types.UID]*podLife
	byClaim map[types.UID]*claimLife
	actions []actions // of each set, in the order of sets
	// rollouts holds what became of each set's templates, in the order of sets.
	rollouts []*rollout
	attribution
	// podsNamed and claimsNamed hold the objects of each name, whoever controls them, oldest first.
	podsNamed   map[string][]*podLife
	claimsNamed map[string][]*claimLife
	claimants   map[string][]*setLife
	reports     map[string][]*history.Event // of deletions, by the StatefulSet controller, by the pod's name
	reported    map[*podLife]bool           // the pods that it reports to have deleted
	shortened   int                         // how many of them were deleted with another grace period than their own
	creationReports
	responses []response // of the controller to changes of specs
	lostPods  []lostPod
	strays    []*podLife // that no set controlled for a time, or one whose pods have other names
	reactions []reaction // by time
	// refusals are, by set, the moments at which the controller reported that it could not create something for it.
	refusals map[string][]time.Duration
	// controllerActs are the moments at which the controller was seen at work on any set, sorted.
	controllerActs []time.Duration
}

// setLife is one StatefulSet, from its first to its last event.
type setLife struct {
	nr        int // its place in the model
	name      string
	uid       types.UID
	events    []*history.Event // every version seen
	specs     []*history.Event // the first of each generation
	created   *history.Event   // nil if it existed before the recording
	deleting  *history.Event   // deletion requested, or seen for the first time as deleted
	gone      *history.Event
	former    *history.Event // its first status, if that may be the one of the set of its name before it
	pods      []*podLife     // controlled by it, by first appearance
	ordinals  ordinals       // those that it ever had a pod of
	byOrdinal map[int][]*podLife
	steps     []podStep // what its pods did, in order
	// acts are the moments at which the controller was seen to work on it, sorted.
	acts []time.Duration
	// triggers are the events that have the controller sync the set: its own, and those of pods that it controls.
	triggers []*history.Event
}

// podLife is one pod: one UID.
type podLife struct {
	nr                     int // its place in the model
	name                   string
	uid                    types.UID
	ordinal                int
	predecessorIncarnation *podLife         // the one that had the name before, nil if there was none
	set                    *setLife         // the set that controls it or was the last to; nil if none of the recorded ones ever did
	owners                 []ownership      // who controlled it, never empty
	events                 []*history.Event // every version seen
	created                *history.Event   // nil if it existed before the recording
	deleting               *history.Event   // deletion requested, or seen for the first time as deleted
	gone                   *history.Event
	ready                  []interval     // stretches of Running, Ready and not terminating
	revision               string         // as its label named it at first sight
	finished               *history.Event // Failed or Succeeded
	disruptionTarget       *history.Event // from here on it has the condition DisruptionTarget: evicted, preempted, collected
	// crash is the last version before its end, or the request for that, which shows a crashed container.
	crash      *history.Event
	restarts   int32 // of its containers, as of the events added so far
	restarted  int   // how often restarts grew before the request for its end
	relabelled bool  // whether its labels ever changed
}

// ownership is a stretch of a pod's life under one controller, or under none.
type ownership struct {
	uid      types.UID // of the controller, "" where there is none
	set      *setLife  // the controller, if it is a set
	nameFits bool      // whether the pod has the name of one of the set's
	from     *history.Event
}

// name returns the controller's kind and name, "" where there is none.
func (t *ownership) name() string {
	if c := t.from.Controller(); c != nil {
		return c.Kind + " " + c.Name
	}
	return ""
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

// interval is a stretch of an object's life; to is nil while it lasts.
type interval struct{ from, to *history.Event }

// podTransition says which of a pod's moments a step is.
type podTransition int

const (
	podListed podTransition = iota // it existed before the recording, or before the set adopted it
	podCreated
	podReady
	podLost // no longer Ready, or its deletion began while it was
	podDeleting
	podReleased // it lives on without the set
	podGone
)

// podStep is one moment of one pod of a set.
type podStep struct {
	what  podTransition
	pod   *podLife
	event *history.Event
}

func newModel(h *history.History) *model {
	late := lateEvents(h)
	m := &model{
		h: h, gaps: slices.Concat(h.Gaps, lateWatches(late, heldBack)), late: lateWatches(late, outOfStep), attribution: newAttribution(h.Operations), bySet: map[types.UID]*setLife{}, byPod: map[types.UID]*podLife{},
		byClaim: map[types.UID]*claimLife{}, podsNamed: map[string][]*podLife{}, claimsNamed: map[string][]*claimLife{}, refusals: map[string][]time.Duration{},
		creationReports: creationReportsOf(h.Events), responses: responsesOf(h),
	}
	for _, e := range h.Events {
		switch e.Resource {
		case history.Sets:
			m.addSet(e)
		case history.Pods:
			m.addPod(e)
		case history.Events:
			if set := e.FailureReport(); set != "" && e.Change != history.Listed && !e.Gone() {
				m.refusals[set] = append(m.refusals[set], e.At)
			}
		case history.Claims:
			c := m.byClaim[e.UID]
			if c == nil {
				c = &claimLife{name: e.Name, uid: e.UID}
				m.byClaim[e.UID] = c
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
	for _, p := range m.pods {
		if len(p.owners) > 1 || p.owners[0].set == nil || !p.owners[0].nameFits {
			m.strays = append(m.strays, p)
		}
	}
	m.findClaimants()
	m.matchReports()
	for _, s := range m.sets {
		r := m.rolloutOf(s)
		m.rollouts = append(m.rollouts, r)
		m.actions = append(m.actions, m.actionsOf(s, r))
	}
	m.findControllerActs()
	m.findTriggers()
	m.reactions = m.allReactions()
	m.lostPods = m.allLostPods()
	for _, s := range m.sets {
		s.former = m.formerStatus(s)
	}
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
		s = &setLife{nr: len(m.sets), name: name, uid: uid, byOrdinal: map[int][]*podLife{}}
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
		p = &podLife{name: e.Name, uid: e.UID, ordinal: history.Ordinal(e.Name), nr: len(m.pods)}
		if named := m.podsNamed[p.name]; len(named) > 0 {
			p.predecessorIncarnation = named[len(named)-1]
		}
		m.byPod[e.UID] = p
		m.pods = append(m.pods, p)
		m.podsNamed[p.name] = append(m.podsNamed[p.name], p)
	}
	switch n := len(p.events); {
	case n > 0:
		p.relabelled = p.relabelled || !sameLabels(p.events[n-1], e)
		if !e.Gone() {
			m.recordOwner(p, e)
		}
	default:
		p.revision = e.Labels[appsv1.ControllerRevisionHashLabelKey]
		p.restarts = e.Pod.Restarts()
		m.recordOwner(p, e)
		if e.Change == history.Added {
			p.created = e
			p.addStep(podCreated, e)
		} else {
			p.addStep(podListed, e)
		}
	}
	p.events = append(p.events, e)
	p.finished = firstOf(p.finished, e, p.finished == nil && e.Pod.Finished())
	if is := e.Pod.Is(corev1.DisruptionTarget); !is && p.deleting == nil {
		p.disruptionTarget = nil // it was not deleted after all
	} else {
		p.disruptionTarget = firstOf(p.disruptionTarget, e, is)
	}

	up := e.Pod.RunningAndReady() && !e.Terminating() && !e.Gone()
	switch was := p.isReady(); {
	case up && !was:
		p.ready = append(p.ready, interval{from: e})
		p.addStep(podReady, e)
	case !up && was:
		p.ready[len(p.ready)-1].to = e
		p.addStep(podLost, e)
	}
	if p.deleting == nil && (e.Terminating() || e.Gone()) {
		p.deleting = e
		p.addStep(podDeleting, e)
	}
	if p.gone == nil && e.Gone() {
		p.gone = e
		p.addStep(podGone, e)
	}
	if n := e.Pod.Restarts(); n > p.restarts && p.deleting != e {
		p.restarts = n
		p.restarted++
	}
	if p.deleting == nil && p.finished == nil && e.Pod.Crashed() {
		p.crash = e
	}
}

// recordOwner notes who controls the pod as of an event, and lets it join or leave a set where that changed.
func (m *model) recordOwner(p *podLife, e *history.Event) {
	t := ownership{from: e}
	c := e.Controller()
	if c != nil {
		t.uid = c.UID
	}
	known := len(p.owners) > 0
	if known && p.owners[len(p.owners)-1].uid == t.uid {
		return
	}
	p.addStep(podReleased, e)
	if c != nil && c.Kind == "StatefulSet" {
		// The two watches are not in step: a pod may be seen before its set, so the set is noted by the reference alone.
		t.set = m.set(c.UID, c.Name)
		t.nameFits = t.set.names(p)
		p.set = t.set
		if !slices.ContainsFunc(p.owners, func(former ownership) bool { return former.set == t.set }) {
			t.set.pods = append(t.set.pods, p)
			t.set.ordinals.add(p.ordinal)
			t.set.byOrdinal[p.ordinal] = append(t.set.byOrdinal[p.ordinal], p)
		}
	}
	p.owners = append(p.owners, t)
	if known {
		p.addStep(podListed, e)
		if p.isReady() {
			p.addStep(podReady, e)
		}
	}
}

func (p *podLife) addStep(w podTransition, e *history.Event) {
	if s := p.owner(); s != nil {
		s.steps = append(s.steps, podStep{what: w, pod: p, event: e})
	}
}

// complete reports whether the recording is known to hold all that had happened by its end.
func (m *model) complete() bool { return m.h.End != nil && m.h.End.Complete }

// seenUntil returns until when, of an interval, the recording shows everything that happened to sets and pods.
func (m *model) seenUntil(from, to time.Duration) time.Duration {
	for i := range m.gaps {
		if g := &m.gaps[i]; (g.Resource == history.Sets || g.Resource == history.Pods) && g.From <= to && g.To >= from {
			to = max(from, g.From)
		}
	}
	return to
}

// gap returns a gap in a resource's history that overlaps the stretch, in which something may be missing, or nil.
func (m *model) gap(r history.Resource, from, to time.Duration) *history.Gap {
	return overlapping(m.gaps, r, from, to)
}

// delayed returns the same where all came in the end, and what came is recorded later than it happened.
func (m *model) delayed(r history.Resource, from, to time.Duration) *history.Gap {
	return overlapping(m.late, r, from, to)
}

func overlapping(gaps []history.Gap, r history.Resource, from, to time.Duration) *history.Gap {
	for i := range gaps {
		if g := &gaps[i]; g.Resource == r && g.From <= to && g.To >= from {
			return g
		}
	}
	return nil
}
