package judge_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// TestNodeOfKilledNotReady: where the node was not Ready, or its clock is ahead, nothing shows that a container went on for too long.
func TestNodeOfKilledNotReady(t *testing.T) {
	for name, c := range map[string]struct {
		happens func(b *historytest.Builder, node string)
		want    history.Outcome
	}{
		"never, on a node that is lost": {func(b *historytest.Builder, node string) {
			b.Wait(50 * time.Second)
			b.Change(history.Nodes, node, func(e *history.Event) { e.Node = nodeOf(node, corev1.ConditionUnknown).Node })
			b.Wait(2 * time.Minute)
		}, history.Inconclusive},
		"never, on a node that was lost before": {func(b *historytest.Builder, _ string) { b.Wait(2 * time.Minute) }, history.Failed},
		"in time, by a clock that is a minute ahead": {func(b *historytest.Builder, _ string) {
			b.Wait((historytest.Grace + 1) * time.Second)
			b.Exit("web-0", 137).Pod.Main().Finished = metav1.NewTime(b.Timestamp().Add(time.Minute))
			b.Remove(history.Pods, "web-0")
		}, history.Passed},
	} {
		b := historytest.New()
		b.Operation(history.VerbCreate, history.Sets, "web")
		b.Running("web", 1)
		pod := b.Get(history.Pods, "web-0")
		b.Add(nodeOf(pod.Pod.Node, corev1.ConditionFalse))
		b.Change(history.Nodes, pod.Pod.Node, func(e *history.Event) { e.Node = nodeOf(e.Name, corev1.ConditionTrue).Node })
		scaleToZero(b)
		b.Terminate("web-0")
		c.happens(b, pod.Pod.Node)
		b.ExpectOf(pod, history.Expectation{Guarantee: expectedGuarantee, Kind: history.ExpectContainerExit, ExitCode: 137, GraceSeconds: historytest.Grace, Text: "killed"})
		r := resultOf(judge.History(b.History()))
		if found := outcomeOf(r); found != c.want {
			t.Errorf("killed %s: expected %s, found %s: %+v", name, c.want, found, r)
		}
	}
}

func nodeOf(name string, ready corev1.ConditionStatus) *history.Event {
	return &history.Event{
		Resource: history.Nodes, Meta: history.Meta{Name: name},
		Node: &history.Node{Conditions: []history.NodeCondition{{Type: corev1.NodeReady, Status: ready}}},
	}
}

// TestKilledInTime: a container that goes on after its stop signal is killed when the grace period is over.
func TestKilledInTime(t *testing.T) {
	const grace = historytest.Grace
	for name, c := range map[string]struct {
		after time.Duration // until the container ends, 0 for never
		code  int32
		want  history.Outcome
	}{
		"when it was over":                     {grace * time.Second, 137, history.Passed},
		"some seconds later":                   {(grace + 10) * time.Second, 137, history.Passed},
		"after twice that":                     {(2*grace + 20) * time.Second, 137, history.Failed},
		"never":                                {0, 0, history.Failed},
		"sooner, by anybody":                   {10 * time.Second, 137, history.Inconclusive},
		"not at all, since it ended by itself": {10 * time.Second, 7, history.Inconclusive},
	} {
		b := historytest.New()
		b.Operation(history.VerbCreate, history.Sets, "web")
		b.Running("web", 1)
		pod := b.Get(history.Pods, "web-0")
		scaleToZero(b)
		b.Terminate("web-0")
		if c.after > 0 {
			end(b, c.after, c.code)
		} else {
			b.Wait(2 * time.Minute)
		}
		b.ExpectOf(pod, history.Expectation{Guarantee: expectedGuarantee, Kind: history.ExpectContainerExit, ExitCode: 137, GraceSeconds: grace, Text: "killed"})
		r := resultOf(judge.History(b.History()))
		if found := outcomeOf(r); found != c.want {
			t.Errorf("killed %s: expected %s, found %s: %+v", name, c.want, found, r)
		}
	}
}
