package judge

import (
	"fmt"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// collectedPods checks the grace periods of the deletions by which the garbage collector removes the pods of a deleted set. It reports none of them, and one
// pod may have been deleted by anybody: only that several, one shortly after the other, and none with its own grace period, shows whose doing it is.
func (res *results) collectedPods(s *setLife) {
	const id = contract.IdentityAtMostOne
	var cut []*podLife
	own := 0
	for _, p := range s.pods {
		if !res.m.maybeCollected(s, p) {
			continue
		}
		if d := p.deleting; d.Change == history.Modified && orZero(d.DeletionGrace) == p.grace() {
			res.exercised(id)
			own++
			continue
		}
		cut = append(cut, p)
	}
	for i, p := range cut {
		d := p.deleting
		c := evidence{
			set: s, since: s.deleting.At, events: []*history.Event{s.deleting, d}, anyAuthor: true,
			text: fmt.Sprintf("%s was deleted at %s with a grace period of %d s while its containers ran and after its set had been deleted (%s), expected its own %d s",
				p.name, d.Ref(), orZero(d.DeletionGrace), s.deleting.Aside(), p.grace()),
		}
		if own == 0 && (i > 0 && shortlyAfter(cut[i-1], p) || i+1 < len(cut) && shortlyAfter(p, cut[i+1])) {
			res.broken(id, c)
			continue
		}
		c.text += ", which somebody else may have asked for"
		res.inconclusive(id, c)
	}
}

// maybeCollected reports whether the garbage collector may have deleted a pod, whose containers ran, for its deleted set, and nobody is known to have.
func (m *model) maybeCollected(s *setLife, p *podLife) bool {
	d := p.deleting
	if d == nil || d.Change != history.Modified && d.Change != history.Deleted || p.owner() != s || !m.collected(d) || p.grace() <= 0 ||
		m.deletedByTest(p.uid, p.first(), d) || m.reported[p] || p.evicted(d.Seq) || p.disruptionTarget != nil && p.disruptionTarget.Seq <= d.Seq {
		return false
	}
	was := p.at(d.Seq - 1)
	return was != nil && was.Pod.Node != "" && !was.Pod.Stopped() && !d.Pod.Finished()
}
