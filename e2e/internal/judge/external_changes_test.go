package judge_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// TestExternalChanges: a failed check after another client changed the set is inconclusive; one before that is a violation.
func TestExternalChanges(t *testing.T) {
	id := contract.DNSHeadless
	made := func(b *historytest.Builder) {
		b.Operation(history.VerbCreate, history.Sets, "web")
		b.Running("web", 2)
	}
	scaled := func(b *historytest.Builder) {
		b.Operation(history.VerbScale, history.Sets, "web")
		b.Scale("web", 3)
		b.CreateReady("web-2")
		b.Status("web")
	}
	failed := func(b *historytest.Builder) {
		b.Wait(time.Second)
		b.Check(history.Check{Guarantee: id, Outcome: history.Failed, Text: "web resolves to exactly 3 pods: found 2"})
	}
	runCases(t, []testCase{
		{name: "no other client", broken: ids(id), build: func(b *historytest.Builder) { made(b); scaled(b); failed(b) }},
		{
			name: "another client scales the set", inconclusive: ids(id), texts: []string{"found 2; but the set web had been changed to generation 3 at rv"},
			build: func(b *historytest.Builder) {
				made(b)
				scaled(b)
				b.Scale("web", 2)
				b.DeletePod("web-2")
				b.Status("web")
				failed(b)
			},
		},
		{
			name: "another client changes the template", inconclusive: ids(id), build: func(b *historytest.Builder) {
				made(b)
				b.NewTemplate("web", 2)
				b.Roll("web", 1, 0)
				failed(b)
			},
		},
		{
			name: "another client changes the set before the test does", inconclusive: ids(id), build: func(b *historytest.Builder) {
				made(b)
				b.Scale("web", 1)
				b.DeletePod("web-1")
				b.Operation(history.VerbUpdate, history.Sets, "web")
				b.Scale("web", 2)
				b.CreateReady("web-1")
				failed(b)
			},
		},
		{name: "another client deletes the set", inconclusive: ids(id), texts: []string{"the set web had been deleted at rv"}, build: func(b *historytest.Builder) { made(b); b.DeleteSet("web"); failed(b) }},
		{
			name: "the test deletes it", broken: ids(id), build: func(b *historytest.Builder) {
				made(b)
				b.Operation(history.VerbDelete, history.Sets, "web")
				b.DeleteSet("web")
				failed(b)
			},
		},
		{
			name: "another client changes the set after the check", broken: ids(id), build: func(b *historytest.Builder) {
				made(b)
				failed(b)
				b.Wait(time.Second)
				b.Scale("web", 3)
			},
		},
		{
			name: "the second set of that name", broken: ids(id), build: func(b *historytest.Builder) {
				made(b)
				scaled(b)
				b.Operation(history.VerbDelete, history.Sets, "web")
				b.DeleteSet("web")
				for _, pod := range []string{"web-0", "web-1", "web-2"} {
					b.DeletePod(pod)
				}
				made(b)
				failed(b)
			},
		},
		{
			name: "another client's scale down does not excuse the controller's order", broken: ids(contract.OrderingScaleDown), build: func(b *historytest.Builder) {
				made(b)
				scaled(b)
				b.Scale("web", 1)
				b.Terminate("web-1")
			},
		},
	})
}

// TestSetsOfOthers: findings about a set that the test did not create are inconclusive, as other clients may have deleted its pods.
func TestSetsOfOthers(t *testing.T) {
	spurious := func(set string) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Operation(history.VerbCreate, history.Sets, "web")
			b.Running("web", 1)
			b.Running("db", 1)
			b.Wait(5 * time.Second)
			b.Terminate(set + "-0")
		}
	}
	runLiveCases(t, []testCase{
		{name: "created by the test", broken: ids(contract.UpdateNoSpurious), build: spurious("web")},
		{
			name: "not created by the test", inconclusive: ids(contract.UpdateNoSpurious), texts: []string{"; but the set db is somebody else's, who may have a part in it"},
			build: spurious("db"),
		},
	})
}

// TestLateStatus: the status of a large Parallel set may be behind by many changes.
func TestLateStatus(t *testing.T) {
	burst := func(b *historytest.Builder) {
		b.Set("web", historytest.Replicas(20), historytest.Parallel)
		b.Status("web")
		for n := range 20 {
			b.Pod(podOf(n))
		}
		for n := range 20 {
			b.Ready(podOf(n))
		}
	}
	runLiveCases(t, []testCase{
		{
			name: "for seconds", build: func(b *historytest.Builder) {
				burst(b)
				b.Wait(4 * time.Second)
				b.Status("web")
				b.DeleteByTest("web-0")
				b.FinishDeletion("web-0")
			},
		},
		{
			name: "for good", controllerActs: true, broken: ids(contract.StatusCounts), build: func(b *historytest.Builder) {
				burst(b)
				b.Wait(long)
			},
		},
	})
}

func podOf(n int) string { return fmt.Sprintf("web-%d", n) }
