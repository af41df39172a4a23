package simulator

import (
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/explore"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

const (
	// turnLimit is how long an act waits for a change, and restLimit until nothing is left to do.
	turnLimit, restLimit = 2 * time.Second, 12 * time.Second
	// step is how often a wait looks at what has happened.
	step = 20 * time.Millisecond
	// stallLimit is how long nothing may have happened at the end before sets are touched, and endLimit how long before the sets are taken not to come to
	// rest any more: more than the longest back-off of the simulated controller and kubelet.
	stallLimit, endLimit = 20 * time.Second, 3 * time.Minute
)

// Explored returns the history of that seed in which the acts of package explore are done to sets, as on a real cluster, and the episode of these acts.
func Explored(seed uint64) (*history.History, *explore.Episode) {
	var x *explorer
	h := run(seed, func(cl *cluster) {
		x = &explorer{cl: cl, course: explore.NewCourse(seed, explore.NewCoverage()), phases: history.NewPhases(), state: history.NewState()}
		cl.user = x.run
	})
	return h, &x.course.Episode
}

// explorer is a user who does random acts.
type explorer struct {
	cl      *cluster
	course  *explore.Course
	phases  *history.Phases
	state   *history.State
	applied int // events that phases and state know
}

func (x *explorer) run() {
	x.cl.selector, x.cl.service = map[string]string{"app": "one"}, "one"
	for range 5 + x.cl.rng.IntN(25) {
		x.await()
		x.update()
		if act, found := x.course.Next(x.state, x.phasesOf); found {
			x.do(explore.Step{Act: act})
		}
	}
	x.end()
}

// await waits as long as the course says.
func (x *explorer) await() {
	switch x.course.Pace() {
	case explore.NextTurn:
		x.update()
		before := explore.Moments(x.state)
		x.until(turnLimit, func() bool { _, is := explore.Turn(before, x.state); return is })
	case explore.Rest:
		x.until(restLimit, x.rested)
	}
}

// rested reports whether nothing is left to do, and takes away what stands in the way of that, by acts of the episode.
func (x *explorer) rested() bool {
	acts := x.course.Ending(x.state, false)
	if len(acts) == 0 && explore.Settled(x.state) == "" {
		return true
	}
	for _, act := range acts {
		x.do(explore.Step{Act: act})
	}
	return false
}

// until runs the cluster until something is so, as long as the limit at most.
func (x *explorer) until(limit time.Duration, is func() bool) {
	end := x.cl.builder.Now() + limit
	for first := true; x.cl.builder.Now() < end; first = false {
		if (x.update() || first) && is() {
			return
		}
		x.cl.run(step)
	}
}

// end takes away what stands in the way of the sets, and waits until they are what was asked for.
func (x *explorer) end() {
	begin := x.cl.builder.Now()
	for last := begin; ; x.cl.run(step) {
		if x.update() {
			last = x.cl.builder.Now()
		}
		quiet := x.cl.builder.Now() - last
		acts, left := x.course.Ending(x.state, quiet > stallLimit), explore.Settled(x.state)
		if left == "" && len(acts) == 0 {
			return
		}
		if quiet > endLimit || x.cl.builder.Now()-begin > 10*endLimit {
			x.course.Episode.Unsettled = left
			return
		}
		for _, act := range acts {
			x.do(explore.Step{Act: act, End: true})
		}
	}
}

// do carries out a step and takes note of it.
func (x *explorer) do(s explore.Step) {
	x.update()
	if set := x.state.Get(history.Sets, s.Act.Set); set != nil {
		s.Phases = x.phasesOf(set)
	}
	err := s.Act.Possible(x.state)
	if err == nil {
		err = x.cl.carryOut(&s.Act)
	}
	if err != nil {
		s.Failed = err.Error()
	}
	x.course.Did(s)
}

// update takes note of what has happened, and reports whether anything has.
func (x *explorer) update() bool {
	events := x.cl.builder.Events()
	for _, e := range events[x.applied:] {
		x.phases.Apply(e)
		x.state.Apply(e)
	}
	was := x.applied
	x.applied = len(events)
	return x.applied > was
}

func (x *explorer) phasesOf(set *history.Event) []history.Phase { return x.phases.Of(set.UID) }
