package explorer

import (
	"context"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/explore"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/dns"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

const (
	// turnLimit is how long an act waits for a change: where nothing is happening, the next act is what makes something happen.
	turnLimit = 2 * time.Second
	// restLimit is how long an act waits until nothing is left to do, and momentLimit how long an act of a file waits for its moment, which may
	// never come once other acts were dropped.
	restLimit, momentLimit = 12 * time.Second, 5 * time.Second
	// judgeEvery is how often the judges are asked while acts go on: each time all resources are listed.
	judgeEvery = 6 * time.Second
	// overdue is how long nothing may have happened before the judges are asked what is due, and stallLimit before sets are touched at the end.
	overdue, stallLimit = judge.MinActDeadline + turnLimit, 20 * time.Second
	// maxActs bounds the acts of an episode, so that whatever it finds can be made shorter in a reasonable time.
	maxActs = 60
)

// Options say what an episode does.
type Options struct {
	// Steps are those to carry out. Without them acts are chosen, by Seed and from what Seen has covered, until Length has passed.
	Steps  []explore.Step
	Seed   uint64
	Seen   *explore.Coverage
	Length time.Duration
	// Disrupter disrupts nodes and the control plane. Without it no act does.
	Disrupter Disrupter
}

// run is an episode under way on a cluster.
type run struct {
	ns     *framework.Namespace
	course *explore.Course
	length time.Duration

	disrupter Disrupter
	disrupted string // the node that is cordoned or stopped, one at most

	phases  *history.Phases
	applied int // events that phases knows
	judged  time.Duration
	broken  bool
	other   *metav1.OwnerReference
	client  *dns.Client              // of the set that names were looked up of first
	harmed  map[string]time.Duration // when a pod of a set was made to fail last
}

// Run carries out an episode in a namespace that is recorded.
func Run(ctx context.Context, ns *framework.Namespace, o Options) *explore.Episode {
	seen := o.Seen
	if seen == nil {
		seen = explore.NewCoverage()
	}
	r := &run{ns: ns, course: explore.NewCourse(o.Seed, seen), length: o.Length, disrupter: o.Disrupter, phases: history.NewPhases(), harmed: map[string]time.Duration{}}
	r.course.Disruptive = o.Disrupter != nil
	begin := ns.Now()
	if len(o.Steps) > 0 {
		r.repeat(ctx, o.Steps)
	} else {
		r.choose(ctx)
	}
	e := &r.course.Episode
	e.Version, e.ActSeconds = ns.Version, (ns.Now() - begin).Seconds()
	if !r.broken {
		r.end(ctx)
	}
	e.Seconds = (ns.Now() - begin).Seconds()
	if h, err := ns.Snapshot(ctx); err == nil {
		e.Disturbed = judge.Disturbance(h)
		e.Exercised = judge.Exercised(judge.History(h)) // for the choices of later episodes
	}
	return e
}

// choose chooses acts and carries them out.
func (r *run) choose(ctx context.Context) {
	for until := r.ns.Now() + r.length; r.ns.Now() < until && len(r.course.Episode.Steps) < maxActs && ctx.Err() == nil && !r.broken; {
		after, atRest := r.await(ctx)
		var act explore.Act
		found := false
		r.update()
		r.ns.View(func(s *history.State) { act, found = r.course.Next(s, r.phasesOf) })
		if !found {
			continue
		}
		if atRest {
			after = explore.Moment{Set: act.Set, Is: explore.AtRest}
		}
		r.do(ctx, explore.Step{After: after, Act: act})
		r.judge(ctx)
	}
}

// await waits as long as the course says, and returns the moment that ended the wait, or that all sets are at rest.
func (r *run) await(ctx context.Context) (after explore.Moment, atRest bool) {
	switch r.course.Pace() {
	case explore.NextTurn:
		left := ""
		r.ns.View(func(s *history.State) { left = explore.Settled(s) })
		if left != "" { // otherwise nothing is about to change
			after, _ = r.nextTurn(ctx, turnLimit)
		}
	case explore.Rest:
		atRest = r.rest(ctx)
	}
	return after, atRest
}

// rest waits until nothing is left to do, and takes away what stands in the way of that, by acts of the episode.
func (r *run) rest(ctx context.Context) bool {
	for until := r.ns.Now() + restLimit; ctx.Err() == nil; {
		var acts []explore.Act
		var left string
		r.ns.View(func(s *history.State) { acts, left = r.course.Ending(s, false), explore.Settled(s) })
		if len(acts) == 0 && left == "" {
			return true
		}
		switch idle := r.idle(); {
		case r.ns.Now() <= until:
		case len(acts) == 0 && idle > overdue:
			r.accuse(ctx)
			return false
		case len(acts) > 0 || idle < turnLimit:
			return false
		}
		for _, act := range acts {
			r.do(ctx, explore.Step{Act: act})
		}
		r.nextTurn(ctx, turnLimit)
		r.judge(ctx)
	}
	return false
}

// idle is how long nothing has been recorded.
func (r *run) idle() time.Duration {
	if events := r.ns.History().Events; len(events) > 0 {
		return r.ns.Now() - events[len(events)-1].At
	}
	return r.ns.Now()
}

// nextTurn waits until something comes to another moment.
func (r *run) nextTurn(ctx context.Context, limit time.Duration) (explore.Moment, bool) {
	var before map[string]explore.Moment
	var turn explore.Moment
	err := r.ns.Await(ctx, limit, "something to change", func(s *history.State) string {
		if before == nil {
			before = explore.Moments(s)
		}
		m, is := explore.Turn(before, s)
		if !is {
			return "nothing has changed"
		}
		turn = m
		return ""
	})
	return turn, err == nil
}

// repeat carries out the acts of a file, each at its moment.
func (r *run) repeat(ctx context.Context, steps []explore.Step) {
	for _, step := range steps {
		if ctx.Err() != nil || r.broken {
			return
		}
		// A moment that does not come keeps nothing from being done.
		_ = r.ns.Await(ctx, momentLimit, step.After.Words(), step.After.Met)
		_ = r.ns.Await(ctx, momentLimit, "what the next act is about", func(s *history.State) string {
			if err := step.Act.Possible(s); err != nil {
				return err.Error()
			}
			return ""
		})
		r.do(ctx, explore.Step{After: step.After, Act: step.Act})
		r.judge(ctx)
	}
}

// do carries out a step and takes note of it.
func (r *run) do(ctx context.Context, step explore.Step) {
	r.update()
	r.ns.View(func(s *history.State) {
		if set := s.Get(history.Sets, step.Act.Set); set != nil {
			step.Phases = r.phasesOf(set)
		}
	})
	if err := r.perform(ctx, &step.Act); err != nil {
		step.Failed = r.ns.Settings.Scrub(err.Error())
	}
	if step.Act.Kind == explore.FailPod || step.Act.Kind == explore.StopContainer {
		r.harmed[step.Act.Set] = r.ns.Now()
	}
	r.course.Did(step)
}

// update lets the phases know what has been recorded.
func (r *run) update() {
	events := r.ns.History().Events
	for _, e := range events[r.applied:] {
		r.phases.Apply(e)
	}
	r.applied = len(events)
}

func (r *run) phasesOf(set *history.Event) []history.Phase { return r.phases.Of(set.UID) }

// judge asks the judges from time to time whether a promise has been broken.
func (r *run) judge(ctx context.Context) {
	if r.broken || r.ns.Now()-r.judged < judgeEvery {
		return
	}
	if h, err := r.ns.Snapshot(ctx); err == nil {
		r.broken = slices.ContainsFunc(judge.History(h), func(res judge.Result) bool {
			return len(res.Violations) > 0 && r.ns.Settings.Explore.Ends(res.Guarantee)
		})
	}
	r.judged = r.ns.Now()
}
