package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// problem is a guarantee that some history shows to be broken, or leaves in doubt, with all that shows it.
type problem struct {
	Guarantee
	Word     string
	Findings []shownFinding
}

// First is the finding to begin with.
func (p problem) First() shownFinding { return p.Findings[0] }

// More are the others, as many as a person will read.
func (p problem) More() []shownFinding { return p.Findings[1:min(len(p.Findings), maxFindingsShown)] }

// Left counts those that are in the machine-readable report alone.
func (p problem) Left() int { return max(0, len(p.Findings)-maxFindingsShown) }

// shownFinding is a finding with its guarantee and its place on the page.
type shownFinding struct {
	Finding
	ID     contract.ID
	Word   string
	Anchor string
}

// problems lists what histories speak against, the worst first: broken before undecided, core before extended, and what showed
// most often before what may only follow from it.
func problems(c *Conformance) []problem {
	var out []problem
	for _, g := range c.Guarantees {
		if len(g.Findings) == 0 {
			continue
		}
		p := problem{Guarantee: g, Word: word(g.Verdict)}
		for _, f := range g.Findings {
			p.Findings = append(p.Findings, shownFinding{Finding: f, ID: g.ID, Word: p.Word, Anchor: anchor(f.Spec)})
		}
		out = append(out, p)
	}
	levels := []contract.Level{contract.Core, contract.Extended, contract.Disruptive}
	slices.SortStableFunc(out, func(a, b problem) int {
		return cmp.Or(
			cmp.Compare(slices.Index(severity(), a.Verdict), slices.Index(severity(), b.Verdict)),
			cmp.Compare(slices.Index(levels, a.Level), slices.Index(levels, b.Level)),
			cmp.Compare(len(b.Findings), len(a.Findings)),
		)
	})
	return out
}

// openQuestion is a reason for which guarantees stayed undecided.
type openQuestion struct {
	Reason string
	IDs    []contract.ID
}

// openQuestions groups the rows that stayed undecided, without a history that says why, by their reason: one failure of one spec
// often leaves many open.
func openQuestions(c *Conformance) []openQuestion {
	var out []openQuestion
	for _, g := range c.Guarantees {
		if g.Verdict != verdict.Inconclusive || len(g.Findings) > 0 {
			continue
		}
		var reasons []string
		for _, reason := range g.Reasons {
			reasons = append(reasons, brief(reason))
		}
		reason := strings.Join(reasons, "; ")
		i := slices.IndexFunc(out, func(q openQuestion) bool { return q.Reason == reason })
		if i < 0 {
			i, out = len(out), append(out, openQuestion{Reason: reason})
		}
		out[i].IDs = append(out[i].IDs, g.ID)
	}
	return out
}

// brief leaves out of a reason that quotes a finding where that is promised and recorded: the finding itself says so.
func brief(reason string) string {
	said, _, _ := strings.Cut(reason, "; docs: ")
	said, _, _ = strings.Cut(said, "; history: ")
	return said
}

func word(v verdict.Verdict) string {
	switch v {
	case verdict.Fail:
		return "broken"
	case verdict.Deviation:
		return "deviates"
	}
	return "undecided"
}
