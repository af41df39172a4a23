package judge

import (
	"fmt"
	"maps"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
)

// counts are the numbers of a set's pods, as its status counts them.
type counts struct {
	replicas, ready int32
	at              countsByRevision // without terminating pods
}

func (c *counts) equal(other *counts) bool {
	return c.replicas == other.replicas && c.ready == other.ready && maps.Equal(c.at, other.at)
}

// countsByRevision are numbers of pods by revision, without zeros.
type countsByRevision map[string]int32

func (c countsByRevision) add(revision string, n int32) {
	if c[revision] += n; c[revision] == 0 {
		delete(c, revision)
	}
}

// previousCount are counts that there were, with the numbers of the first and the last state of the pods that had them.
type previousCount struct {
	counts
	first, last int
}

// previousCounts are the different counts before the present ones.
type previousCounts []previousCount

// add records the counts that the state of that number had.
func (p *previousCounts) add(c counts, state int) {
	if i := slices.IndexFunc(*p, func(of previousCount) bool { return of.equal(&c) }); i >= 0 {
		(*p)[i].last = state
		return
	}
	c.at = maps.Clone(c.at)
	*p = append(*p, previousCount{counts: c, first: state, last: state})
}

// statusCounts are the numbers of a status that are compared with the pods.
type statusCounts struct{ replicas, ready, available, updated, current int32 }

// expectedCounts returns the status for these counts of pods. aged says that all Ready pods have been so for minReadySeconds; otherwise
// availableReplicas is not known. Up to 1.36 the current revision of an OnDelete set never changes, and currentReplicas falls to 0.
func (w *statusWalker) expectedCounts(t *counts, aged bool) statusCounts {
	set, st := w.version.Set, &w.version.Set.Status
	out := statusCounts{replicas: t.replicas, ready: t.ready, available: t.ready, updated: t.at[st.UpdateRevision], current: t.at[st.CurrentRevision]}
	if !aged && set.MinReadySeconds != 0 {
		out.available = st.Available
	}
	if set.Strategy == appsv1.OnDeleteStatefulSetStrategyType && st.Current == 0 && !w.m.atLeast("1.37", false) {
		out.current = 0
	}
	return out
}

// reportedCounts returns the numbers in the status.
func (w *statusWalker) reportedCounts() statusCounts {
	st := &w.version.Set.Status
	return statusCounts{replicas: st.Replicas, ready: st.Ready, available: st.Available, updated: st.Updated, current: st.Current}
}

// agrees reports whether the status has the expected counts.
func (w *statusWalker) agrees(t *counts, aged bool) bool {
	return w.reportedCounts() == w.expectedCounts(t, aged)
}

// differences describes where the status differs from the present pods.
func (w *statusWalker) differences(aged bool) []string {
	got, want := w.reportedCounts(), w.expectedCounts(&w.counts, aged)
	var out []string
	for _, c := range []struct {
		field     string
		got, want int32
	}{
		{"replicas", got.replicas, want.replicas},
		{"readyReplicas", got.ready, want.ready},
		{"availableReplicas", got.available, want.available},
		{"updatedReplicas", got.updated, want.updated},
		{"currentReplicas", got.current, want.current},
	} {
		if c.got != c.want {
			out = append(out, fmt.Sprintf("%s %d where the pods show %d", c.field, c.got, c.want))
		}
	}
	return out
}

// late reports whether the status agrees with earlier counts: the controller may then not have written the present ones yet. Neither has it
// where currentReplicas lacks pods that it has just deleted.
func (w *statusWalker) late() bool {
	exact := w.version.Set.MinReadySeconds == 0
	for i := range w.past {
		c := &w.past[i].counts
		if w.agrees(c, exact) || w.agreesButForDeletions(c, c.at, exact) {
			return true
		}
	}
	return w.agreesButForDeletions(&w.counts, w.present, exact)
}

// agreesButForDeletions reports whether the status has the expected counts but for currentReplicas, which lacks pods that were deleted since or are
// among the given ones and of neither revision. The controller counts the pods that it found and then subtracts every one that it deletes for a rollout,
// whatever its revision, until its next sync counts anew.
func (w *statusWalker) agreesButForDeletions(t *counts, pods countsByRevision, aged bool) bool {
	st := &w.version.Set.Status
	if w.version.Set.Strategy != appsv1.RollingUpdateStatefulSetStrategyType {
		return false
	}
	deletable := max(0, t.at[st.CurrentRevision]-w.at[st.CurrentRevision])
	for revision, n := range pods {
		if revision != st.CurrentRevision && revision != st.UpdateRevision {
			deletable += n
		}
	}
	got, want := w.reportedCounts(), w.expectedCounts(t, aged)
	if subtracted := want.current - got.current; subtracted <= 0 || subtracted > deletable {
		return false
	}
	got.current = want.current
	return got == want
}
