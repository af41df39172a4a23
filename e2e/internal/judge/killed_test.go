package judge_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// TestKubeletOfKilledAway: nothing is held against a kubelet that is not seen at work, nor against one whose clock is ahead.
func TestKubeletOfKilledAway(t *testing.T) {
	const grace, late = historytest.Grace * time.Second, (2*historytest.Grace + 20) * time.Second
	for name, c := range map[string]struct {
		happens func(b *historytest.Builder)
		want    history.Outcome
	}{
		"never, by one that is at work":    {func(b *historytest.Builder) { reports(b, "beside", 2*time.Minute) }, history.Failed},
		"never, by one that never reports": {func(b *historytest.Builder) { b.Wait(2 * time.Minute) }, history.Inconclusive},
		"never, by one that is away after a report": {func(b *historytest.Builder) {
			reports(b, "beside", 2*time.Second)
			b.Wait(2 * time.Minute)
		}, history.Inconclusive},
		"never, and only another node's kubelet reports": {func(b *historytest.Builder) { reports(b, "elsewhere", 2*time.Minute) }, history.Inconclusive},
		"late, by one that is at work": {func(b *historytest.Builder) {
			reports(b, "beside", late)
			end(b, 0, 137)
		}, history.Failed},
		"late, by one that was away meanwhile": {func(b *historytest.Builder) {
			reports(b, "beside", 2*time.Second)
			b.Wait(late)
			reports(b, "beside", grace)
			end(b, 0, 137)
		}, history.Inconclusive},
		"in time, by a clock that is a minute ahead": {func(b *historytest.Builder) {
			b.Wait(grace + time.Second)
			b.Exit("web-0", 137).Pod.Main().Finished = metav1.NewTime(b.Timestamp().Add(time.Minute))
			b.Remove(history.Pods, "web-0")
		}, history.Passed},
	} {
		b := historytest.New()
		b.Operation(history.VerbCreate, history.Sets, "web")
		b.Running("web", 1)
		pod := b.Get(history.Pods, "web-0")
		beside(b)
		scaleToZero(b)
		b.Terminate("web-0")
		c.happens(b)
		b.ExpectOf(pod, history.Expectation{Guarantee: expectedGuarantee, Kind: history.ExpectContainerExit, ExitCode: 137, GraceSeconds: historytest.Grace, Text: "killed"})
		r := resultOf(judge.History(b.History()))
		if found := outcomeOf(r); found != c.want {
			t.Errorf("killed %s: expected %s, found %s: %+v", name, c.want, found, r)
		}
	}
}

// beside adds two pods of nobody: one on the node of web-0, and one elsewhere.
func beside(b *historytest.Builder) {
	for name, node := range map[string]string{"beside": b.Get(history.Pods, "web-0").Pod.Node, "elsewhere": "elsewhere"} {
		b.Add(&history.Event{
			Resource: history.Pods, Meta: history.Meta{Name: name, UID: types.UID(name)},
			Pod: &history.Pod{Phase: corev1.PodRunning, Node: node, Containers: []history.Container{{Name: "main", State: history.ContainerRunning}}},
		})
	}
}

// reports has the kubelet of a pod tell of its container every two seconds, for that long.
func reports(b *historytest.Builder, name string, during time.Duration) {
	for range during / (2 * time.Second) {
		b.Wait(2 * time.Second)
		b.Change(history.Pods, name, func(e *history.Event) { e.Pod.Containers[0].Restarts++ })
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
		beside(b)
		scaleToZero(b)
		b.Terminate("web-0")
		if c.after > 0 {
			reports(b, "beside", c.after)
			end(b, 0, c.code)
		} else {
			reports(b, "beside", 2*time.Minute)
		}
		b.ExpectOf(pod, history.Expectation{Guarantee: expectedGuarantee, Kind: history.ExpectContainerExit, ExitCode: 137, GraceSeconds: grace, Text: "killed"})
		r := resultOf(judge.History(b.History()))
		if found := outcomeOf(r); found != c.want {
			t.Errorf("killed %s: expected %s, found %s: %+v", name, c.want, found, r)
		}
	}
}
