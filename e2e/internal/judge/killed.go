package judge

import (
	"slices"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// killed is the exit code of a container that SIGKILL ended.
const killed = signalled + 9

// killedInTime decides whether a container that goes on after its stop signal was killed once its pod's grace period was over. ended is the event that shows
// its end, nil where there is none.
func (m *model) killedInTime(x *history.Expectation, pod *podLife, deletion, ended *history.Event) expectationVerdict {
	granted, node := time.Duration(*deletion.DeletionGrace)*time.Second, deletion.Pod.Node
	until := x.At
	if ended != nil {
		until = ended.At
	}
	// A kubelet that is away, or its node, kills nobody and takes the grace period for a new one when it is back.
	absent := !m.killOverdue(m.kubeletAtWork(pod, node, deletion.At, until), granted)
	if ended == nil {
		if waited := x.At - deletion.At; pod.gone == nil && m.killOverdue(waited, granted) {
			if absent {
				return undecided(deletion, "%s, deleted at %s with a grace period of %v, still runs after %.1f s, but nothing shows that the kubelet of node %s was at work meanwhile",
					pod.name, deletion.Ref(), granted, waited.Seconds(), node)
			}
			return notMet(pod.set, []*history.Event{deletion}, "%s, deleted at %s with a grace period of %v, still runs after %.1f s: see the kubelet and the container runtime of node %s",
				pod.name, deletion.Ref(), granted, waited.Seconds(), node)
		}
		return undecided(deletion, "%s: no event shows how its container ended", deletion.Name)
	}
	c := ended.Pod.Main()
	took := endedAfter(deletion, ended)
	switch {
	case c.ExitCode != killed:
		return undecided(ended, "%s: its container ended with exit code %d, and so was not killed", ended.Name, c.ExitCode)
	case took < m.leastElapsed(granted):
		return undecided(ended, "%s: its container was killed %v after the deletion, of a grace period of %v: anybody on its node %s may have done so, or its clock is off", ended.Name, took, granted, node)
	case m.killOverdue(min(took, ended.At-deletion.At), granted): // a clock may be off, and a report late
		if absent {
			return undecided(ended, "%s, deleted at %s with a grace period of %v: its container was killed only %v after that, but nothing shows that the kubelet of node %s was at work meanwhile",
				pod.name, deletion.Ref(), granted, took, node)
		}
		return notMet(pod.set, []*history.Event{deletion, ended}, "%s, deleted at %s with a grace period of %v: its container was killed only %v after that, at %s: see the kubelet and the container runtime of node %s",
			pod.name, deletion.Ref(), granted, took, ended.Ref(), node)
	}
	return held()
}

// kubeletAtWork returns for how long the kubelet of a node is seen to have been at work between two moments: from its first report about a container of
// another pod there to its last one, less the longest silence between two of them, in which it may have been away.
func (m *model) kubeletAtWork(pod *podLife, node string, since, until time.Duration) time.Duration {
	var reports []time.Duration
	for _, p := range m.pods {
		for i := 1; i < len(p.events) && p != pod; i++ {
			if e := p.events[i]; e.Pod.Node == node && e.At > since && e.At <= until && !slices.Equal(e.Pod.Containers, p.events[i-1].Pod.Containers) {
				reports = append(reports, e.At)
			}
		}
	}
	if len(reports) == 0 {
		return 0
	}
	slices.Sort(reports)
	var silence time.Duration
	for i := 1; i < len(reports); i++ {
		silence = max(silence, reports[i]-reports[i-1])
	}
	return reports[len(reports)-1] - reports[0] - silence
}
