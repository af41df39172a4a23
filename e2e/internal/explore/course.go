package explore

import (
	"math/rand/v2"
	"slices"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Course is an episode under way, and chooses its next act.
type Course struct {
	Episode Episode
	// Disruptive allows acts that disrupt nodes and the control plane, and with them every other namespace of the cluster.
	Disruptive bool

	rng *rand.Rand
	// seen is what has been covered before and by this episode.
	seen *Coverage
	// templates numbers those that were made.
	templates int
	// undo takes the last change back, nil if that was done or there is none.
	undo *Act

	// sets are the names of its sets, without the kinds of acts that it does not do, and pace how many acts of a hundred wait for nothing or for rest.
	// They differ between episodes, since few kinds of acts come deeper than all of them together, and a rollout of five pods is complete only where acts
	// wait for it.
	sets    []string
	without map[Kind]bool
	pace    pace
}

// pace is how many acts of a hundred wait for nothing, and how many until nothing is left to do; the others wait for a change.
type pace struct{ atOnce, rest int }

func paces() []pace { return []pace{{30, 15}, {10, 50}, {5, 80}, {60, 5}} }

// NewCourse begins an episode. It takes seen for its own.
func NewCourse(seed uint64, seen *Coverage) *Course {
	c := &Course{Episode: Episode{Seed: seed}, rng: rand.New(rand.NewPCG(seed, 0)), seen: seen} //nolint:gosec // not for secrets
	c.pace, c.sets, c.without = pick(c, paces()...), setNames()[:pick(c, 1, 2)], map[Kind]bool{}
	if c.rng.IntN(4) == 0 {
		return c
	}
	for _, k := range Kinds() {
		switch {
		case takesBack(k):
		case k == Scale, k == NewTemplate:
			c.without[k] = c.rng.IntN(4) == 0
		default:
			c.without[k] = c.rng.IntN(2) == 0
		}
	}
	return c
}

// takesBack reports whether a kind of acts makes a set go on, which each episode may need.
func takesBack(k Kind) bool {
	return slices.Contains([]Kind{CreateSet, ReleasePod, RemoveFinalizer, RemoveBudget, UncordonNode, StartNode}, k)
}

// Pace is what the next act waits for.
type Pace int

// The paces.
const (
	AtOnce   Pace = iota // nothing
	NextTurn             // the next change of some pod or set
	Rest                 // until nothing is left to do
)

// Pace chooses what the next act waits for.
func (c *Course) Pace() Pace {
	switch n := c.rng.IntN(100); {
	case n < c.pace.atOnce:
		return AtOnce
	case n < c.pace.atOnce+c.pace.rest:
		return Rest
	}
	return NextTurn
}

// Did takes note of a step.
func (c *Course) Did(s Step) {
	c.Episode.Steps = append(c.Episode.Steps, s)
	if s.Failed == "" {
		c.seen.note(&s.Act, s.in())
	}
}

// setNames are the names of the sets of an episode. One ends in a number, as the names of pods do.
func setNames() []string { return []string{"one", "two-2"} }

// Next chooses an act that the state allows; phases returns the phases of a set. false: none is possible.
func (c *Course) Next(s *history.State, phases func(*history.Event) []history.Phase) (Act, bool) {
	if len(c.Episode.Steps) == 0 {
		return c.newSet(setNames()[0]), true
	}
	if back := c.undo; back != nil && c.rng.IntN(undoes) == 0 && back.Possible(s) == nil {
		c.undo = nil
		return *back, true
	}
	type option struct {
		act    Act
		weight float64
	}
	var options []option
	total := 0.0
	for _, name := range c.sets {
		set := s.Get(history.Sets, name)
		var in []history.Phase
		if set != nil {
			in = phases(set)
		}
		for _, k := range kinds() {
			if c.without[k.name] {
				continue
			}
			act, ok := c.propose(k, s, name, set)
			if !ok {
				continue
			}
			n := float64(1 + c.seen.seen(k.name, in))
			weight := k.weight * (1 + c.seen.leadsToRare(k.name)) / (n * n)
			options = append(options, option{act, weight})
			total += weight
		}
	}
	at := c.rng.Float64() * total
	if len(options) == 0 {
		return Act{}, false
	}
	act := options[len(options)-1].act
	for _, o := range options {
		if at -= o.weight; at < 0 {
			act = o.act
			break
		}
	}
	if set := s.Get(history.Sets, act.Set); set != nil {
		if back, may := undoing(act, set.Set); may {
			c.undo = &back
		}
	}
	return act, true
}

// undoes is how many acts there are, on average, to one that takes the last change of numbers or of the retention policy back, where there is one.
const undoes = 6

// tries is how many acts of a kind are proposed, of which the one is taken that was done least in its way.
const tries = 3

// propose proposes an act of a kind that the state allows; false if there is none.
func (c *Course) propose(k kind, s *history.State, name string, set *history.Event) (best Act, ok bool) {
	for range tries {
		act, may := k.propose(c, s, name, set)
		if !may {
			continue
		}
		act.Kind, act.Set = k.name, name
		if act.Possible(s) == nil && (!ok || c.seen.ways(&act) < c.seen.ways(&best)) {
			best, ok = act, true
		}
	}
	return best, ok
}

// template returns the template that the set of that name was last given, nil if it was given none.
func (c *Course) template(set string) *Template {
	for _, s := range slices.Backward(c.Episode.Steps) {
		if a := s.Act; a.Set == set && s.Failed == "" && a.Spec != nil && a.Spec.Template != nil {
			return a.Spec.Template
		}
	}
	return nil
}

// budget reports whether the set has a budget.
func (c *Course) budget(set string) bool {
	for _, s := range slices.Backward(c.Episode.Steps) {
		if s.Act.Set == set && s.Failed == "" && (s.Act.Kind == MakeBudget || s.Act.Kind == RemoveBudget) {
			return s.Act.Kind == MakeBudget
		}
	}
	return false
}

// outsider reports whether the episode has made a pod of that name, whose names are not those that a set gives.
func (c *Course) outsider(pod string) bool {
	return slices.ContainsFunc(c.Episode.Steps, func(s Step) bool { return s.Act.Kind == MakeOutsider && s.Act.Object == pod })
}

// disrupted is the kind of the act that has disrupted a node which is not restored yet, "" if there is none.
func (c *Course) disrupted() Kind {
	for _, s := range slices.Backward(c.Episode.Steps) {
		switch k := s.Act.Kind; {
		case s.Failed != "":
		case k == CordonNode, k == StopNode:
			return k
		case k == UncordonNode, k == StartNode:
			return ""
		}
	}
	return ""
}

// Deleted returns the names of the sets that the episode has deleted with all that they had.
func (c *Course) Deleted() (names []string) {
	for _, s := range c.Episode.Steps {
		if s.Act.Kind == DeleteSet && s.Act.Propagation != metav1.DeletePropagationOrphan && s.Failed == "" && !slices.Contains(names, s.Act.Set) {
			names = append(names, s.Act.Set)
		}
	}
	return names
}

// refused reports whether the cluster has refused an act of the episode that asked for the strategy.
func (c *Course) refused(strategy appsv1.StatefulSetUpdateStrategyType) bool {
	return slices.ContainsFunc(c.Episode.Steps, func(s Step) bool { return s.Failed != "" && s.Act.Spec != nil && s.Act.Spec.Strategy == strategy })
}

// created returns the spec that the set of that name was last created with.
func (c *Course) created(set string) *Spec {
	for _, s := range slices.Backward(c.Episode.Steps) {
		if s.Act.Set == set && s.Act.Kind == CreateSet && s.Failed == "" {
			return s.Act.Spec
		}
	}
	return nil
}

// newTemplate returns a template of a new name; its faults are chosen for the set that it is for, nil for a new one.
func (c *Course) newTemplate(fault Fault, mounts []string) *Template {
	c.templates++
	t := &Template{Name: "t" + strconv.Itoa(c.templates), Fault: fault, Mounts: mounts}
	t.Gate = fault == "" && c.rng.IntN(4) == 0
	if c.rng.IntN(5) == 0 {
		t.Stop = 3
	}
	extras := []Extra{"", "", "", "", Sidecar, Tolerating, Named}
	if len(mounts) > 0 {
		extras = append(extras, Shadowing)
	}
	t.Extra = pick(c, extras...)
	return t
}

// newSet is the creation of a set with a random spec, or as it was created before.
func (c *Course) newSet(name string) Act {
	if was := c.created(name); was != nil && c.rng.IntN(3) > 0 {
		return Act{Kind: CreateSet, Set: name, Spec: was}
	}
	s := &Spec{Replicas: new(pick(c, int32(1), 2, 3, 3, 3, 4))}
	s.Claims = pick(c, nil, nil, []string{dataClaim}, []string{dataClaim}, []string{dataClaim, logClaim})
	if len(s.Claims) > 0 {
		s.WhenScaled, s.WhenDeleted = pick(c, retention()...), pick(c, retention()...)
	}
	s.Template = c.newTemplate("", s.Claims)
	if c.rng.IntN(3) == 0 {
		s.Policy = appsv1.ParallelPodManagement
		if len(s.Claims) == 0 && c.rng.IntN(4) == 0 {
			s.Replicas = new(int32(largeReplicas))
		}
	}
	if c.rng.IntN(4) == 0 {
		s.MinReadySeconds = new(pick(c, int32(1), 3))
	}
	if c.rng.IntN(6) == 0 {
		s.Start = new(pick(c, int32(1), 2, textStart))
	}
	if c.rng.IntN(3) == 0 {
		s.HistoryLimit = new(pick(c, int32(0), 1, 2))
	}
	switch c.rng.IntN(6) {
	case 0:
		s.Strategy = appsv1.OnDeleteStatefulSetStrategyType
	case 1:
		s.Strategy, s.Partition = appsv1.RollingUpdateStatefulSetStrategyType, new(pick(c, int32(1), 2))
	case 2:
		s.Strategy, s.MaxUnavailable = appsv1.RollingUpdateStatefulSetStrategyType, new(pick(c, "2", "50%", "10%"))
	case 3:
		s.Strategy = appsv1.RollingUpdateStatefulSetStrategyType // alone, so that the field rollingUpdate stays unset
	}
	return Act{Kind: CreateSet, Set: name, Spec: s}
}

func retention() []appsv1.PersistentVolumeClaimRetentionPolicyType {
	return []appsv1.PersistentVolumeClaimRetentionPolicyType{
		appsv1.RetainPersistentVolumeClaimRetentionPolicyType, appsv1.DeletePersistentVolumeClaimRetentionPolicyType,
	}
}

func pick[T any](c *Course, from ...T) T { return from[c.rng.IntN(len(from))] }

// other picks one that is not what is; false if there is none.
func other[T comparable](c *Course, is T, from ...T) (T, bool) {
	from = slices.DeleteFunc(slices.Clone(from), func(v T) bool { return v == is })
	if len(from) == 0 {
		return is, false
	}
	return pick(c, from...), true
}
