package explore

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// stateOf is the state after all events of a history.
func stateOf(h *history.History) *history.State {
	s := history.NewState()
	for _, e := range h.Events {
		s.Apply(e)
	}
	return s
}

// rested is a set at rest, of the name that episodes give their first.
func rested(replicas int, options ...historytest.Option) *historytest.Builder {
	b := historytest.New()
	b.Running("one", replicas, options...)
	b.Status("one")
	return b
}

func atRest(*history.Event) []history.Phase { return []history.Phase{history.AtRest} }

// chosen lets a course of a seed choose acts in one state.
func chosen(seed uint64, seen *Coverage, s *history.State, n int) []Act {
	c := NewCourse(seed, seen)
	c.Disruptive = true
	return courseOf(c, s, n)
}

func courseOf(c *Course, s *history.State, n int) []Act {
	var out []Act
	for range n {
		c.Pace()
		act, ok := c.Next(s, atRest)
		if !ok {
			break
		}
		out = append(out, act)
		c.Did(Step{Act: act, Phases: atRest(nil)})
	}
	return out
}

func TestSeedDecidesTheCourse(t *testing.T) {
	s := stateOf(rested(3, historytest.Claims("data")).History())
	text := func(seed uint64) string {
		data, err := json.Marshal(chosen(seed, NewCoverage(), s, 30))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	first := text(7)
	if again := text(7); again != first {
		t.Error("one seed chose two courses for the same state")
	}
	if text(8) == first {
		t.Error("two seeds chose the same course")
	}
}

func TestFirstActCreatesASet(t *testing.T) {
	if acts := chosen(1, NewCoverage(), history.NewState(), 1); len(acts) != 1 || acts[0].Kind != CreateSet {
		t.Errorf("expected a set to be created first, found %v", acts)
	}
}

func TestWhatWasSeenLeastComesFirst(t *testing.T) {
	s := stateOf(rested(3).History())
	seen := NewCoverage()
	for _, k := range Kinds() {
		if k != SetPartition {
			for range 50 {
				seen.note(&Act{Kind: k}, []history.Phase{history.AtRest, noPhase})
			}
		}
	}
	c := NewCourse(3, seen)
	c.Did(Step{Act: c.newSet("one")})
	if act, _ := c.Next(s, atRest); act.Kind != SetPartition {
		t.Errorf("expected the only act that was never seen, found %s", act.Kind)
	}
}

// Whatever is chosen is possible, can be saved and told, and becomes requests.
func TestEveryKindIsChosenAndCompiles(t *testing.T) {
	states := []*history.State{stateOf(rested(3, historytest.Claims("data")).History())}
	held := rested(2)
	held.Change(history.Pods, "one-1", func(e *history.Event) {
		e.Pod.Conditions = append(e.Pod.Conditions, history.Condition{Type: Gate, Status: "True"})
	})
	states = append(states, stateOf(held.History()))
	held.Change(history.Pods, "one-1", func(e *history.Event) {
		e.Pod.Conditions[len(e.Pod.Conditions)-1].Status = "False"
		e.Finalizers = []string{Finalizer}
	})
	states = append(states, stateOf(held.History()), history.NewState())
	found := map[Kind]bool{}
	for _, s := range states {
		for seed := range uint64(25) {
			for _, act := range chosen(seed, NewCoverage(), s, 20) {
				found[act.Kind] = true
				if act.Words() == "" {
					t.Errorf("%s has no words", act.Kind)
				}
				if err := act.valid(); err != nil {
					t.Error(err)
				}
				if requests, err := act.Requests("image"); err != nil || len(requests) == 0 {
					t.Errorf("%s: %d requests, error %v", act.Kind, len(requests), err)
				}
			}
		}
	}
	for _, k := range Kinds() {
		if !found[k] {
			t.Errorf("%s was never chosen", k)
		}
	}
}

func TestNodesAndControlPlaneAreLeftAlone(t *testing.T) {
	s := stateOf(rested(1).History())
	killed := 0
	for seed := range uint64(100) {
		for _, act := range courseOf(NewCourse(seed, NewCoverage()), s, 20) {
			if slices.Contains([]Kind{KillComponent, CordonNode, StopNode}, act.Kind) {
				t.Fatalf("seed %d: expected no act on nodes and the control plane unless that is allowed, found %s", seed, act.Words())
			}
		}
		for _, act := range chosen(seed, NewCoverage(), s, 20) {
			if act.Kind == KillComponent {
				killed++
			}
		}
	}
	if killed == 0 || killed > 100 {
		t.Errorf("expected some acts on the control plane where it is allowed, fewer than one in twenty, found %d of 2000", killed)
	}
	if err := (&Act{Kind: KillComponent, Set: "one", Value: "etcd"}).valid(); err == nil {
		t.Error("expected an act on another component to be rejected")
	}
}

// Pods need a node to go to, so that one is restored before another is disrupted, and all are at the end.
func TestOneNodeIsDisruptedAtATime(t *testing.T) {
	s := stateOf(rested(1).History())
	undo, restored := map[Kind]Kind{CordonNode: UncordonNode, StopNode: StartNode}, 0
	for seed := range uint64(100) {
		c := NewCourse(seed, NewCoverage())
		c.Disruptive = true
		var now Kind
		for _, act := range courseOf(c, s, 40) {
			switch act.Kind {
			case CordonNode, StopNode:
				if now != "" {
					t.Fatalf("seed %d: %s after %s", seed, act.Kind, now)
				}
				now = act.Kind
			case UncordonNode, StartNode:
				if act.Kind != undo[now] {
					t.Fatalf("seed %d: %s after %q", seed, act.Kind, now)
				}
				now = ""
				restored++
			}
		}
		end := c.Ending(s, false)
		if want := undo[now]; want != "" && (len(end) == 0 || end[0].Kind != want) {
			t.Errorf("seed %d: expected the end to begin with %s, found %v", seed, want, end)
		}
	}
	if restored == 0 {
		t.Error("no node was restored among the acts")
	}
}

func TestPossible(t *testing.T) {
	s := stateOf(rested(1, historytest.Claims("data")).History())
	for _, c := range []struct {
		act  Act
		want bool
	}{
		{Act{Kind: CreateSet, Set: "one"}, false},
		{Act{Kind: CreateSet, Set: "two"}, true},
		{Act{Kind: Scale, Set: "one", Spec: &Spec{}}, true},
		{Act{Kind: Scale, Set: "two", Spec: &Spec{}}, false},
		{Act{Kind: DeletePod, Set: "one", Object: "one-0"}, true},
		{Act{Kind: DeletePod, Set: "one", Object: "one-1"}, false},
		{Act{Kind: MakeClaim, Set: "one", Object: "data-one-0"}, false},
		{Act{Kind: DeleteClaim, Set: "one", Object: "data-one-0"}, true},
		{Act{Kind: MakeOutsider, Set: "one", Object: "one-0"}, false},
	} {
		if err := c.act.Possible(s); (err == nil) != c.want {
			t.Errorf("%s: expected it to be possible: %t, found %v", c.act.Words(), c.want, err)
		}
	}
}

func TestEndingTakesEverythingAway(t *testing.T) {
	b := rested(2)
	b.Change(history.Pods, "one-0", func(e *history.Event) { e.Finalizers = []string{Finalizer} })
	b.Change(history.Pods, "one-1", func(e *history.Event) {
		e.Pod.Conditions = append(e.Pod.Conditions, history.Condition{Type: Gate, Status: "False"})
	})
	c := NewCourse(1, NewCoverage())
	c.Did(Step{Act: Act{Kind: CreateSet, Set: "one", Spec: &Spec{Template: &Template{Name: "t1", Fault: Crashing}, Replicas: new(int32(2))}}})
	c.Did(Step{Act: Act{Kind: MakeBudget, Set: "one", Value: "0"}})
	var kinds []Kind
	for _, a := range c.Ending(stateOf(b.History()), false) {
		kinds = append(kinds, a.Kind)
		c.Did(Step{Act: a, End: true})
	}
	if want := []Kind{RemoveBudget, RemoveFinalizer, ReleasePod, NewTemplate}; !slices.Equal(kinds, want) {
		t.Errorf("expected %v, found %v", want, kinds)
	}
	rest := rested(2)
	rest.Add(&history.Event{Resource: history.Pods, Meta: history.Meta{Name: "dns-client"}, Pod: &history.Pod{}})
	if acts := c.Ending(stateOf(rest.History()), false); len(acts) > 0 {
		t.Errorf("expected nothing more, and the pod that names are looked up in to stay, found %v", acts)
	}
	if acts := c.Ending(stateOf(rest.History()), true); len(acts) != 1 || acts[0].Kind != TouchSet {
		t.Errorf("expected the set to be touched once nothing happens, found %v", acts)
	}
}

func TestEndingRemovesPodsThatAreInTheWay(t *testing.T) {
	b := rested(2)
	b.Relabel("one-1", "app", "none")
	b.Orphan("one-1")
	c := NewCourse(1, NewCoverage())
	if acts := c.Ending(stateOf(b.History()), false); len(acts) != 1 || acts[0].Kind != DeletePod || acts[0].Object != "one-1" {
		t.Errorf("expected one-1, which the set does not select, to be deleted; found %v", acts)
	}
	b.Relabel("one-1", "app", "one")
	if acts := c.Ending(stateOf(b.History()), false); len(acts) > 0 {
		t.Errorf("expected an orphan that the set adopts to be left alone; found %v", acts)
	}
	b.Change(history.Sets, "one", func(e *history.Event) {
		now := b.Timestamp()
		e.DeletionTimestamp = &now
	})
	if acts := c.Ending(stateOf(b.History()), false); len(acts) != 1 || acts[0].Kind != DeletePod {
		t.Errorf("expected an orphan that a terminating set does not adopt to be deleted; found %v", acts)
	}
}

// The volumes of a pod cannot be changed, so that a set with claims can do nothing with a pod of an earlier set without them.
func TestEndingRemovesAdoptedPodsWithoutClaims(t *testing.T) {
	b := rested(2, historytest.Claims("data"))
	c := NewCourse(1, NewCoverage())
	if acts := c.Ending(stateOf(b.History()), false); len(acts) > 0 {
		t.Errorf("expected nothing to do, found %v", acts)
	}
	b.Change(history.Pods, "one-1", func(e *history.Event) { e.Pod.Claims = nil })
	if acts := c.Ending(stateOf(b.History()), false); len(acts) != 1 || acts[0].Kind != DeletePod || acts[0].Object != "one-1" {
		t.Errorf("expected one-1 to be deleted, found %v", acts)
	}
}

// Several pods out of range that are not Ready wait for each other under OrderedReady.
func TestEndingOfAStalledScaleDown(t *testing.T) {
	b := rested(3)
	b.Scale("one", 1)
	b.Fail("one-1")
	b.Fail("one-2")
	c := NewCourse(1, NewCoverage())
	if acts := c.Ending(stateOf(b.History()), false); len(acts) > 0 {
		t.Errorf("expected nothing to do while the controller is at work, found %v", acts)
	}
	if acts := c.Ending(stateOf(b.History()), true); len(acts) != 3 || acts[0].Kind != DeletePod || acts[1].Kind != DeletePod || acts[2].Kind != TouchSet {
		t.Errorf("expected both pods to be deleted and the set to be touched, found %v", acts)
	}
}

// A partition has a deleted pod made again of the former template, faulty or not; out of range a faulty one may be waited for.
func TestEndingOfFormerFaults(t *testing.T) {
	b := rested(3)
	c := NewCourse(1, NewCoverage())
	c.Did(Step{Act: Act{Kind: CreateSet, Set: "one", Spec: &Spec{Template: &Template{Name: "t1", Fault: Crashing}, Replicas: new(int32(2))}}})
	c.Did(Step{Act: Act{Kind: NewTemplate, Set: "one", Spec: &Spec{Template: &Template{Name: "t2"}}}})
	b.NewTemplate("one", 2)
	b.Change(history.Pods, "one-0", func(e *history.Event) { e.Labels[history.Prefix+"template"] = "t1" })
	ending := func() string {
		var kinds []Kind
		for _, a := range c.Ending(stateOf(b.History()), false) {
			kinds = append(kinds, a.Kind)
		}
		return fmt.Sprint(kinds)
	}
	if got := ending(); got != "[delete-pod]" {
		t.Errorf("expected a pod of a former template with a fault to be deleted, found %s", got)
	}
	b.Update("one", func(s *history.Set) { s.Start = 1 })
	if got := ending(); got != "[delete-pod]" {
		t.Errorf("expected it to be deleted below the range, found %s", got)
	}
	b.Update("one", func(s *history.Set) { s.Start, s.Partition = 0, 1 })
	if got := ending(); got != "[delete-pod partition]" {
		t.Errorf("expected the partition that keeps its template to be taken away, found %s", got)
	}
}

func TestMoments(t *testing.T) {
	b := rested(2)
	before := Moments(stateOf(b.History()))
	b.Terminate("one-1")
	s := stateOf(b.History())
	m, ok := Turn(before, s)
	if !ok || m.Pod != "one-1" || m.Is != Terminating || m.Met(s) != "" {
		t.Errorf("expected one-1 to be terminating, found %v", m)
	}
	before = Moments(s)
	b.FinishDeletion("one-1")
	s = stateOf(b.History())
	if m, ok := Turn(before, s); !ok || m.Is != Gone || m.Met(s) != "" {
		t.Errorf("expected one-1 to be gone, found %v", m)
	}
	if (Moment{Pod: "one-1", Is: Ready}).Met(s) == "" {
		t.Error("expected a pod that is gone not to be Ready")
	}
	if _, ok := Turn(Moments(s), s); ok {
		t.Error("expected no turn where nothing has changed")
	}
}

func TestUnsettled(t *testing.T) {
	set := func(b *historytest.Builder) string {
		s := stateOf(b.History())
		return Unsettled(s, s.Get(history.Sets, "one"))
	}
	if why := set(rested(2)); why != "" {
		t.Errorf("expected a set at rest to be settled, found %q", why)
	}
	scaled := rested(2)
	scaled.Scale("one", 3)
	unready := rested(2)
	unready.Unready("one-1")
	onDelete := rested(2, func(s *history.Set) { s.Strategy = appsv1.OnDeleteStatefulSetStrategyType })
	onDelete.Change(history.Pods, "one-1", func(e *history.Event) { e.Labels[appsv1.ControllerRevisionHashLabelKey] = "older" })
	rolling := rested(2)
	rolling.Change(history.Pods, "one-1", func(e *history.Event) { e.Labels[appsv1.ControllerRevisionHashLabelKey] = "older" })
	for name, b := range map[string]*historytest.Builder{"scaled": scaled, "a pod is not Ready": unready, "a pod is of an older template": rolling} {
		if set(b) == "" {
			t.Errorf("%s: expected the set not to be settled", name)
		}
	}
	if why := set(onDelete); why != "" {
		t.Errorf("expected OnDelete to keep an older pod, found %q", why)
	}
}

// Names are looked up where the set is at rest with the pod, and nothing holds one of its pods.
func TestNamesAreLookedUpAtRest(t *testing.T) {
	look := Act{Kind: LookUp, Set: "one", Object: "one-0"}
	b := rested(2)
	if err := look.Possible(stateOf(b.History())); err != nil {
		t.Errorf("expected a pod of a set at rest to do, found %v", err)
	}
	for name, change := range map[string]func(*historytest.Builder){
		"a pod that its set does not select any more": func(b *historytest.Builder) { b.Relabel("one-0", "app", "none") },
		"another pod that is held": func(b *historytest.Builder) {
			b.Change(history.Pods, "one-1", func(e *history.Event) {
				e.Pod.Conditions = append(e.Pod.Conditions, history.Condition{Type: Gate, Status: "False"})
			})
		},
		"a set that is to grow": func(b *historytest.Builder) { b.Scale("one", 3) },
		"a pod that is gone":    func(b *historytest.Builder) { b.DeletePod("one-0") },
	} {
		b := rested(2)
		change(b)
		if err := look.Possible(stateOf(b.History())); err == nil {
			t.Errorf("%s: expected no look-up", name)
		}
	}
}
