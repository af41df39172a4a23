package judge

import (
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Every constant that a verdict depends on is here. Two bounds come with the history instead, from the limits of the run that recorded it:
// Header.Lag, how far the controller's informer caches may be behind (2 s: a watch event takes milliseconds, but a cache may be behind by
// a slow list or a paused process), and Header.ClockSkew, how far the clocks of nodes and control plane may differ.
const (
	// MaxLag and MaxClockSkew are the ceilings of these two bounds. A wider bound excuses what a broken controller does, so that a run with one
	// is partial.
	MaxLag       = 10 * time.Second
	MaxClockSkew = 5 * time.Second

	// watchSkew bounds how far two watches of one recorder may be out of step: both are open streams of one process from one API server,
	// and events were seen to cross by tens of milliseconds on a busy machine, so that ten times as much is safe.
	watchSkew = 500 * time.Millisecond

	// resumedWatchSkew bounds how late a watch may be that was cut off and resumed: the recorder opens it again within seconds or records
	// a gap. Between the two bounds resource versions decide, which the API promises to be comparable within one resource only, so that
	// they can excuse and never accuse.
	resumedWatchSkew = 10 * time.Second

	// HoldFactor is how many times the longest reaction seen a period must last before "nothing happened" means "the controller waited":
	// reactions of one controller were measured to vary by less than three times.
	HoldFactor = 5

	// holdFloor is the least length of such a period: a sync takes well under a second even on a slow machine.
	holdFloor = time.Second

	// MinActDeadline is how long an act that is due must be missing before that is a violation, where the controller was seen to react
	// quickly: longer than the retries of a sync that met a conflict, whose back-off begins at 5 ms and doubles.
	MinActDeadline = 10 * time.Second

	// unmeasuredActDeadline replaces MinActDeadline where the history shows no reaction at all: the longest that an informer waits before
	// it lists again after it lost its connection.
	unmeasuredActDeadline = 30 * time.Second

	// garbageCollectionDelay is what the garbage collector may take on top of the controller: it learns of an owner's end by its own
	// watch, and retries with a back-off.
	garbageCollectionDelay = 20 * time.Second

	// laggingStatusFactor is how many lags a status may equal what the pods showed earlier before it counts as never updated.
	laggingStatusFactor = 10

	// longestRequest is how long the API server works on a request at most, by the default of its flag request-timeout.
	longestRequest = time.Minute

	// firstBackoff and backoffLimit are the bounds of the back-off of a set whose syncs fail, by the default of client-go's workqueues.
	firstBackoff = 5 * time.Millisecond
	backoffLimit = 1000 * time.Second

	// unreportedFailures is how many syncs may have failed beside those reported, of other causes: each doubles the back-off.
	unreportedFailures = 2

	// reportBurst is how many reports of one object client-go's event recorder passes on before it drops some.
	reportBurst = 25

	// timestampResolution is by how much timestamps of the API are cut: they have seconds.
	timestampResolution = time.Second

	// longestSliceWrite is how long the endpoint slice controller may take for one of the slices that it writes in a row: up to a second was seen for a set of
	// a thousand pods on a busy machine.
	longestSliceWrite = 2 * time.Second

	// shortestReaction stands for a reaction whose act arrived before its cause: the two watches were out of step, yet it was seen.
	shortestReaction = time.Millisecond

	// longestPause is for how long a database of which a majority is Ready may acknowledge no write: an election takes one or two seconds, a client some
	// more to find out where to go, and a busy machine several times as much.
	longestPause = 30 * time.Second

	// clientRests is after what time without a request clients count as told to rest: those at work begin the next one within a second, even on a busy
	// machine.
	clientRests = 5 * time.Second

	// responseSpread is how many times the quickest response of a slow controller its others are taken to last.
	responseSpread = 2

	// longestReturn is how long a member that is Ready, and so answers clients, may lack what it had applied before.
	longestReturn = 30 * time.Second

	// longestKill is how long after the end of a pod's grace period its containers may still run: the kubelet kills them within a second or two, and a busy
	// machine takes several times as much.
	longestKill = 30 * time.Second

	// inARow is within what time two deletions begin that one actor requests one after the other.
	inARow = 2 * time.Second

	// endedOften is how often a container must have ended by itself before it counts as one that does not come up: once and twice were seen where names or
	// peers were not there yet.
	endedOften = 3

	// undoneOften is how often in a row the controller must have deleted for a rollout what it had created itself, before that counts as one that does not
	// go on: a stale informer cache explains one.
	undoneOften = 4

	// longestSearch bounds the search for the order of the operations on one key, of which thousands take a fraction of a second.
	longestSearch = 20 * time.Second

	// maxReportedPods bounds how many pods are listed that one act should have waited for: so many make it a violation whatever else
	// was in its way.
	maxReportedPods = 16
)

// SettleTime returns how long nothing must happen to a set and its pods before they count as settled: longer than the controller's caches
// and the recorder's watches may be behind.
func SettleTime(h *history.History) time.Duration { return h.Header.Lag + watchSkew }

// knownFrom returns from when on what the controller knew is recorded: the first lists had been made by then, and its caches hold nothing older.
func knownFrom(h *history.History) time.Duration {
	var listed time.Duration
	for _, e := range h.Events {
		if e.Change == history.Listed && (len(h.Gaps) == 0 || e.Seq < h.Gaps[0].Seq) {
			listed = e.At
		}
	}
	return listed + SettleTime(h)
}

func (m *model) settleTime() time.Duration { return SettleTime(m.h) }

// leastHold is how long nothing must have happened before that shows that the controller waited, given the longest reaction seen by then.
func leastHold(reaction time.Duration) time.Duration { return max(holdFloor, HoldFactor*reaction) }

// shortlyAfter reports whether the deletions of two pods began so shortly one after the other as those that one actor requests in a row.
func shortlyAfter(p, q *podLife) bool { return (q.deleting.At - p.deleting.At).Abs() < inARow }

// killOverdue reports whether a container that goes on should have been killed, so long after the deletion of its pod, whose grace period is that long.
func (m *model) killOverdue(after, grace time.Duration) bool {
	return after > grace+longestKill+m.h.Header.ClockSkew
}

// clientsRest reports whether clients that began no operation for so long had been told to rest.
func clientsRest(idle time.Duration) bool { return idle > clientRests }

// leastElapsed is the least that timestamps may show of a time that really passed: they are cut to seconds and come from different clocks.
func (m *model) leastElapsed(need time.Duration) time.Duration {
	return need - timestampResolution - m.h.Header.ClockSkew
}

// outOfStep reports whether one watch delivered an event longer after another delivered a later one than two open watches are out of step.
func outOfStep(by time.Duration) bool { return by > watchSkew }

// heldBack reports the same where not even a watch that was cut off and resumed explains it.
func heldBack(by time.Duration) bool { return by > resumedWatchSkew }

// carriedOutBy is the moment by which every watch has delivered what an operation that returned at a moment did: the API server carries it out before
// it answers, and one that got no answer until it would give up a request.
func carriedOutBy(returned time.Duration, answered bool) time.Duration {
	if answered {
		return returned + resumedWatchSkew
	}
	return returned + longestRequest + resumedWatchSkew
}

// mayDropReports reports whether the controller reported so much of one object that its event recorder may have dropped the rest.
func mayDropReports(n int) bool { return n >= reportBurst }

// longestBackoff is how long a set waits at most for its next sync after so many that failed, each of which was reported.
func longestBackoff(failures int) time.Duration {
	wait := firstBackoff
	for range failures - 1 + unreportedFailures {
		wait = min(2*wait, backoffLimit)
	}
	return wait
}

// olderView returns by how much more the controller's view was behind than the bound of its lag allows, given the least that it was seen to
// need, and that bound; 0 if it kept the bound.
func (m *model) olderView(least time.Duration) (beyond, bound time.Duration) {
	return max(0, least-m.h.Header.Lag), m.h.Header.Lag
}

// oldestView returns how old a controller's view may have been at a moment, given a response: no older than that where it was under way then. Another one,
// the quickest of all, is the least that any took; this one may have taken longer.
func oldestView(took time.Duration, around bool) time.Duration {
	if around {
		return took
	}
	return responseSpread * took
}

// minReady returns minReadySeconds of a version of a set.
func minReady(v *history.Event) time.Duration {
	return time.Duration(v.Set.MinReadySeconds) * time.Second
}

// enoughPods reports whether so many pods are listed that the rest need not be.
func enoughPods(n int) bool { return n >= maxReportedPods }

// isHalt reports whether an act came so long after the controller should have begun to wait that it broke off a wait.
func isHalt(since time.Duration, act *history.Event) bool { return act.At-since >= holdFloor }

// atLeastShortest returns a reaction, never less than the shortest one that counts.
func atLeastShortest(reaction time.Duration) time.Duration { return max(reaction, shortestReaction) }
