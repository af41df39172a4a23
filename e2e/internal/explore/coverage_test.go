package explore

import (
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// What led to guarantees that are rarely exercised comes before what did not.
func TestActsThatLedToRareGuarantees(t *testing.T) {
	c := NewCoverage()
	for i, id := range contract.All()[:rare+5] {
		c.Exercised[id.ID] = 100 + i
	}
	seldom := contract.All()[rare+10].ID
	with := func(kind Kind, exercised ...contract.ID) {
		e := &Episode{Steps: []Step{{Act: Act{Kind: kind, Set: "one"}}}, Exercised: map[contract.ID]int{}}
		for _, id := range exercised {
			e.Exercised[id] = 1
		}
		c.Add(e)
	}
	with(SetPartition, seldom)
	with(SetPartition)
	with(TouchSet, contract.All()[rare+4].ID)
	if got := c.leadsToRare(SetPartition); got != 0.5 {
		t.Errorf("expected one of two episodes to have exercised what is seldom exercised, found %v", got)
	}
	if got := c.leadsToRare(TouchSet); got != 0 {
		t.Errorf("expected a guarantee that is exercised often not to count, found %v", got)
	}
	if got := c.leadsToRare(EvictPod); got != 0 {
		t.Errorf("expected nothing of an act that was never done, found %v", got)
	}
}

// Of several proposals of a kind the one comes first that was done least in its way.
func TestWaysThatWereSeenLeastComeFirst(t *testing.T) {
	s := stateOf(rested(1).History())
	set := s.Get(history.Sets, "one")
	i := slices.IndexFunc(kinds(), func(k kind) bool { return k.name == DeleteSet })
	found := map[metav1.DeletionPropagation]int{}
	for seed := range uint64(300) {
		seen := NewCoverage()
		for range 10 {
			seen.note(&Act{Kind: DeleteSet, Propagation: metav1.DeletePropagationBackground}, nil)
			seen.note(&Act{Kind: DeleteSet, Propagation: metav1.DeletePropagationOrphan}, nil)
		}
		act, ok := NewCourse(seed, seen).propose(kinds()[i], s, "one", set)
		if !ok {
			t.Fatal("expected a set that is there to be deleted")
		}
		found[act.Propagation]++
	}
	// Without the count each comes a third of the time; with three proposals the one that was never seen is among them in 19 of 27 cases.
	if n := found[metav1.DeletePropagationForeground]; n < 180 {
		t.Errorf("expected the way that was never seen most of the time, found %v", found)
	}
}

// Episodes differ in what they do without, and each can undo what holds a set up.
func TestEpisodesDoWithoutSomeKinds(t *testing.T) {
	without, whole, one := map[Kind]int{}, 0, 0
	for seed := range uint64(400) {
		c := NewCourse(seed, NewCoverage())
		if len(c.without) == 0 {
			whole++
		}
		if len(c.sets) == 1 {
			one++
		}
		for k, left := range c.without {
			if left {
				without[k]++
			}
		}
	}
	if whole < 60 || whole > 140 || one < 150 || one > 250 {
		t.Errorf("expected a quarter of 400 episodes to have all kinds, and half of them one set, found %d and %d", whole, one)
	}
	for _, k := range Kinds() {
		if n := without[k]; takesBack(k) != (n == 0) || n > 250 {
			t.Errorf("%s is left out %d times of 400; whether it takes back what holds a set up: %t", k, n, takesBack(k))
		}
	}
}

func TestWaysAreTold(t *testing.T) {
	c := NewCoverage()
	c.note(&Act{Kind: MakeOutsider, Set: "one", Object: "one-1", Owned: true}, nil)
	c.note(&Act{Kind: MakeOutsider, Set: "one", Object: "one-other", Once: true}, nil)
	c.note(&Act{Kind: TouchSet, Set: "one", Value: "1"}, nil)
	c.note(&Act{Kind: TouchSet, Set: "one", Value: "2"}, nil)
	if text := c.Markdown(); !strings.Contains(text, "| outsider | of a pod's name 1, once 1, owned 1 |") || strings.Contains(text, "| touch | plain ") {
		t.Errorf("expected the ways of the act that has several, found:\n%s", text)
	}
}
