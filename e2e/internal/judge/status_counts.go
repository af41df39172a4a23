package judge

import (
	"fmt"
	"maps"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
)

// counts is what the pods of a set add up to, as its status counts them.
type counts struct {
	replicas, ready int32
	at              countsByRevision // by revision, those that are terminating left out
}

func (c *counts) equal(other *counts) bool {
	return c.replicas == other.replicas && c.ready == other.ready && maps.Equal(c.at, other.at)
}

// countsByRevision counts pods by revision, those of which there are any.
type countsByRevision map[string]int32

func (c countsByRevision) add(revision string, n int32) {
	if c[revision] += n; c[revision] == 0 {
		delete(c, revision)
	}
}

// previousCounts are the different counts that the pods showed before, by when each was the last.
type previousCounts []counts

// add keeps a copy.
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

// statusCounts is the part of a status that is held up against pods.
type statusCounts struct{ replicas, ready, available, updated, current int32 }

// expectedCounts returns what the status should count by a tally of pods. Up to 1.36 the current revision of an OnDelete set never
// follows, and its count falls to 0; available pods are known only where those that are Ready have aged.
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

// reportedCounts returns what the status counts.
func (w *statusWalker) reportedCounts() statusCounts {
	st := &w.version.Set.Status
	return statusCounts{replicas: st.Replicas, ready: st.Ready, available: st.Available, updated: st.Updated, current: st.Current}
}

// agrees reports whether the status counts what a tally of pods does.
func (w *statusWalker) agrees(t *counts, aged bool) bool {
	return w.reportedCounts() == w.expectedCounts(t, aged)
}

// differences says where the status differs from the pods as they are.
func (w *statusWalker) differences(aged bool) []string {
	got, want := w.reportedCounts(), w.expectedCounts(&w.counts, aged)
	var out []string
	for _, c := range []struct {
		what      string
		got, want int32
	}{
		{"replicas", got.replicas, want.replicas},
		{"readyReplicas", got.ready, want.ready},
		{"availableReplicas", got.available, want.available},
		{"updatedReplicas", got.updated, want.updated},
		{"currentReplicas", got.current, want.current},
	} {
		if c.got != c.want {
			out = append(out, fmt.Sprintf("%s %d where the pods show %d", c.what, c.got, c.want))
		}
	}
	return out
}

// late reports whether the status says what the pods showed at an earlier moment: then it may just not have followed yet.
func (w *statusWalker) late() bool {
	for i := range w.past {
		if w.agrees(&w.past[i], w.version.Set.MinReadySeconds == 0) {
			return true
		}
	}
	return false
}
