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

// previousCounts are the different counts before the latest change, in the order of their last occurrence.
type previousCounts []counts

// add appends a copy of the counts and removes an earlier occurrence.
func (p *previousCounts) add(c counts) {
	for i := len(*p) - 1; i >= 0; i-- {
		if (*p)[i].equal(&c) {
			*p = slices.Delete(*p, i, i+1)
			break
		}
	}
	c.at = maps.Clone(c.at)
	*p = append(*p, c)
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
	if set.Strategy == appsv1.OnDeleteStatefulSetStrategyType && st.Current == 0 {
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

// late reports whether the status agrees with earlier counts: the controller may then not have written the present ones yet.
func (w *statusWalker) late() bool {
	for i := range w.past {
		if w.agrees(&w.past[i], w.version.Set.MinReadySeconds == 0) {
			return true
		}
	}
	return false
}
