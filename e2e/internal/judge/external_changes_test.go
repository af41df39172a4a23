package judge_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// TestStrangers: what a spec finds after somebody else changed its set accuses nobody; what it finds before, or of its own doing, does.
func TestStrangers(t *testing.T) {
	id := contract.DNSHeadless
	made := func(s *historytest.Builder) {
		s.Operation(history.VerbCreate, history.Sets, "web")
		s.Running("web", 2)
	}
	scaled := func(s *historytest.Builder) {
		s.Operation(history.VerbScale, history.Sets, "web")
		s.Scale("web", 3)
		s.CreateReady("web-2")
		s.Status("web")
	}
	failed := func(s *historytest.Builder) {
		s.Wait(time.Second)
		s.Check(history.Check{Guarantee: id, Outcome: history.Failed, Text: "web resolves to exactly 3 pods: found 2"})
	}
	tales(t, []tale{
		{name: "nobody else", broken: ids(id), tell: func(s *historytest.Builder) { made(s); scaled(s); failed(s) }},
		{
			name: "somebody scales the set", doubted: ids(id), texts: []string{"found 2; but the set web had been changed to generation 3 at rv"},
			tell: func(s *historytest.Builder) {
				made(s)
				scaled(s)
				s.Scale("web", 2)
				s.DeletePod("web-2")
				s.Status("web")
				failed(s)
			},
		},
		{
			name: "somebody gives it another template", doubted: ids(id), tell: func(s *historytest.Builder) {
				made(s)
				s.NewTemplate("web", 2)
				s.Roll("web", 1, 0)
				failed(s)
			},
		},
		{
			name: "somebody changes it before the spec does", doubted: ids(id), tell: func(s *historytest.Builder) {
				made(s)
				s.Scale("web", 1)
				s.DeletePod("web-1")
				s.Operation(history.VerbUpdate, history.Sets, "web")
				s.Scale("web", 2)
				s.CreateReady("web-1")
				failed(s)
			},
		},
		{name: "somebody deletes it", doubted: ids(id), texts: []string{"the set web had been deleted at rv"}, tell: func(s *historytest.Builder) { made(s); s.DeleteSet("web"); failed(s) }},
		{
			name: "the spec deletes it", broken: ids(id), tell: func(s *historytest.Builder) {
				made(s)
				s.Operation(history.VerbDelete, history.Sets, "web")
				s.DeleteSet("web")
				failed(s)
			},
		},
		{
			name: "somebody comes after the check", broken: ids(id), tell: func(s *historytest.Builder) {
				made(s)
				failed(s)
				s.Wait(time.Second)
				s.Scale("web", 3)
			},
		},
		{
			name: "the second set of that name", broken: ids(id), tell: func(s *historytest.Builder) {
				made(s)
				scaled(s)
				s.Operation(history.VerbDelete, history.Sets, "web")
				s.DeleteSet("web")
				for _, pod := range []string{"web-0", "web-1", "web-2"} {
					s.DeletePod(pod)
				}
				made(s)
				failed(s)
			},
		},
		{
			name: "another client's scale down does not excuse the controller's order", broken: ids(contract.OrderingScaleDown), tell: func(s *historytest.Builder) {
				made(s)
				scaled(s)
				s.Scale("web", 1)
				s.Terminate("web-1")
			},
		},
	})
}

// TestSetsOfOthers: of a set that the suite did not make nobody knows what was done to its pods by hand.
func TestSetsOfOthers(t *testing.T) {
	spurious := func(set string) func(*historytest.Builder) {
		return func(s *historytest.Builder) {
			s.Operation(history.VerbCreate, history.Sets, "web")
			s.Running("web", 1)
			s.Running("db", 1)
			s.Wait(5 * time.Second)
			s.Terminate(set + "-0")
		}
	}
	liveTales(t, []tale{
		{name: "the suite's", broken: ids(contract.UpdateNoSpurious), tell: spurious("web")},
		{
			name: "somebody else's", doubted: ids(contract.UpdateNoSpurious), texts: []string{"; but the set db is somebody else's, who may have a part in it"},
			tell: spurious("db"),
		},
	})
}

// TestStatusThatIsLate: a status may be behind by many changes of a great Parallel set.
func TestStatusThatIsLate(t *testing.T) {
	burst := func(s *historytest.Builder) {
		s.Set("web", historytest.Replicas(20), historytest.Parallel)
		s.Status("web")
		for n := range 20 {
			s.Pod(podOf(n))
		}
		for n := range 20 {
			s.Ready(podOf(n))
		}
	}
	liveTales(t, []tale{
		{
			name: "for seconds", tell: func(s *historytest.Builder) {
				burst(s)
				s.Wait(4 * time.Second)
				s.Status("web")
				s.DeleteByTest("web-0")
				s.FinishDeletion("web-0")
			},
		},
		{
			name: "for good", atWork: true, broken: ids(contract.StatusCounts), tell: func(s *historytest.Builder) {
				burst(s)
				s.Wait(long)
			},
		},
	})
}

func podOf(n int) string { return fmt.Sprintf("web-%d", n) }
