package judge

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
)

// counts is what the pods of a set add up to, as its status counts them.
type counts struct {
	replicas, ready int32
	at              countsByRevision // by revision, those that are terminating left out
}

// countsByRevision counts pods by revision. Few revisions have pods at a time, so that a list is faster than a map, above all to copy.
type countsByRevision []struct {
	revision string
	n        int32
}

func (c countsByRevision) of(revision string) int32 {
	for i := range c {
		if c[i].revision == revision {
			return c[i].n
		}
	}
	return 0
}

func (c *countsByRevision) add(revision string, n int32) {
	for i := range *c {
		if (*c)[i].revision != revision {
			continue
		}
		if (*c)[i].n += n; (*c)[i].n == 0 {
			*c = slices.Delete(*c, i, i+1)
		}
		return
	}
	*c = append(*c, struct {
		revision string
		n        int32
	}{revision, n})
}

// maxPreviousCounts bounds how many former tallies a status may be late by: a Parallel set of some dozens of pods makes that many while its
// controller writes no status.
const maxPreviousCounts = 128

// previousCounts is a ring of the last tallies.
type previousCounts struct {
	tallies []counts
	next, n int
}

// add keeps a copy of a tally, in the place of the oldest where there is no other.
func (p *previousCounts) add(t counts) {
	if p.next == len(p.tallies) {
		p.tallies = append(p.tallies, counts{})
	}
	old := &p.tallies[p.next]
	kept := old.at[:0] // the memory of the one that it takes the place of
	kept = append(kept, t.at...)
	*old = t
	old.at = kept
	p.next = (p.next + 1) % maxPreviousCounts
	p.n = min(p.n+1, maxPreviousCounts)
}

// ago returns the tally before the last i.
func (p *previousCounts) ago(i int) *counts {
	return &p.tallies[(p.next+maxPreviousCounts-1-i)%maxPreviousCounts]
}

// statusCounts is the part of a status that is held up against pods.
type statusCounts struct{ replicas, ready, available, updated, current int32 }

// expectedCounts returns what the status should count by a tally of pods. Up to 1.36 the current revision of an OnDelete set never
// follows, and its count falls to 0; available pods are known only where those that are Ready have aged.
func (w *statusWalker) expectedCounts(t *counts, aged bool) statusCounts {
	set, st := w.version.Set, &w.version.Set.Status
	out := statusCounts{replicas: t.replicas, ready: t.ready, available: t.ready, updated: t.at.of(st.UpdateRevision), current: t.at.of(st.CurrentRevision)}
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
	for i := range w.past.n {
		if w.agrees(w.past.ago(i), w.version.Set.MinReadySeconds == 0) {
			return true
		}
	}
	return false
}
