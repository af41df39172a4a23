package judge

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// killed is the exit code of a container that SIGKILL ended.
const killed = signalled + 9

// killedInTime decides whether a container that goes on after its stop signal was killed once its pod's grace period was over. ended is the event that shows
// its end, nil where there is none.
func (m *model) killedInTime(x *history.Expectation, pod *podLife, deletion, ended *history.Event) expectationVerdict {
	granted, node := time.Duration(*deletion.DeletionGrace)*time.Second, deletion.Pod.Node
	if m.notReadySince(node, deletion.At) {
		return undecided(deletion, "%s: its node %s was not Ready meanwhile, so that nobody there may have known of the deletion", pod.name, node)
	}
	if ended == nil {
		if waited := x.At - deletion.At; pod.gone == nil && m.killOverdue(waited, granted) {
			return notMet(pod.set, []*history.Event{deletion}, "%s, deleted at %s with a grace period of %v, still runs after %.1f s: see the kubelet and the container runtime of node %s",
				pod.name, deletion.Ref(), granted, waited.Seconds(), node)
		}
		return undecided(deletion, "%s: no event shows how its container ended", deletion.Name)
	}
	c := ended.Pod.Main()
	took := c.Finished.Sub(deletion.DeletionTimestamp.Add(-granted))
	switch {
	case c.ExitCode != killed:
		return undecided(ended, "%s: its container ended with exit code %d, and so was not killed", ended.Name, c.ExitCode)
	case took < m.leastElapsed(granted):
		return undecided(ended, "%s: its container was killed %v after the deletion, of a grace period of %v: anybody on its node %s may have done so", ended.Name, took, granted, node)
	case m.killOverdue(min(took, ended.At-deletion.At), granted): // a clock may be off, and a report late
		return notMet(pod.set, []*history.Event{deletion, ended}, "%s, deleted at %s with a grace period of %v: its container was killed only %v after that, at %s: see the kubelet and the container runtime of node %s",
			pod.name, deletion.Ref(), granted, took, ended.Ref(), node)
	}
	return held()
}

// notReadySince reports whether a node is recorded to have been gone, or not to have been Ready, at some time from a moment on.
func (m *model) notReadySince(node string, from time.Duration) bool {
	down := false
	for _, e := range m.h.Events {
		if e.Resource != history.Nodes || e.Name != node {
			continue
		}
		now := e.Gone() || !slices.ContainsFunc(e.Node.Conditions, func(c history.NodeCondition) bool {
			return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
		})
		if e.At >= from && (down || now) {
			return true
		}
		down = now
	}
	return down
}
