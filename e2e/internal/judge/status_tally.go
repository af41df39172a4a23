package judge

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
)

// tally is what the pods of a set add up to, as its status counts them.
type tally struct {
	replicas, ready int32
	at              census // by revision, those that are terminating left out
}

// census counts pods by revision. Few revisions have pods at a time, so that a list is faster than a map, above all to copy.
type census []struct {
	revision string
	n        int32
}

func (c census) of(revision string) int32 {
	for i := range c {
		if c[i].revision == revision {
			return c[i].n
		}
	}
	return 0
}

func (c *census) add(revision string, n int32) {
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

// pastTallies bounds how many former tallies a status may be late by: a Parallel set of some dozens of pods makes that many while its
// controller writes no status.
const pastTallies = 128

// past is a ring of the last tallies.
type past struct {
	tallies []tally
	next, n int
}

// add keeps a copy of a tally, in the place of the oldest where there is no other.
func (p *past) add(t tally) {
	if p.next == len(p.tallies) {
		p.tallies = append(p.tallies, tally{})
	}
	old := &p.tallies[p.next]
	kept := old.at[:0] // the memory of the one that it takes the place of
	kept = append(kept, t.at...)
	*old = t
	old.at = kept
	p.next = (p.next + 1) % pastTallies
	p.n = min(p.n+1, pastTallies)
}

// ago returns the tally before the last i.
func (p *past) ago(i int) *tally { return &p.tallies[(p.next+pastTallies-1-i)%pastTallies] }

// counts is the part of a status that is held up against pods.
type counts struct{ replicas, ready, available, updated, current int32 }

// shown returns what the status should count by a tally of pods. Up to 1.36 the current revision of an OnDelete set never
// follows, and its count falls to 0; available pods are known only where those that are Ready have aged.
func (w *restWalk) shown(t *tally, aged bool) counts {
	set, st := w.version.Set, &w.version.Set.Status
	out := counts{replicas: t.replicas, ready: t.ready, available: t.ready, updated: t.at.of(st.UpdateRevision), current: t.at.of(st.CurrentRevision)}
	if !aged && set.MinReadySeconds != 0 {
		out.available = st.Available
	}
	if set.Strategy == appsv1.OnDeleteStatefulSetStrategyType && st.Current == 0 {
		out.current = 0
	}
	return out
}

// said returns what the status counts.
func (w *restWalk) said() counts {
	st := &w.version.Set.Status
	return counts{replicas: st.Replicas, ready: st.Ready, available: st.Available, updated: st.Updated, current: st.Current}
}

// agrees reports whether the status counts what a tally of pods does.
func (w *restWalk) agrees(t *tally, aged bool) bool { return w.said() == w.shown(t, aged) }

// wrong says where the status differs from the pods as they are.
func (w *restWalk) wrong(aged bool) []string {
	got, want := w.said(), w.shown(&w.tally, aged)
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
func (w *restWalk) late() bool {
	for i := range w.past.n {
		if w.agrees(w.past.ago(i), w.version.Set.MinReadySeconds == 0) {
			return true
		}
	}
	return false
}
